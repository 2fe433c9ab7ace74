import type { MetadataStructs } from '../stream_info/stream_info.ts';
import type { XxHash64 } from '../base/xxhash64.ts';
import type { Timer } from '../event/timer.ts';
import { grpcStatusIn, isGrpcRequest, isGrpcServerError } from '../headers/grpc_headers.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import { LogContext } from '../access_log/access_log.ts';
import { RESET_REASON_TEXT, ResetReason } from '../http/codec.ts';
import type { FilterCallbacks, FilterHeadersStatus, LocalReplyOptions } from '../http/filter.ts';
import type { TerminalFilter, TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import type { RequestStats } from '../route/request_stats.ts';
import type { InternalRedirectPolicy } from '../route/internal_redirect_policy.ts';
import { type RouteEntry, RouteKind } from '../route/route_entry.ts';
import { ResponseFlag } from '../stream_info/response_flags.ts';
import type { Host } from '../upstream/host.ts';
import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import { isEstablished, isFailedHandshake, isTerminated, Tunnel, tunnelOf, withoutBody } from './tunnel.ts';
import { directBody } from './direct_body.ts';
import { KeptBody } from './kept_body.ts';
import { finalizeRequestHeaders, mutateRouteResponse } from './route_headers.ts';
import { Refusal, refusalOf } from './refusal.ts';
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
  /** The request's body for sending it again. */
  private readonly kept: KeptBody;
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
  /** What the request asks to become: Tunnel. */
  private tunnel: number;
  /** x-envoy-upstream-alt-stat-name; '' = none. */
  private altStatName: string;
  private isGrpc: boolean;
  /** A gRPC response has begun well; its trailers will say whether it is a success. */
  private isOutcomeOpen: boolean;
  private virtualClusterStats: RequestStats | null;

  constructor(context: RouterContext) {
    this.context = context;
    this.formatContext = new LogContext();
    this.upstream = new UpstreamRequest(this, context.clock);
    this.timeouts = new RequestTimeouts();
    this.attemptTimer = null;
    this.idleTimer = null;
    this.streamTimer = null;
    this.copies = null;
    this.kept = new KeptBody();
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
    this.tunnel = Tunnel.none;
    this.altStatName = '';
    this.isGrpc = false;
    this.isOutcomeOpen = false;
    this.virtualClusterStats = null;
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
    info.upstreamClusterMetadata = cluster.info.config.metadata as MetadataStructs;
    this.isChargedInternal = info.isInternalRequest;
    this.isGrpc = isGrpcRequest(headers);
    const virtualCluster = route.virtualHost.virtualCluster(headers);
    this.virtualClusterStats = virtualCluster === null ? null : virtualCluster.stats;
    if (virtualCluster !== null) info.virtualClusterName = virtualCluster.name;
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
    finalizeRequestHeaders(route, headers, callbacks.streamInfo, config.suppressEnvoyHeaders, this.formatContext);
    info.upstreamAttemptCount = 1;
    const host = cluster.chooseHost(info.random, cluster.usesHash ? this.computeHash(route, headers) : null);
    if (host === null) {
      this.failNoHost(cluster, callbacks);
      return;
    }
    this.host = host;
    // Upstream connections are plaintext.
    if (info.schemeMatchesUpstream) headers.isHttps = false;
    info.upstreamHost = host;
    if (route.action?.autoHostRewrite === true) route.autoRewriteHost(headers, host.hostname);
    this.state = State.active;
    const priority = route.isHighPriority ? 1 : 0;
    const tunnel = tunnelOf(headers);
    this.tunnel = tunnel;
    const pool = isTerminated(route, headers, tunnel) ? cluster.tcpPool(host, priority) : cluster.pool(host, priority);
    if (route.internalRedirect !== null) {
      // The request may have to be sent again, elsewhere.
      callbacks.retainRequestHeaders();
      if (!endStream) this.kept.begin(route.bodyLimit(callbacks.decoderBufferLimit()));
    }
    const isMirrored = route.mirrors !== null && !isConnectRequest(headers);
    this.isMirrored = isMirrored;
    // The copies need the headers, which may be borrowed no longer once the request is sent.
    if (isMirrored) callbacks.retainRequestHeaders();
    // Before begin(), which may answer already.
    if (tunnel === Tunnel.webSocket && this.timeouts.globalMs > 0) this.timer?.enable(this.timeouts.globalMs);
    this.upstream.begin(callbacks, pool, headers, endStream, tunnel >= Tunnel.webSocket);
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

  decodeTerminalData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (this.state === State.idle || this.state === State.done) return;
    if (this.kept.isWanted) this.kept.append(bytes, offset, length);
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
    this.virtualClusterStats?.rqTotal.inc();
    this.route?.stats?.rqTotal.inc();
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

  private answerDirectly(route: RouteEntry, headers: HeaderMap, callbacks: TerminalFilterCallbacks): void {
    this.context.stats.rqDirectResponse.inc();
    const isRedirect = route.kind === RouteKind.redirect;
    const location = route.redirectLocation(headers, !this.context.config.suppressEnvoyHeaders);
    const body = isRedirect ? '' : directBody(route, headers, callbacks.streamInfo, this.formatContext);
    callbacks.sendLocalReply(route.responseCode === 0 ? 404 : route.responseCode, body, {
      details: 'direct_response',
      modifyHeaders: (response) => {
        if (location !== '') response.set(HeaderId.location, location);
        mutateRouteResponse(route, response, callbacks, this.formatContext);
      },
    });
  }

  /** x-envoy-upstream-alt-stat-name (of trusted callers; others' is gone): response codes are counted below that name too. */
  private takeAltStatName(headers: HeaderMap): void {
    this.altStatName = headers.get(HeaderId.envoyUpstreamAltStatName) ?? '';
    headers.remove(HeaderId.envoyUpstreamAltStatName);
  }

  private refuseHeader(name: string, value: string, callbacks: TerminalFilterCallbacks): void {
    callbacks.streamInfo.setFlag(ResponseFlag.invalidEnvoyRequestHeaders);
    callbacks.sendLocalReply(400, `invalid header '${name}' with value '${value}'`, { details: `request_headers_failed_strict_check{${name}}` });
  }

  /** The cluster takes no request, or not this one. */
  private isTurnedAway(cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks): boolean {
    const info = callbacks.streamInfo;
    switch (refusalOf(cluster, this.context.runtime, info.random)) {
      case Refusal.maintenance:
        info.setFlag(ResponseFlag.upstreamOverflow);
        this.chargeCode(503, false);
        cluster.info.stats.rqMaintenanceMode.inc();
        this.replyWithRoute(503, 'maintenance mode', 'maintenance_mode', true);
        return true;
      case Refusal.drop:
        info.setFlag(ResponseFlag.unconditionalDropOverload);
        this.chargeCode(503, false);
        callbacks.sendLocalReply(503, 'unconditional drop overload', DROP_OVERLOAD);
        return true;
      default:
        return false;
    }
  }

  private failNoHost(cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks): void {
    cluster.info.stats.cxNoneHealthy.inc();
    callbacks.streamInfo.setFlag(ResponseFlag.noHealthyUpstream);
    this.chargeCode(503, false);
    this.replyWithRoute(503, 'no healthy upstream', 'no_healthy_upstream', false);
  }

  // === UpstreamRequestOwner: the response ===

  onUpstream1xxHeaders(headers: HeaderMap): void {
    this.chargeCode(headers.status, this.isCanary(headers));
    this.callbacks?.encode1xxHeaders(headers);
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    const callbacks = this.callbacks;
    const route = this.route;
    if (callbacks === null || route === null || this.state !== State.active) return;
    if (this.tunnel !== Tunnel.none && !this.settleTunnel(headers, endStream, callbacks)) return;
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
    this.chargeCode(headers.status, this.isCanary(headers));
    if (this.isGrpc && headers.status < 500 && !endStream) this.isOutcomeOpen = true;
    else this.chargeHost(headers.status < 500 && !(this.isGrpc && isGrpcServerError(grpcStatusIn(headers))));
    if (this.context.formatNeeds.upstreamBytes) this.upstream.recordBytes();
    mutateRouteResponse(route, headers, callbacks, this.formatContext);
    if (endStream) this.onUpstreamComplete(callbacks);
    callbacks.encodeHeaders(headers, endStream);
  }

  /** The answer to a request for a tunnel; false when it goes no further. */
  private settleTunnel(headers: HeaderMap, endStream: boolean, callbacks: TerminalFilterCallbacks): boolean {
    const { tunnel } = this;
    if (isFailedHandshake(tunnel, headers.status)) {
      this.timer?.disable();
      callbacks.sendLocalReply(headers.status, '', withoutBody(headers));
      return false;
    }
    if (!endStream && isEstablished(tunnel, headers.status)) {
      // From here on only idleness ends it.
      this.timer?.disable();
      this.upstream.releaseBody();
    }
    return true;
  }

  /** Begins the request anew where a redirect points; false when the redirect goes to the client. */
  private redirect(policy: InternalRedirectPolicy, route: RouteEntry, response: HeaderMap, endStream: boolean, callbacks: TerminalFilterCallbacks): boolean {
    const request = callbacks.requestHeaders();
    const stats = this.cluster?.info.stats;
    if (request === null || !callbacks.isRequestComplete() || this.kept.isLost
      || !followRedirect(this.context, { route, policy, callbacks, request, response, body: this.kept.bytes })) {
      stats?.internalRedirectFailed.inc();
      return false;
    }
    stats?.internalRedirectSucceeded.inc();
    if (endStream) {
      this.state = State.done;
      this.stopTimers();
      this.upstream.onResponseComplete(true);
    }
    callbacks.recreateStream(response, this.kept.take());
    return true;
  }

  onUpstreamData(offset: number, length: number, endStream: boolean): void {
    const callbacks = this.callbacks;
    if (callbacks === null || this.state !== State.responseStarted) return;
    if (endStream) {
      // A gRPC response without trailers has no status: an error.
      if (this.isOutcomeOpen) this.chargeHost(false);
      this.onUpstreamComplete(callbacks);
    }
    callbacks.encodeData(this.context.turnSlab, offset, length, endStream);
    if (!endStream && this.state === State.responseStarted && callbacks.isDownstreamAboveHighWatermark()) this.upstream.pauseResponse();
  }

  onUpstreamTrailers(trailers: HeaderMap): void {
    const callbacks = this.callbacks;
    if (callbacks === null || this.state !== State.responseStarted) return;
    if (this.isOutcomeOpen) this.chargeHost(!isGrpcServerError(grpcStatusIn(trailers)));
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
      this.virtualClusterStats?.codes.time.record(elapsed);
      this.route?.stats?.codes.time.record(elapsed);
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
      if (this.isOutcomeOpen) {
        this.chargeHost(false);
        this.context.stats.rqResetAfterDownstreamResponseStarted.inc();
      }
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
    this.virtualClusterStats?.rqTimeout.inc();
    this.route?.stats?.rqTimeout.inc();
    this.host?.onRequestTimeout();
    callbacks.streamInfo.setFlag(ResponseFlag.upstreamRequestTimeout);
    const { answersNoContent } = this.timeouts;
    this.upstream.noteTimeout(answersNoContent ? 204 : 504);
    if (!this.giveUp(details, callbacks)) return;
    this.host?.onRequestError();
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
    this.kept.clear();
    this.cookies = NO_COOKIES;
    this.state = State.idle;
    this.cluster = null;
    this.host = null;
    this.route = null;
    this.altStatName = '';
    this.isOutcomeOpen = false;
    this.tunnel = Tunnel.none;
    this.virtualClusterStats = null;
    this.isRequestReadDisabled = false;
  }

  // === private ===

  private chargeHost(isSuccess: boolean): void {
    this.isOutcomeOpen = false;
    if (isSuccess) this.host?.onRequestSuccess();
    else this.host?.onRequestError();
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
        if (route !== null) mutateRouteResponse(route, headers, callbacks, this.formatContext);
      },
    });
  }

  /** The host says so in its metadata, or in this response. */
  private isCanary(headers: HeaderMap): boolean {
    return this.host?.isCanary === true || headers.valueEquals(HeaderId.envoyUpstreamCanary, 'true');
  }

  private chargeCode(status: number, isCanary: boolean): void {
    const stats = this.cluster?.info.stats;
    // Health checks are no traffic.
    if (stats === undefined || this.callbacks?.streamInfo.isHealthCheck === true) return;
    stats.codes.charge(status);
    stats.byOrigin(this.isChargedInternal).charge(status);
    this.virtualClusterStats?.codes.charge(status);
    this.route?.stats?.codes.charge(status);
    if (this.altStatName !== '') stats.alternative(this.altStatName)?.charge(status, this.isChargedInternal);
    if (isCanary) stats.canaryCodes().charge(status);
  }
}

const NO_COOKIES: string[] = [];

const ROUTE_NOT_FOUND: LocalReplyOptions = { details: 'route_not_found' };
const DROP_OVERLOAD: LocalReplyOptions = {
  details: 'unconditional_drop_overload',
  modifyHeaders: (headers) => headers.setByName('x-envoy-unconditional-drop-overload', 'true'),
};
