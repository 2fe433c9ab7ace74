import type { MetadataStructs } from '../stream_info/stream_info.ts';
import type { XxHash64 } from '../base/xxhash64.ts';
import type { Timer } from '../event/timer.ts';
import { grpcStatusIn, isGrpcRequest, isGrpcServerError } from '../headers/grpc_headers.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import { RESET_REASON_TEXT, ResetReason } from '../http/codec.ts';
import type { FilterCallbacks, FilterHeadersStatus } from '../http/filter.ts';
import type { TerminalFilter, TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import type { InternalRedirectPolicy } from '../route/internal_redirect_policy.ts';
import { type RouteEntry, RouteKind } from '../route/route_entry.ts';
import { ResponseFlag } from '../stream_info/response_flags.ts';
import type { Host } from '../upstream/host.ts';
import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import { isEstablished, isFailedHandshake, isTerminated, Tunnel, tunnelOf, withoutBody } from './tunnel.ts';
import { KeptBody } from './kept_body.ts';
import { finalizeRequestHeaders, mutateRouteResponse } from './route_headers.ts';
import { followRedirect } from './internal_redirect.ts';
import { type CopiedRequest, RequestCopies } from './request_copies.ts';
import { flagOf, isConnectRequest, removeConsumed } from './request_rules.ts';
import { RequestCharges } from './request_charges.ts';
import { RequestTimeouts } from './request_timeouts.ts';
import type { RouterContext } from './router_context.ts';
import { RouterReplies } from './router_replies.ts';
import { mayRetry, Retries } from './retries.ts';
import { UpstreamRequest, type UpstreamRequestOwner } from './upstream_request.ts';

/** Where the stream stands at the router. */
const State = { idle: 0, active: 1, responseStarted: 2, done: 3 } as const;

/**
 * The terminal HTTP filter: picks cluster and host, sends the request on a pooled connection, brings the response back, keeps the
 * route's timeout. The only place that sees both the downstream stream and the upstream pool.
 */
export class RouterFilter implements TerminalFilter, UpstreamRequestOwner, CopiedRequest {
  private readonly context: RouterContext;
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
  /** What the request asks to become: Tunnel. */
  private tunnel: number;
  private isGrpc: boolean;
  /** A gRPC response has begun well; its trailers will say whether it is a success. */
  private isOutcomeOpen: boolean;
  private readonly charges: RequestCharges;
  private readonly replies: RouterReplies;
  /** Made when first needed. */
  private retries: Retries | null;

  constructor(context: RouterContext) {
    this.context = context;
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
    this.tunnel = Tunnel.none;
    this.isGrpc = false;
    this.isOutcomeOpen = false;
    this.charges = new RequestCharges();
    this.replies = new RouterReplies(context, this.charges);
    this.retries = null;
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
      this.replies.noRoute(callbacks);
      return;
    }
    this.route = route;
    this.replies.route = route;
    const info = callbacks.streamInfo;
    info.route = route;
    if (route.kind !== RouteKind.route) {
      this.replies.direct(route, headers, callbacks);
      return;
    }
    const clusterName = route.resolveClusterName(headers);
    const cluster = clusters.get(clusterName);
    if (cluster === null) {
      this.replies.noCluster(route.clusterNotFoundResponseCode, callbacks);
      return;
    }
    this.cluster = cluster;
    info.upstreamClusterName = clusterName;
    info.upstreamClusterObservabilityName = cluster.info.config.statName;
    info.upstreamClusterMetadata = cluster.info.config.metadata as MetadataStructs;
    this.isGrpc = isGrpcRequest(headers);
    const virtualCluster = route.virtualHost.virtualCluster(headers);
    const { charges } = this;
    charges.cluster = cluster.info.stats;
    charges.virtualCluster = virtualCluster === null ? null : virtualCluster.stats;
    charges.route = route.stats;
    charges.isInternal = info.isInternalRequest;
    charges.isHealthCheck = info.isHealthCheck;
    if (virtualCluster !== null) info.virtualClusterName = virtualCluster.name;
    if (this.replies.refusesHeaders(headers, callbacks)) return;
    if (headers.find(HeaderId.envoyUpstreamAltStatName) >= 0) this.takeAltStatName(headers);
    if (this.replies.turnsAway(cluster, callbacks)) return;
    this.timeouts.resolve(route, headers, config);
    finalizeRequestHeaders(route, headers, callbacks.streamInfo, config.suppressEnvoyHeaders, this.replies.formatContext);
    this.beginRetries(route, headers, endStream, cluster, callbacks);
    info.upstreamAttemptCount = 1;
    const host = cluster.chooseHost(info.random, cluster.usesHash ? this.computeHash(route, headers) : null, callbacks);
    if (host === null) {
      this.replies.noHost(cluster, callbacks);
      return;
    }
    this.state = State.active;
    const tunnel = tunnelOf(headers);
    this.tunnel = tunnel;
    if (route.internalRedirect !== null || this.retries?.isOpen === true) {
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
    this.sendTo(host, route, headers, endStream, cluster, callbacks);
    // A request whose upstream failed at once is copied only if it is whole: nobody would bring the rest.
    if (isMirrored && route.mirrors !== null && (endStream || this.isMirrored)) {
      this.copies ??= new RequestCopies(this.context, this);
      this.copies.begin(route.mirrors, headers, info, this.timeouts.globalMs, route.isHighPriority, endStream);
    }
    if (endStream && this.state === State.active) this.onRequestSent();
  }

  /** Takes up what route and headers say of retries; their headers go no further. */
  private beginRetries(route: RouteEntry, headers: HeaderMap, endStream: boolean, cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks): void {
    // Others' requests have none of the headers, unless the route adds them.
    const hasHeaders = this.charges.isInternal || !route.requestHeaders.isEmpty;
    if ((route.retries !== null || hasHeaders) && mayRetry(route, headers)) {
      this.retries ??= new Retries(this.context, callbacks.createTimer(this));
      this.retries.begin(route, headers, endStream, cluster, this.charges, callbacks);
    }
    if (hasHeaders) removeConsumed(headers);
  }

  /** Sends the request, or as much as there is of it, to a host. */
  private sendTo(host: Host, route: RouteEntry, headers: HeaderMap, endStream: boolean, cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks): void {
    const { tunnel } = this;
    const info = callbacks.streamInfo;
    this.host = host;
    // Upstream connections are plaintext.
    if (info.schemeMatchesUpstream) headers.isHttps = false;
    info.upstreamHost = host;
    if (route.action?.autoHostRewrite === true) route.autoRewriteHost(headers, host.hostname);
    this.retries?.onHostAttempted(host);
    const priority = route.isHighPriority ? 1 : 0;
    const pool = isTerminated(route, headers, tunnel) ? cluster.tcpPool(host, priority) : cluster.pool(host, priority);
    this.upstream.begin(callbacks, pool, headers, endStream, tunnel >= Tunnel.webSocket);
  }

  /** The wait before the next try is over. */
  private sendAgain(retries: Retries): void {
    const { callbacks, route, cluster, kept, upstream } = this;
    const headers = callbacks?.requestHeaders() ?? null;
    if (callbacks === null || route === null || cluster === null || headers === null) return;
    const info = callbacks.streamInfo;
    info.upstreamAttemptCount++;
    retries.beginTry(route, headers, info.upstreamAttemptCount);
    info.resetUpstream();
    const host = retries.chooseHost(cluster, callbacks, cluster.usesHash ? this.computeHash(route, headers) : null);
    if (host === null) {
      this.state = State.done;
      this.stopTimers();
      this.replies.noHost(cluster, callbacks);
      return;
    }
    const isComplete = callbacks.isRequestComplete();
    this.timeouts.updateExpected(headers, isComplete ? info.msSinceRequestComplete(this.context.clock) : 0, this.context.config);
    this.sendTo(host, route, headers, retries.isHeadersOnly, cluster, callbacks);
    if (retries.isHeadersOnly) return;
    const { trailers } = retries;
    const endsWithBody = isComplete && trailers === null;
    if (kept.bytes.length > 0 || endsWithBody) upstream.encodeData(kept.bytes.bytes, 0, kept.bytes.length, endsWithBody);
    if (trailers !== null) upstream.encodeTrailers(trailers);
  }

  /** A try has failed and the next one waits: what belongs to the failed one alone ends. */
  private endTry(): void {
    this.host?.onRequestError();
    this.attemptTimer?.disable();
    this.idleTimer?.disable();
    this.streamTimer?.disable();
  }

  /** Keeps body bytes for sending them again; false when the request was answered because they are too many. */
  private keep(bytes: Uint8Array, offset: number, length: number, callbacks: TerminalFilterCallbacks): boolean {
    const { kept, retries } = this;
    kept.append(bytes, offset, length);
    // Kept for internal redirects only: the redirect is passed on.
    if (!kept.isLost || retries?.isOpen !== true) return true;
    this.charges.cluster?.retryOrShadowAbandoned.inc();
    const wasWaiting = retries.isWaiting;
    retries.end();
    if (!wasWaiting) return true;
    this.state = State.done;
    this.stopTimers();
    this.replies.reply(507, 'exceeded request buffer limit while retrying upstream', 'request_payload_exceeded_retry_buffer_limit', false, callbacks);
    return false;
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
    if (this.kept.isWanted && this.callbacks !== null && !this.keep(bytes, offset, length, this.callbacks)) return;
    if (this.isMirrored) this.copies?.encodeData(bytes, offset, length, endStream);
    this.upstream.encodeData(bytes, offset, length, endStream);
    if (endStream && this.state !== State.done) this.onRequestSent();
  }

  decodeTerminalTrailers(trailers: HeaderMap): void {
    if (this.state === State.idle || this.state === State.done) return;
    if (this.retries?.isOpen === true) {
      trailers.retain();
      this.retries.trailers = trailers;
    }
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
    this.charges.request();
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

  /** x-envoy-upstream-alt-stat-name (of trusted callers; others' is gone): response codes are counted below that name too. */
  private takeAltStatName(headers: HeaderMap): void {
    this.charges.altStatName = headers.get(HeaderId.envoyUpstreamAltStatName) ?? '';
    headers.remove(HeaderId.envoyUpstreamAltStatName);
  }

  // === UpstreamRequestOwner: the response ===

  onUpstream1xxHeaders(headers: HeaderMap): void {
    this.charges.code(headers.status, this.isCanary(headers));
    this.callbacks?.encode1xxHeaders(headers);
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    const callbacks = this.callbacks;
    const route = this.route;
    if (callbacks === null || route === null || this.state !== State.active) return;
    const { retries } = this;
    if (retries?.isOpen === true && retries.retriesResponse(headers, callbacks)) {
      this.dropResponse(headers, endStream, callbacks);
      return;
    }
    if (this.tunnel !== Tunnel.none && !this.settleTunnel(headers, endStream, callbacks)) return;
    if (route.internalRedirect?.appliesTo(headers.status) === true && this.redirect(route.internalRedirect, route, headers, endStream, callbacks)) return;
    this.state = State.responseStarted;
    // What was kept for further tries is needed no longer.
    if (retries?.isOpen === true) retries.end();
    this.kept.clear();
    if (this.attemptTimer !== null) this.attemptTimer.disable();
    if (this.timeouts.perTryIdleMs > 0) this.idleTimer?.enable(this.timeouts.perTryIdleMs);
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
    this.charges.code(headers.status, this.isCanary(headers));
    if (this.isGrpc && headers.status < 500 && !endStream) this.isOutcomeOpen = true;
    else this.chargeHost(headers.status < 500 && !(this.isGrpc && isGrpcServerError(grpcStatusIn(headers))));
    if (this.context.formatNeeds.upstreamBytes) this.upstream.recordBytes();
    mutateRouteResponse(route, headers, callbacks, this.replies.formatContext);
    if (endStream) this.onUpstreamComplete(callbacks);
    callbacks.encodeHeaders(headers, endStream);
  }

  /** The response is not passed on: another try follows. */
  private dropResponse(headers: HeaderMap, endStream: boolean, callbacks: TerminalFilterCallbacks): void {
    this.endTry();
    this.charges.cluster?.retriedCodes().charge(headers.status);
    if (endStream && callbacks.isRequestComplete()) this.upstream.onResponseComplete(true);
    else this.upstream.reset();
    headers.clear();
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
    if (this.timeouts.perTryIdleMs > 0) this.idleTimer?.enable(this.timeouts.perTryIdleMs);
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
    if (callbacks.isRequestComplete()) this.charges.time(callbacks.streamInfo.msSinceRequestComplete(this.context.clock));
    this.upstream.onResponseComplete(callbacks.isRequestComplete());
  }

  onUpstreamReset(reason: ResetReason, transportFailure: string): void {
    const callbacks = this.callbacks;
    if (callbacks === null || this.state === State.done || this.state === State.idle) return;
    const { retries } = this;
    if (this.state === State.active && retries?.isOpen === true && retries.retriesReset(reason, false, callbacks)) {
      this.endTry();
      return;
    }
    const info = callbacks.streamInfo;
    info.setFlag(flagOf(reason));
    if (transportFailure !== '') info.upstreamTransportFailureReason = transportFailure;
    const wasStarted = this.state === State.responseStarted;
    this.state = State.done;
    this.stopTimers();
    if (wasStarted) {
      if (this.isOutcomeOpen) {
        this.chargeHost(false);
        this.context.stats.rqResetAfterDownstreamResponseStarted.inc();
      }
      info.responseCodeDetails = `upstream_reset_after_response_started{${RESET_REASON_TEXT[reason].replaceAll(' ', '_')}}`;
      callbacks.resetAfterUpstreamFailure();
      return;
    }
    if (reason !== ResetReason.overflow) this.host?.onRequestError();
    this.replies.upstreamReset(reason, transportFailure, retries?.isRetry === true, callbacks);
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
      this.onTryTimeout('upstream_per_try_timeout', callbacks);
    } else if (timer === this.idleTimer) {
      stats.rqPerTryIdleTimeout.inc();
      this.onTryTimeout('upstream_per_try_idle_timeout', callbacks);
    } else if (this.retries !== null && timer === this.retries.timer) {
      this.sendAgain(this.retries);
    } else {
      // Between two tries nobody is late.
      const isTrying = this.retries?.isWaiting !== true;
      if (isTrying) {
        stats.rqTimeout.inc();
        this.charges.timeout(this.host, this.upstream, this.timeouts);
      }
      this.answerTimeout('response_timeout', isTrying, callbacks);
    }
  }

  private onTryTimeout(details: string, callbacks: TerminalFilterCallbacks): void {
    this.charges.timeout(this.host, this.upstream, this.timeouts);
    if (!this.retriesAfterCut(true, callbacks)) this.answerTimeout(details, true, callbacks);
  }

  /** Whether a try that we cut is followed by another, which waits then. */
  private retriesAfterCut(isTimeout: boolean, callbacks: TerminalFilterCallbacks): boolean {
    const { retries } = this;
    if (this.state !== State.active || retries?.isOpen !== true || !retries.retriesReset(ResetReason.localReset, isTimeout, callbacks)) return false;
    this.endTry();
    this.upstream.reset();
    return true;
  }

  private answerTimeout(details: string, isTrying: boolean, callbacks: TerminalFilterCallbacks): void {
    callbacks.streamInfo.setFlag(ResponseFlag.upstreamRequestTimeout);
    if (!this.giveUp(details, callbacks)) return;
    const { answersNoContent } = this.timeouts;
    if (isTrying) {
      this.host?.onRequestError();
      this.charges.code(answersNoContent ? 204 : 504, false);
    }
    this.replies.reply(answersNoContent ? 204 : 504, answersNoContent ? '' : 'upstream request timeout', details, false, callbacks);
  }

  private onStreamDuration(callbacks: TerminalFilterCallbacks): void {
    if (this.retriesAfterCut(false, callbacks)) return;
    callbacks.streamInfo.setFlag(ResponseFlag.upstreamMaxStreamDurationReached);
    const details = 'upstream_max_stream_duration_reached';
    if (this.giveUp(details, callbacks)) this.replies.reply(callbacks.isRequestComplete() ? 504 : 408, 'upstream max stream duration reached', details, false, callbacks);
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
    this.retries?.clear();
    this.charges.clear();
    this.isOutcomeOpen = false;
    this.tunnel = Tunnel.none;
    this.isRequestReadDisabled = false;
  }

  // === private ===

  private chargeHost(isSuccess: boolean): void {
    this.isOutcomeOpen = false;
    if (isSuccess) this.host?.onRequestSuccess();
    else this.host?.onRequestError();
  }

  /** The host says so in its metadata, or in this response. */
  private isCanary(headers: HeaderMap): boolean {
    return this.host?.isCanary === true || headers.valueEquals(HeaderId.envoyUpstreamCanary, 'true');
  }
}

const NO_COOKIES: string[] = [];
