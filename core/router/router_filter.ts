import type { MetadataStructs } from '../stream_info/stream_info.ts';
import type { Timer } from '../event/timer.ts';
import { grpcStatusIn, isGrpcRequest, isGrpcServerError } from '../headers/grpc_headers.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import { RESET_REASON_TEXT, ResetReason } from '../http/codec.ts';
import type { FilterHeadersStatus } from '../http/filter.ts';
import type { TerminalFilter, TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import type { InternalRedirectPolicy } from '../route/internal_redirect_policy.ts';
import type { ClusterPolicies } from '../route/cluster_policies.ts';
import { type RouteEntry, RouteKind } from '../route/route_entry.ts';
import { ResponseFlag } from '../stream_info/response_flags.ts';
import type { Host } from '../upstream/host.ts';
import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import { isEstablished, isFailedHandshake, isTerminated, Tunnel, tunnelOf, withoutBody } from './tunnel.ts';
import { KeptBody } from './kept_body.ts';
import { finalizeRequestHeaders, mutateRouteResponse } from './route_headers.ts';
import { followRedirect } from './internal_redirect.ts';
import { type CopiedRequest, RequestCopies } from './request_copies.ts';
import { type HedgedRequest, Hedges } from './hedges.ts';
import { flagOf, isCanaryResponse, isConnectRequest, removeConsumed } from './request_rules.ts';
import { RequestCharges } from './request_charges.ts';
import { RequestTimeouts } from './request_timeouts.ts';
import { isSecured } from '../http/conn_pool/cluster_sockets.ts';
import { HostChoice } from './host_choice.ts';
import type { RouterContext } from './router_context.ts';
import { RouterReplies } from './router_replies.ts';
import { mayRetry, Retries } from './retries.ts';
import { upstreamFiltersOf } from './upstream_filters.ts';
import { UpstreamRequest } from './upstream_request.ts';

/** Where the stream stands at the router. */
const State = { idle: 0, active: 1, responseStarted: 2, done: 3 } as const;

/**
 * The terminal HTTP filter: picks cluster and host, sends the request on a pooled connection, brings the response back, keeps the
 * route's timeout. The only place that sees both the downstream stream and the upstream pool.
 */
export class RouterFilter implements TerminalFilter, HedgedRequest, CopiedRequest {
  private readonly context: RouterContext;
  /** The try begun last. */
  upstream: UpstreamRequest;
  private readonly timeouts: RequestTimeouts;
  /** Made when first needed, as the next two. */
  private copies: RequestCopies | null;
  /** The request's body for sending it again. */
  private readonly kept: KeptBody;
  private isMirrored: boolean;
  private readonly choice: HostChoice;
  private callbacks: TerminalFilterCallbacks | null;
  private timer: Timer | null;
  private state: number;
  private cluster: UpstreamCluster | null;
  private route: RouteEntry | null;
  /** The cluster's own, before the route's. */
  private policies: ClusterPolicies | null;
  private isRequestReadDisabled: boolean;
  /** What the request asks to become: Tunnel. */
  private tunnel: number;
  private isGrpc: boolean;
  /** A gRPC response has begun well; its trailers will say whether it is a success. */
  private isOutcomeOpen: boolean;
  readonly charges: RequestCharges;
  private readonly replies: RouterReplies;
  retries: Retries | null;
  /** Slow tries beside `upstream`. */
  private hedges: Hedges | null;

  constructor(context: RouterContext) {
    this.context = context;
    this.upstream = new UpstreamRequest(this, context.clock, context.turnSlab);
    this.timeouts = new RequestTimeouts();
    this.copies = null;
    this.kept = new KeptBody();
    this.isMirrored = false;
    this.choice = new HostChoice();
    this.callbacks = null;
    this.timer = null;
    this.state = State.idle;
    this.cluster = null;
    this.route = null;
    this.policies = null;
    this.isRequestReadDisabled = false;
    this.tunnel = Tunnel.none;
    this.isGrpc = false;
    this.isOutcomeOpen = false;
    this.charges = new RequestCharges();
    this.replies = new RouterReplies(context, this.charges);
    this.retries = null;
    this.hedges = null;
  }

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
    this.policies = cluster.info.policies as ClusterPolicies | null;
    info.upstreamClusterName = clusterName;
    info.upstreamClusterObservabilityName = cluster.info.config.statName;
    info.upstreamClusterMetadata = cluster.info.config.metadata as MetadataStructs;
    this.isGrpc = isGrpcRequest(headers);
    const virtualCluster = route.virtualHost.virtualCluster(headers);
    const { charges } = this;
    charges.begin(cluster.info.stats, virtualCluster === null ? null : virtualCluster.stats, route.stats, info, config, this.isGrpc);
    if (virtualCluster !== null) info.virtualClusterName = virtualCluster.name;
    if (this.replies.refusesHeaders(headers, callbacks)) return;
    charges.takeAltStatName(headers);
    if (this.replies.turnsAway(cluster, callbacks)) return;
    this.timeouts.resolve(route, headers, config);
    finalizeRequestHeaders(route, headers, callbacks.streamInfo, config.suppressEnvoyHeaders, this.replies.formatContext);
    this.beginRetries(route, headers, endStream, cluster, callbacks);
    info.upstreamAttemptCount = 1;
    const host = this.choice.choose(cluster, route, headers, callbacks, null);
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
    const mirrors = this.policies?.mirrors ?? route.mirrors;
    const isMirrored = mirrors !== null && !isConnectRequest(headers);
    this.isMirrored = isMirrored;
    if (isMirrored) {
      // Of the headers as they are now: what stands before the upstream may change them.
      this.copies ??= new RequestCopies(this.context, this);
      this.copies.prepare(mirrors, headers, info, this.timeouts.globalMs);
    }
    // Before begin(), which may answer already.
    if (tunnel === Tunnel.webSocket && this.timeouts.globalMs > 0) this.timer?.enable(this.timeouts.globalMs);
    this.sendTo(host, route, headers, endStream, cluster, callbacks);
    // A request whose upstream failed at once is copied only if it is whole: nobody would bring the rest.
    if (isMirrored && (endStream || this.isMirrored)) this.copies?.begin(route.isHighPriority, endStream);
    if (endStream && this.state === State.active) this.onRequestSent();
  }

  /** Takes up what route and headers say of retries; their headers go no further. */
  private beginRetries(route: RouteEntry, headers: HeaderMap, endStream: boolean, cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks): void {
    // Others' requests have none of the headers, unless the route adds them.
    const hasHeaders = this.charges.isInternal || !route.requestHeaders.isEmpty;
    const policy = this.policies?.retries ?? route.retries;
    if ((policy !== null || hasHeaders) && mayRetry(policy, headers)) {
      this.retries ??= new Retries(this.context, callbacks.createTimer(this));
      this.retries.begin(policy, route, headers, endStream, cluster, this.charges, callbacks);
    }
    if (hasHeaders) removeConsumed(headers);
  }

  /** Sends the request, or as much as there is of it, to a host. */
  private sendTo(host: Host, route: RouteEntry, headers: HeaderMap, endStream: boolean, cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks): void {
    const { tunnel } = this;
    const info = callbacks.streamInfo;
    this.upstream.host = host;
    this.charges.zone = host.zoneCodes;
    if (info.schemeMatchesUpstream) headers.isHttps = isSecured(cluster.info.config, host);
    info.upstreamHost = host;
    if (route.action?.autoHostRewrite === true) route.autoRewriteHost(headers, host.hostname);
    this.retries?.onHostAttempted(host, cluster);
    const pool = this.choice.pool(cluster, host, isTerminated(route, headers, tunnel), route.isHighPriority ? 1 : 0, callbacks.connection.id);
    if (pool === null) {
      info.upstreamHost = null;
      this.giveUp('', callbacks);
      this.replies.noPool(callbacks);
      return;
    }
    if (cluster.info.isTracked || this.context.upstreamLog !== null) this.upstream.observe(this.context.upstreamLog, cluster.info, headers, this.timeouts.perTryMs, callbacks);
    this.upstream.begin(callbacks, pool, headers, endStream, tunnel >= Tunnel.webSocket, upstreamFiltersOf(this.policies, this.context));
  }

  /** The wait before the next try is over. */
  private sendAgain(retries: Retries): void {
    const { callbacks, route, cluster, kept, upstream } = this;
    const headers = callbacks?.requestHeaders() ?? null;
    if (callbacks === null || route === null || cluster === null || headers === null) return;
    const info = callbacks.streamInfo;
    info.upstreamAttemptCount++;
    retries.beginTry(route, headers, info.upstreamAttemptCount);
    upstream.follow(info);
    const host = this.choice.choose(cluster, route, headers, callbacks, retries);
    if (host === null) {
      this.giveUp('', callbacks);
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
    this.upstream.host?.onRequestError();
    this.upstream.timers.stop();
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

  decodeTerminalData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (this.state === State.idle || this.state === State.done) return;
    if (this.kept.isWanted && this.callbacks !== null && !this.keep(bytes, offset, length, this.callbacks)) return;
    if (this.isMirrored) this.copies?.encodeData(bytes, offset, length, endStream);
    this.upstream.encodeData(bytes, offset, length, endStream);
    if (endStream) this.onRequestSent();
  }

  decodeTerminalTrailers(trailers: HeaderMap): void {
    if (this.state === State.idle || this.state === State.done) return;
    if (this.retries?.isOpen === true) {
      trailers.retain();
      this.retries.trailers = trailers;
    }
    if (this.isMirrored) this.copies?.encodeTrailers(trailers);
    this.upstream.encodeTrailers(trailers);
    this.onRequestSent();
  }

  private onRequestSent(): void {
    const { timeouts, upstream, callbacks } = this;
    if (this.state === State.idle || this.state === State.done) return;
    if (timeouts.globalMs > 0) this.timer?.enable(timeouts.globalMs);
    if (timeouts.perTryMs > 0 && upstream.isReady && callbacks !== null) upstream.timers.startAttempt(timeouts.perTryMs, callbacks);
  }

  /** From here on both sides are there. */
  onUpstreamReady(): void {
    const { timeouts, callbacks } = this;
    if (callbacks === null) return;
    this.charges.request();
    this.upstream.timers.begin(timeouts, timeouts.streamMs >= 0 ? timeouts.streamMs : this.cluster?.info.config.maxStreamDurationMs ?? 0, callbacks);
  }

  private stopTimers(): void {
    this.timer?.disable();
    this.upstream.timers.stop();
  }

  // === UpstreamRequestOwner: the response ===

  onUpstream1xxHeaders(headers: HeaderMap): void {
    this.charges.code(headers.status, isCanaryResponse(this.upstream.host, headers));
    // The next try would say it again, or not at all: there is none.
    this.charges.hasInterimResponse = true;
    this.endRetries();
    this.hedges?.reset();
    this.callbacks?.encode1xxHeaders(headers);
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    const { callbacks, retries } = this;
    if (callbacks === null || this.state !== State.active) return;
    if (retries?.isOpen === true) {
      if (retries.retriesResponse(headers, callbacks)) {
        this.charges.cluster?.retriedCodes().charge(headers.status);
        this.dropResponse(headers, endStream && callbacks.isRequestComplete());
        return;
      }
      // A slow try may do better.
      if (retries.wasDenied && this.hedges?.isUnderWay === true) {
        this.dropResponse(headers, false);
        return;
      }
    }
    this.pass(headers, endStream);
  }

  /** The response is not passed on: another try follows, or is under way. */
  private dropResponse(headers: HeaderMap, isComplete: boolean): void {
    this.endTry();
    if (isComplete) this.upstream.onResponseComplete(true);
    else this.upstream.reset();
    headers.clear();
  }

  /** Brings a response that nothing speaks against to the client. */
  pass(headers: HeaderMap, endStream: boolean): void {
    const { callbacks, route, upstream } = this;
    if (callbacks === null || route === null) return;
    if (this.tunnel !== Tunnel.none && !this.settleTunnel(headers, endStream, callbacks)) return;
    if (route.internalRedirect?.appliesTo(headers.status) === true && this.redirect(route.internalRedirect, route, headers, endStream, callbacks)) return;
    this.state = State.responseStarted;
    // What was kept for further tries is needed no longer.
    this.endRetries();
    this.kept.clear();
    this.hedges?.reset();
    upstream.timers.onResponse(this.timeouts.perTryIdleMs);
    this.choice.addCookies(headers);
    const info = callbacks.streamInfo;
    info.responseCodeDetails = 'via_upstream';
    if (!this.context.config.suppressEnvoyHeaders && callbacks.isRequestComplete()) {
      const elapsed = info.msSinceRequestComplete(this.context.clock);
      headers.setInteger(HeaderId.envoyUpstreamServiceTime, elapsed < 0 ? 0 : elapsed);
    }
    if (route.virtualHost.includeAttemptCountInResponse) headers.setInteger(HeaderId.envoyAttemptCount, info.upstreamAttemptCount);
    info.responseCode = headers.status;
    this.charges.code(headers.status, isCanaryResponse(upstream.host, headers));
    if (this.isGrpc && headers.status < 500 && !endStream) this.isOutcomeOpen = true;
    else this.chargeHost(headers.status < 500 && !(this.isGrpc && isGrpcServerError(grpcStatusIn(headers))));
    if (this.context.formatNeeds.upstreamBytes) upstream.recordBytes();
    mutateRouteResponse(route, headers, callbacks, this.replies.formatContext);
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
    if (!followRedirect(this.context, this.charges.cluster, { route, policy, callbacks, response, body: this.kept })) return false;
    if (endStream) {
      this.state = State.done;
      this.stopTimers();
      this.upstream.onResponseComplete(true);
    }
    callbacks.recreateStream(response, this.kept.take());
    return true;
  }

  onUpstreamData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    const callbacks = this.callbacks;
    if (callbacks === null || this.state !== State.responseStarted) return;
    if (this.timeouts.perTryIdleMs > 0) this.upstream.timers.onData(this.timeouts.perTryIdleMs);
    if (endStream) {
      // A gRPC response without trailers has no status: an error.
      if (this.isOutcomeOpen) this.chargeHost(false);
      this.onUpstreamComplete(callbacks);
    }
    callbacks.encodeData(bytes, offset, length, endStream);
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
    if (callbacks.isRequestComplete()) this.charges.time(callbacks.streamInfo.msSinceRequestComplete(this.context.clock), this.timeouts);
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
    if (this.state === State.active && this.hedges?.isUnderWay === true) {
      this.upstream.timers.stop();
      this.charges.failure(this.upstream, reason);
      return;
    }
    this.tellFailure(reason, transportFailure);
  }

  tellFailure(reason: ResetReason, transportFailure: string): void {
    const { callbacks } = this;
    if (callbacks === null) return;
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
    this.charges.failure(this.upstream, reason);
    this.replies.upstreamReset(reason, transportFailure, this.retries?.isRetry === true, callbacks);
  }

  endRetries(): void {
    if (this.retries?.isOpen === true) this.retries.end();
  }

  // === timeouts and back-pressure ===

  /** The route's timeout, or the wait before a try. */
  onTimeout(timer: Timer): void {
    const { callbacks, retries, upstream } = this;
    if (callbacks === null || this.state === State.idle || this.state === State.done) return;
    if (retries !== null && timer === retries.timer) {
      this.sendAgain(retries);
      return;
    }
    this.hedges?.forEach((slow) => this.charges.abandoned(slow, this.timeouts));
    // Between two tries nobody is late.
    const isTrying = upstream.isUnderWay;
    if (isTrying) this.charges.lateRequest(upstream, this.timeouts);
    this.answerTimeout('response_timeout', isTrying, callbacks);
  }

  onPerTryTimeout(): void {
    if (!this.charges.hasInterimResponse) this.onTryTimeout(true);
  }

  onPerTryIdleTimeout(): void {
    this.onTryTimeout(false);
  }

  private onTryTimeout(isLate: boolean): void {
    const { callbacks, upstream, timeouts } = this;
    if (callbacks === null || this.state === State.idle || this.state === State.done) return;
    upstream.noteSlow(isLate);
    if (timeouts.hedges) {
      upstream.noteTimeout(timeouts.answersNoContent ? 204 : 504);
      if (this.state !== State.active || this.retries?.isOpen !== true || !this.retries.retriesSlow(callbacks)) return;
      this.hedges ??= new Hedges(this, this.context.clock, this.context.turnSlab);
      this.hedges.keep(callbacks.streamInfo);
      return;
    }
    const stats = this.cluster?.info.stats;
    (isLate ? stats?.rqPerTryTimeout : stats?.rqPerTryIdleTimeout)?.inc();
    this.charges.timeout(upstream, timeouts);
    if (!this.retriesAfterCut(true, callbacks)) this.answerTimeout(isLate ? 'upstream_per_try_timeout' : 'upstream_per_try_idle_timeout', true, callbacks);
  }

  onMaxStreamDuration(): void {
    const { callbacks } = this;
    if (callbacks === null || this.state === State.idle || this.state === State.done) return;
    this.cluster?.info.stats.rqMaxDurationReached.inc();
    if (this.retriesAfterCut(false, callbacks)) return;
    callbacks.streamInfo.setFlag(ResponseFlag.upstreamMaxStreamDurationReached);
    const details = 'upstream_max_stream_duration_reached';
    if (this.giveUp(details, callbacks)) this.replies.reply(callbacks.isRequestComplete() ? 504 : 408, 'upstream max stream duration reached', details, false, callbacks);
  }

  /** Whether a try that we cut is followed by another, which waits then. */
  private retriesAfterCut(isTimeout: boolean, callbacks: TerminalFilterCallbacks): boolean {
    if (this.state !== State.active || this.retries?.isOpen !== true || !this.retries.retriesReset(ResetReason.localReset, isTimeout, callbacks)) return false;
    this.endTry();
    this.upstream.reset();
    return true;
  }

  private answerTimeout(details: string, isTrying: boolean, callbacks: TerminalFilterCallbacks): void {
    callbacks.streamInfo.setFlag(ResponseFlag.upstreamRequestTimeout);
    this.charges.budget(callbacks.streamInfo.msSinceRequestComplete(this.context.clock), this.timeouts);
    if (!this.giveUp(details, callbacks)) return;
    const { answersNoContent } = this.timeouts;
    if (isTrying) this.charges.abort(this.upstream, answersNoContent ? 204 : 504);
    this.replies.reply(answersNoContent ? 204 : 504, answersNoContent ? '' : 'upstream request timeout', details, false, callbacks);
  }

  /** Ends the attempt; true when the client is still to be answered. */
  private giveUp(details: string, callbacks: TerminalFilterCallbacks): boolean {
    const wasStarted = this.state === State.responseStarted;
    this.state = State.done;
    this.stopTimers();
    this.upstream.reset();
    this.hedges?.reset();
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
    (isPaused ? stats?.flowControlPausedReading : stats?.flowControlResumedReading)?.inc();
  }

  onStreamComplete(): void {
    this.upstream.recordBytes();
  }

  /** The stream is over, or answered by someone else. */
  onDestroy(): void {
    if (this.state === State.active || this.state === State.responseStarted) {
      this.state = State.done;
      this.upstream.reset();
    }
    this.stopTimers();
    this.upstream.release();
    this.hedges?.release();
    if (this.isMirrored) this.copies?.cancel();
    this.isMirrored = false;
    this.kept.clear();
    this.choice.clear();
    this.state = State.idle;
    this.cluster = null;
    this.route = null;
    this.policies = null;
    this.retries?.clear();
    this.charges.clear();
    this.isOutcomeOpen = false;
    this.tunnel = Tunnel.none;
    this.isRequestReadDisabled = false;
  }

  private chargeHost(isSuccess: boolean): void {
    this.isOutcomeOpen = false;
    if (isSuccess) this.upstream.host?.onRequestSuccess();
    else this.upstream.host?.onRequestError();
  }
}
