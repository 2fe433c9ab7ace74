import type { XxHash64 } from '../base/xxhash64.ts';
import { OwnedBytes } from '../buffer/owned_bytes.ts';
import type { Timer } from '../event/timer.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import { LogContext } from '../access_log/access_log.ts';
import { RESET_REASON_TEXT, ResetReason } from '../http/codec.ts';
import type { FilterCallbacks, FilterHeadersStatus, LocalReplyOptions } from '../http/filter.ts';
import type { TerminalFilter, TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import type { InternalRedirectPolicy } from '../route/internal_redirect_policy.ts';
import { type RouteEntry, RouteKind } from '../route/route_entry.ts';
import { ResponseFlag } from '../stream_info/response_flags.ts';
import type { Host } from '../upstream/host.ts';
import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import { followRedirect } from './internal_redirect.ts';
import { type CopiedRequest, RequestCopies } from './request_copies.ts';
import { flagOf, isConnectRequest, isWellFormed, removeConsumed } from './request_rules.ts';
import { RequestTimeouts } from './request_timeouts.ts';
import type { RouterContext } from './router_context.ts';
import { UpstreamRequest, type UpstreamRequestOwner } from './upstream_request.ts';

/** Where the stream stands at the router. */
const State = { idle: 0, active: 1, responseStarted: 2, done: 3 } as const;

/**
 * The terminal HTTP filter: picks cluster and host, sends the request on a pooled connection, brings the response back, keeps the
 * route's timeout. The only place that sees both the downstream stream and the upstream pool.
 */
export class RouterFilter implements TerminalFilter, UpstreamRequestOwner, CopiedRequest {
  private readonly context: RouterContext;
  private readonly formatContext: LogContext;
  private readonly upstream: UpstreamRequest;
  private readonly timeouts: RequestTimeouts;
  /** Made when first needed, as the next three. */
  private attemptTimer: Timer | null;
  private idleTimer: Timer | null;
  private streamTimer: Timer | null;
  private copies: RequestCopies | null;
  /** The request's body for sending it again; empty unless the route follows redirects. */
  private readonly kept: OwnedBytes;
  private keepsBody: boolean;
  /** It was too large to be kept. */
  private isBodyLost: boolean;
  private isMirrored: boolean;
  /** Set-Cookie values that hash policies made. */
  private cookies: string[];
  private callbacks: TerminalFilterCallbacks | null;
  private timer: Timer | null;
  private state: number;
  private cluster: UpstreamCluster | null;
  private host: Host | null;
  private route: RouteEntry | null;
  private isRequestReadDisabled: boolean;
  private isChargedInternal: boolean;
  /** x-envoy-upstream-alt-stat-name; '' = none. */
  private altStatName: string;

  constructor(context: RouterContext) {
    this.context = context;
    this.formatContext = new LogContext();
    this.upstream = new UpstreamRequest(this, context.clock);
    this.timeouts = new RequestTimeouts();
    this.attemptTimer = null;
    this.idleTimer = null;
    this.streamTimer = null;
    this.copies = null;
    this.kept = new OwnedBytes();
    this.keepsBody = false;
    this.isBodyLost = false;
    this.isMirrored = false;
    this.cookies = NO_COOKIES;
    this.callbacks = null;
    this.timer = null;
    this.state = State.idle;
    this.cluster = null;
    this.host = null;
    this.route = null;
    this.isRequestReadDisabled = false;
    this.isChargedInternal = false;
    this.altStatName = '';
  }

  setCallbacks(_callbacks: FilterCallbacks): void {}

  setTerminalCallbacks(callbacks: TerminalFilterCallbacks): void {
    this.callbacks = callbacks;
    this.timer = callbacks.createTimer(this);
  }

  decodeHeaders(): FilterHeadersStatus {
    return 0;
  }

  // === the request ===

  decodeTerminalHeaders(headers: HeaderMap, endStream: boolean): void {
    const callbacks = this.callbacks;
    if (callbacks === null) return;
    const { stats, clusters, config } = this.context;
    stats.rqTotal.inc();
    const route = callbacks.routeEntry();
    if (route === null) {
      stats.noRoute.inc();
      callbacks.streamInfo.setFlag(ResponseFlag.noRouteFound);
      callbacks.sendLocalReply(404, '', ROUTE_NOT_FOUND);
      return;
    }
    this.route = route;
    const info = callbacks.streamInfo;
    info.route = route;
    if (route.kind !== RouteKind.route) {
      this.answerDirectly(route, headers, callbacks);
      return;
    }
    const clusterName = route.resolveClusterName(headers);
    const cluster = clusters.get(clusterName);
    if (cluster === null) {
      stats.noCluster.inc();
      info.setFlag(ResponseFlag.noClusterFound);
      this.replyWithRoute(route.clusterNotFoundResponseCode, '', 'cluster_not_found', false);
      return;
    }
    this.cluster = cluster;
    info.upstreamClusterName = clusterName;
    info.upstreamClusterObservabilityName = cluster.info.config.statName;
    this.isChargedInternal = info.isInternalRequest;
    const strict = this.context.strictHeaderIds;
    for (let i = 0; i < strict.length; i++) {
      if (headers.find(strict[i]) >= 0 && !isWellFormed(strict[i], headers.get(strict[i]) ?? '')) {
        this.refuseHeader(config.strictCheckHeaders[i], headers.get(strict[i]) ?? '', callbacks);
        return;
      }
    }
    if (headers.find(HeaderId.envoyUpstreamAltStatName) >= 0) this.takeAltStatName(headers);
    if (this.isTurnedAway(cluster, callbacks)) return;
    this.timeouts.resolve(route, headers, config);
    if (this.isChargedInternal) removeConsumed(headers);
    this.finalizeRequestHeaders(route, headers, callbacks);
    info.upstreamAttemptCount = 1;
    const host = cluster.chooseHost(info.random, cluster.usesHash ? this.computeHash(route, headers) : null);
    if (host === null) {
      this.failNoHost(cluster, callbacks);
      return;
    }
    this.host = host;
    info.upstreamHost = host;
    if (route.action?.autoHostRewrite === true) route.autoRewriteHost(headers, host.hostname);
    this.state = State.active;
    if (route.internalRedirect !== null) this.prepareRedirect(endStream, callbacks);
    const isMirrored = route.mirrors !== null && !isConnectRequest(headers);
    this.isMirrored = isMirrored;
    // The copies need the headers, which may be borrowed no longer once the request is sent.
    if (isMirrored) callbacks.retainRequestHeaders();
    this.upstream.begin(callbacks, cluster.pool(host, route.isHighPriority ? 1 : 0), headers, endStream);
    // A request whose upstream failed at once is copied only if it is whole: nobody would bring the rest.
    if (isMirrored && route.mirrors !== null && (endStream || this.isMirrored)) {
      this.copies ??= new RequestCopies(this.context, this);
      this.copies.begin(route.mirrors, headers, info, this.timeouts.globalMs, route.isHighPriority, endStream);
    }
    if (endStream && this.state === State.active) this.onRequestSent();
  }

  private computeHash(route: RouteEntry, headers: HeaderMap): XxHash64 | null {
    const policy = route.hashPolicy;
    const callbacks = this.callbacks;
    if (policy === null || callbacks === null) return null;
    const cookies: string[] = [];
    const hasHash = policy.compute(headers, callbacks.streamInfo, cookies);
    if (cookies.length > 0) this.cookies = cookies;
    return hasHash ? policy.hash : null;
  }

  /** The request may have to be sent again, elsewhere. */
  private prepareRedirect(endStream: boolean, callbacks: TerminalFilterCallbacks): void {
    callbacks.retainRequestHeaders();
    this.keepsBody = !endStream;
  }

  /** Keeps body bytes for sending them again, within the limit. */
  private keepBody(bytes: Uint8Array, offset: number, length: number): void {
    const { kept, route, callbacks } = this;
    if (route === null || callbacks === null) return;
    if (kept.length + length <= route.bodyLimit(callbacks.decoderBufferLimit())) {
      kept.append(bytes, offset, length);
      return;
    }
    this.keepsBody = false;
    this.isBodyLost = true;
    kept.clear();
  }

  decodeTerminalData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (this.state === State.idle || this.state === State.done) return;
    if (this.keepsBody) this.keepBody(bytes, offset, length);
    if (this.isMirrored) this.copies?.encodeData(bytes, offset, length, endStream);
    this.upstream.encodeData(bytes, offset, length, endStream);
    if (endStream && this.state !== State.done) this.onRequestSent();
  }

  decodeTerminalTrailers(trailers: HeaderMap): void {
    if (this.state === State.idle || this.state === State.done) return;
    if (this.isMirrored) this.copies?.encodeTrailers(trailers);
    this.upstream.encodeTrailers(trailers);
    if (this.state !== State.done) this.onRequestSent();
  }

  private onRequestSent(): void {
    if (this.timeouts.globalMs > 0) this.timer?.enable(this.timeouts.globalMs);
    if (this.timeouts.perTryMs > 0 && this.upstream.isReady) this.startAttemptTimer();
  }

  /** From here on both sides are there. */
  onUpstreamReady(): void {
    const { timeouts, callbacks } = this;
    if (timeouts.perTryMs > 0 && callbacks?.isRequestComplete() === true) this.startAttemptTimer();
    if (timeouts.perTryIdleMs > 0) {
      this.idleTimer ??= callbacks?.createTimer(this) ?? null;
      this.idleTimer?.enable(timeouts.perTryIdleMs);
    }
    const streamMs = timeouts.streamMs >= 0 ? timeouts.streamMs : this.cluster?.info.config.maxStreamDurationMs ?? 0;
    if (streamMs > 0) {
      this.streamTimer ??= callbacks?.createTimer(this) ?? null;
      this.streamTimer?.enable(streamMs);
    }
  }

  private startAttemptTimer(): void {
    this.attemptTimer ??= this.callbacks?.createTimer(this) ?? null;
    this.attemptTimer?.enable(this.timeouts.perTryMs);
  }

  private stopTimers(): void {
    this.timer?.disable();
    this.attemptTimer?.disable();
    this.idleTimer?.disable();
    this.streamTimer?.disable();
  }

  private finalizeRequestHeaders(route: RouteEntry, headers: HeaderMap, callbacks: TerminalFilterCallbacks): void {
    if (route.virtualHost.includeRequestAttemptCount) headers.setInteger(HeaderId.envoyAttemptCount, 1);
    const context = this.formatContext;
    context.requestHeaders = headers;
    context.info = callbacks.streamInfo;
    if (!route.requestHeaders.isEmpty) route.requestHeaders.evaluate(headers, context);
    route.finalizeHost(headers, context);
    route.finalizePath(headers, !this.context.config.suppressEnvoyHeaders, context);
    context.requestHeaders = null;
    context.info = null;
  }

  private answerDirectly(route: RouteEntry, headers: HeaderMap, callbacks: TerminalFilterCallbacks): void {
    this.context.stats.rqDirectResponse.inc();
    const isRedirect = route.kind === RouteKind.redirect;
    const location = route.redirectLocation(headers, !this.context.config.suppressEnvoyHeaders);
    const body = isRedirect ? '' : this.directBody(route, headers, callbacks);
    callbacks.sendLocalReply(route.responseCode === 0 ? 404 : route.responseCode, body, {
      details: 'direct_response',
      modifyHeaders: (response) => {
        if (location !== '') response.set(HeaderId.location, location);
        this.mutateResponse(route, response, callbacks);
      },
    });
  }

  private directBody(route: RouteEntry, headers: HeaderMap, callbacks: TerminalFilterCallbacks): string {
    const text = bodyText(route.directBody);
    if (route.bodyFormat === null) return text;
    const context = this.formatContext;
    const info = callbacks.streamInfo;
    context.requestHeaders = headers;
    context.info = info;
    info.localReplyBody = text;
    const body = Buffer.from(route.bodyFormat.formatToBytes(context)).toString('utf8');
    info.localReplyBody = '';
    context.requestHeaders = null;
    context.info = null;
    return body;
  }

  /** x-envoy-upstream-alt-stat-name (of trusted callers; others' is gone): response codes are counted below that name too. */
  private takeAltStatName(headers: HeaderMap): void {
    this.altStatName = headers.get(HeaderId.envoyUpstreamAltStatName) ?? '';
    headers.remove(HeaderId.envoyUpstreamAltStatName);
  }

  private refuseHeader(name: string, value: string, callbacks: TerminalFilterCallbacks): void {
    callbacks.streamInfo.setFlag(ResponseFlag.invalidEnvoyRequestHeaders);
    callbacks.sendLocalReply(400, `invalid header '${name}' with value '${value}'`, { details: `request_headers_failed_strict_check{${name}}`, closesConnection: true });
  }

  /** The cluster takes no request, or not this one: maintenance mode (runtime) and drop_overloads. */
  private isTurnedAway(cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks): boolean {
    const info = callbacks.streamInfo;
    const { stats, config, maintenance } = cluster.info;
    if (this.context.runtime.featureEnabled(maintenance, info.random)) {
      info.setFlag(ResponseFlag.upstreamOverflow);
      this.chargeCode(503, false);
      stats.rqMaintenanceMode.inc();
      this.replyWithRoute(503, 'maintenance mode', 'maintenance_mode', true);
      return true;
    }
    const drop = config.dropOverload;
    if (drop === null || info.random % drop.denominator >= drop.numerator) return false;
    info.setFlag(ResponseFlag.unconditionalDropOverload);
    this.chargeCode(503, false);
    callbacks.sendLocalReply(503, 'unconditional drop overload', DROP_OVERLOAD);
    return true;
  }

  private failNoHost(cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks): void {
    cluster.info.stats.cxNoneHealthy.inc();
    callbacks.streamInfo.setFlag(ResponseFlag.noHealthyUpstream);
    this.chargeCode(503, false);
    this.replyWithRoute(503, 'no healthy upstream', 'no_healthy_upstream', false);
  }

  // === UpstreamRequestOwner: the response ===

  onUpstream1xxHeaders(headers: HeaderMap): void {
    this.chargeCode(headers.status, true);
    this.callbacks?.encode1xxHeaders(headers);
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    const callbacks = this.callbacks;
    const route = this.route;
    if (callbacks === null || route === null || this.state !== State.active) return;
    if (route.internalRedirect?.appliesTo(headers.status) === true && this.redirect(route.internalRedirect, route, headers, endStream, callbacks)) return;
    this.state = State.responseStarted;
    if (this.attemptTimer !== null) this.attemptTimer.disable();
    if (this.cookies.length > 0) for (const cookie of this.cookies) headers.add(HeaderId.setCookie, cookie);
    const info = callbacks.streamInfo;
    info.responseCodeDetails = 'via_upstream';
    const isRequestComplete = callbacks.isRequestComplete();
    if (!this.context.config.suppressEnvoyHeaders && isRequestComplete) {
      const elapsed = info.msSinceRequestComplete(this.context.clock);
      headers.setInteger(HeaderId.envoyUpstreamServiceTime, elapsed < 0 ? 0 : elapsed);
    }
    if (route.virtualHost.includeAttemptCountInResponse) headers.setInteger(HeaderId.envoyAttemptCount, info.upstreamAttemptCount);
    info.responseCode = headers.status;
    this.chargeCode(headers.status, true);
    const host = this.host;
    if (host !== null) {
      if (headers.status >= 500) host.onRequestError();
      else host.onRequestSuccess();
    }
    this.mutateResponse(route, headers, callbacks);
    if (endStream) this.onUpstreamComplete(callbacks);
    callbacks.encodeHeaders(headers, endStream);
  }

  /** Begins the request anew where a redirect points; false when the redirect goes to the client. */
  private redirect(policy: InternalRedirectPolicy, route: RouteEntry, response: HeaderMap, endStream: boolean, callbacks: TerminalFilterCallbacks): boolean {
    const request = callbacks.requestHeaders();
    const stats = this.cluster?.info.stats;
    if (request === null || !callbacks.isRequestComplete() || this.isBodyLost
      || !followRedirect(this.context, { route, policy, callbacks, request, response, body: this.kept })) {
      stats?.internalRedirectFailed.inc();
      return false;
    }
    stats?.internalRedirectSucceeded.inc();
    if (endStream) {
      this.state = State.done;
      this.stopTimers();
      this.upstream.onResponseComplete(true);
    }
    const body = new OwnedBytes();
    body.append(this.kept.bytes, 0, this.kept.length);
    callbacks.recreateStream(response, body);
    return true;
  }

  onUpstreamData(offset: number, length: number, endStream: boolean): void {
    const callbacks = this.callbacks;
    if (callbacks === null || this.state !== State.responseStarted) return;
    if (endStream) this.onUpstreamComplete(callbacks);
    callbacks.encodeData(this.context.turnSlab, offset, length, endStream);
    if (!endStream && this.state === State.responseStarted && callbacks.isDownstreamAboveHighWatermark()) this.upstream.pauseResponse();
  }

  onUpstreamTrailers(trailers: HeaderMap): void {
    const callbacks = this.callbacks;
    if (callbacks === null || this.state !== State.responseStarted) return;
    this.onUpstreamComplete(callbacks);
    callbacks.encodeTrailers(trailers);
  }

  /** The response is complete: times are taken, the upstream is let go if the request is not. */
  private onUpstreamComplete(callbacks: TerminalFilterCallbacks): void {
    this.state = State.done;
    this.stopTimers();
    const cluster = this.cluster;
    if (cluster !== null && callbacks.isRequestComplete()) {
      const elapsed = callbacks.streamInfo.msSinceRequestComplete(this.context.clock);
      cluster.info.stats.codes.time.record(elapsed);
      cluster.info.stats.byOrigin(this.isChargedInternal).time.record(elapsed);
    }
    this.upstream.onResponseComplete(callbacks.isRequestComplete());
  }

  onUpstreamReset(reason: ResetReason, transportFailure: string): void {
    const callbacks = this.callbacks;
    if (callbacks === null || this.state === State.done || this.state === State.idle) return;
    const info = callbacks.streamInfo;
    info.setFlag(flagOf(reason));
    if (transportFailure !== '') info.upstreamTransportFailureReason = transportFailure;
    const wasStarted = this.state === State.responseStarted;
    this.state = State.done;
    this.stopTimers();
    const text = RESET_REASON_TEXT[reason];
    if (wasStarted) {
      info.responseCodeDetails = `upstream_reset_after_response_started{${text.replaceAll(' ', '_')}}`;
      callbacks.resetAfterUpstreamFailure();
      return;
    }
    const isOverflow = reason === ResetReason.overflow;
    const status = reason === ResetReason.protocolError ? 502 : 503;
    if (!isOverflow) {
      this.host?.onRequestError();
    }
    this.chargeCode(status, false);
    const suffix = transportFailure === '' ? '' : `, transport failure reason: ${transportFailure}`;
    const detail = transportFailure === '' ? '' : `|${transportFailure}`;
    this.replyWithRoute(status, `upstream connect error or disconnect/reset before headers. reset reason: ${text}${suffix}`,
      `upstream_reset_before_response_started{${text}${detail}}`.replaceAll(' ', '_'), isOverflow);
  }

  // === timeouts and back-pressure ===

  onTimeout(timer: Timer): void {
    const { callbacks, cluster } = this;
    if (callbacks === null || cluster === null || this.state === State.idle || this.state === State.done) return;
    const { stats } = cluster.info;
    if (timer === this.streamTimer) {
      stats.rqMaxDurationReached.inc();
      this.onStreamDuration(callbacks);
    } else if (timer === this.attemptTimer) {
      stats.rqPerTryTimeout.inc();
      this.onResponseTimeout('upstream_per_try_timeout', callbacks);
    } else if (timer === this.idleTimer) {
      stats.rqPerTryIdleTimeout.inc();
      this.onResponseTimeout('upstream_per_try_idle_timeout', callbacks);
    } else {
      stats.rqTimeout.inc();
      this.onResponseTimeout('response_timeout', callbacks);
    }
  }

  private onResponseTimeout(details: string, callbacks: TerminalFilterCallbacks): void {
    this.host?.onRequestTimeout();
    callbacks.streamInfo.setFlag(ResponseFlag.upstreamRequestTimeout);
    if (!this.giveUp(details, callbacks)) return;
    this.host?.onRequestError();
    const { answersNoContent } = this.timeouts;
    this.chargeCode(answersNoContent ? 204 : 504, false);
    this.replyWithRoute(answersNoContent ? 204 : 504, answersNoContent ? '' : 'upstream request timeout', details, false);
  }

  private onStreamDuration(callbacks: TerminalFilterCallbacks): void {
    callbacks.streamInfo.setFlag(ResponseFlag.upstreamMaxStreamDurationReached);
    const details = 'upstream_max_stream_duration_reached';
    if (this.giveUp(details, callbacks)) this.replyWithRoute(callbacks.isRequestComplete() ? 504 : 408, 'upstream max stream duration reached', details, false);
  }

  /** Ends the attempt; true when the client is still to be answered. */
  private giveUp(details: string, callbacks: TerminalFilterCallbacks): boolean {
    const wasStarted = this.state === State.responseStarted;
    this.state = State.done;
    this.stopTimers();
    this.upstream.reset();
    if (!wasStarted) return true;
    callbacks.streamInfo.responseCodeDetails = details;
    callbacks.resetAfterUpstreamFailure();
    return false;
  }

  /** Copies of the request are held up (true) or no longer (false). */
  onShadowsBackedUp(isAbove: boolean): void {
    this.callbacks?.readDisableRequest(isAbove);
  }

  /** The upstream write queue is over its limit (true) or drained (false): the request's sender waits. */
  onUpstreamBackpressure(isAbove: boolean): void {
    const callbacks = this.callbacks;
    if (callbacks === null || this.isRequestReadDisabled === isAbove) return;
    this.isRequestReadDisabled = isAbove;
    if (isAbove) this.cluster?.info.stats.flowControlBackedUp.inc();
    callbacks.readDisableRequest(isAbove);
  }

  onDownstreamBelowLowWatermark(): void {
    this.upstream.resumeResponse();
  }

  onResponsePaused(isPaused: boolean): void {
    const stats = this.cluster?.info.stats;
    if (isPaused) stats?.flowControlPausedReading.inc();
    else stats?.flowControlResumedReading.inc();
  }

  /** The stream is over, or answered by someone else. */
  onDestroy(): void {
    if (this.state === State.active || this.state === State.responseStarted) {
      this.state = State.done;
      this.upstream.reset();
    }
    this.stopTimers();
    this.upstream.release();
    if (this.isMirrored) this.copies?.cancel();
    this.isMirrored = false;
    this.keepsBody = false;
    this.isBodyLost = false;
    this.kept.clear();
    this.cookies = NO_COOKIES;
    this.state = State.idle;
    this.cluster = null;
    this.host = null;
    this.route = null;
    this.altStatName = '';
    this.isRequestReadDisabled = false;
  }

  // === private ===

  private mutateResponse(route: RouteEntry, headers: HeaderMap, callbacks: TerminalFilterCallbacks): void {
    if (route.responseHeaders.isEmpty) return;
    const context = this.formatContext;
    context.requestHeaders = callbacks.requestHeaders();
    context.responseHeaders = headers;
    context.info = callbacks.streamInfo;
    route.responseHeaders.evaluate(headers, context);
    context.requestHeaders = null;
    context.responseHeaders = null;
    context.info = null;
  }

  /** A reply made here carries the route's response headers, like one from upstream. */
  private replyWithRoute(status: number, body: string, details: string, isOverloaded: boolean): void {
    const { callbacks, route } = this;
    if (callbacks === null) return;
    callbacks.sendLocalReply(status, body, {
      details,
      modifyHeaders: (headers) => {
        if (isOverloaded) headers.set(HeaderId.envoyOverloaded, 'true');
        const attempts = callbacks.streamInfo.upstreamAttemptCount;
        if (attempts > 0 && route?.virtualHost.includeAttemptCountInResponse === true) headers.setInteger(HeaderId.envoyAttemptCount, attempts);
        if (route !== null) this.mutateResponse(route, headers, callbacks);
      },
    });
  }

  private chargeCode(status: number, isUpstreamResponse: boolean): void {
    const stats = this.cluster?.info.stats;
    // Health checks are no traffic.
    if (stats === undefined || this.callbacks?.streamInfo.isHealthCheck === true) return;
    stats.codes.charge(status);
    stats.byOrigin(this.isChargedInternal).charge(status);
    if (this.altStatName !== '') stats.alternative(this.altStatName)?.charge(status, this.isChargedInternal);
    if (isUpstreamResponse && this.host?.isCanary === true) stats.canaryCodes().charge(status);
  }
}

const NO_COOKIES: string[] = [];

const ROUTE_NOT_FOUND: LocalReplyOptions = { details: 'route_not_found' };
const DROP_OVERLOAD: LocalReplyOptions = {
  details: 'unconditional_drop_overload',
  modifyHeaders: (headers) => headers.setByName('x-envoy-unconditional-drop-overload', 'true'),
};

function bodyText(body: Uint8Array): string {
  return Buffer.from(body).toString('utf8');
}
