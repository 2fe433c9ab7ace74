import type { MetadataStructs } from '../stream_info/stream_info.ts';
import type { Timer } from '../event/timer.ts';
import { grpcStatusIn, isGrpcRequest, isGrpcServerError } from '../headers/grpc_headers.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId, type HeaderNames } from '../headers/header_names.ts';
import { LogContext } from '../access_log/access_log.ts';
import { RESET_REASON_TEXT, ResetReason } from '../http/codec.ts';
import type { FilterCallbacks, FilterHeadersStatus, LocalReplyOptions } from '../http/filter.ts';
import type { TerminalFilter, TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import type { RequestStats } from '../route/request_stats.ts';
import { type RouteEntry, RouteKind } from '../route/route_entry.ts';
import type { Counter, StatsScope } from '../stats/stats.ts';
import { ResponseFlag } from '../stream_info/response_flags.ts';
import type { Host } from '../upstream/host.ts';
import type { UpstreamCluster, ClusterLookup } from '../conn_pool/cluster_lookup.ts';
import { isEstablished, isFailedHandshake, isTerminated, Tunnel, tunnelOf, withoutBody } from './tunnel.ts';
import { UpstreamRequest, type UpstreamRequestOwner } from './upstream_request.ts';

/** envoy.extensions.filters.http.router.v3.Router as plain data. */
export interface RouterConfig {
  readonly suppressEnvoyHeaders: boolean;
  readonly respectExpectedRqTimeout: boolean;
  /** Names of x-envoy-* headers whose malformed values are refused. */
  readonly strictCheckHeaders: readonly string[];
}

/** `http.<stat_prefix>.` counters of the router. */
export class RouterStats {
  readonly noRoute: Counter;
  readonly noCluster: Counter;
  readonly rqDirectResponse: Counter;
  readonly rqRedirect: Counter;
  readonly rqTotal: Counter;
  /** gRPC responses that had begun and were cut before their status came. */
  readonly rqResetAfterDownstreamResponseStarted: Counter;

  constructor(scope: StatsScope) {
    this.noRoute = scope.counter('no_route');
    this.noCluster = scope.counter('no_cluster');
    this.rqDirectResponse = scope.counter('rq_direct_response');
    this.rqRedirect = scope.counter('rq_redirect');
    this.rqTotal = scope.counter('rq_total');
    this.rqResetAfterDownstreamResponseStarted = scope.counter('rq_reset_after_downstream_response_started');
  }
}

/** What all routers of a filter chain share on a worker. */
export interface RouterContext {
  readonly config: RouterConfig;
  readonly stats: RouterStats;
  readonly clusters: ClusterLookup;
  readonly names: HeaderNames;
  /** Ids of `config.strictCheckHeaders`. */
  readonly strictHeaderIds: readonly number[];
  readonly runtime: RuntimeSnapshot;
  readonly turnSlab: Uint8Array;
  /** The worker's clock, see Io. */
  readonly clock: Float64Array;
}

/** Where the stream stands at the router. */
const State = { idle: 0, active: 1, responseStarted: 2, done: 3 } as const;

/**
 * The terminal HTTP filter: picks cluster and host, sends the request on a pooled connection, brings the response back, keeps the
 * route's timeout. The only place that sees both the downstream stream and the upstream pool.
 */
export class RouterFilter implements TerminalFilter, UpstreamRequestOwner {
  private readonly context: RouterContext;
  private readonly formatContext: LogContext;
  private readonly upstream: UpstreamRequest;
  private callbacks: TerminalFilterCallbacks | null;
  private timer: Timer | null;
  private state: number;
  private cluster: UpstreamCluster | null;
  private host: Host | null;
  private route: RouteEntry | null;
  private timeoutMs: number;
  private isRequestReadDisabled: boolean;
  private isChargedInternal: boolean;
  private hasAlternativeTimeoutResponse: boolean;
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
    this.callbacks = null;
    this.timer = null;
    this.state = State.idle;
    this.cluster = null;
    this.host = null;
    this.route = null;
    this.timeoutMs = 0;
    this.isRequestReadDisabled = false;
    this.isChargedInternal = false;
    this.hasAlternativeTimeoutResponse = false;
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
    this.timeoutMs = this.resolveTimeout(route, headers);
    if (this.timeoutMs > 0 && !config.suppressEnvoyHeaders) headers.setInteger(HeaderId.envoyExpectedRqTimeoutMs, this.timeoutMs);
    this.finalizeRequestHeaders(route, headers, callbacks);
    info.upstreamAttemptCount = 1;
    const host = cluster.chooseHost(info.random);
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
    // Before begin(), which may answer already.
    if (tunnel === Tunnel.webSocket && this.timeoutMs > 0) this.timer?.enable(this.timeoutMs);
    this.upstream.begin(callbacks, pool, headers, endStream, tunnel >= Tunnel.webSocket);
    if (endStream && this.state === State.active) this.onRequestSent();
  }

  decodeTerminalData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (this.state === State.idle || this.state === State.done) return;
    this.upstream.encodeData(bytes, offset, length, endStream);
    if (endStream && this.state !== State.done) this.onRequestSent();
  }

  decodeTerminalTrailers(trailers: HeaderMap): void {
    if (this.state === State.idle || this.state === State.done) return;
    this.upstream.encodeTrailers(trailers);
    if (this.state !== State.done) this.onRequestSent();
  }

  private onRequestSent(): void {
    if (this.timeoutMs > 0) this.timer?.enable(this.timeoutMs);
  }

  /** Route timeout, overridden by x-envoy-upstream-rq-timeout-ms (0 = none). */
  private resolveTimeout(route: RouteEntry, headers: HeaderMap): number {
    let timeoutMs = route.timeoutMs;
    if (headers.find(HeaderId.envoyUpstreamRqTimeoutMs) >= 0) {
      const value = headers.get(HeaderId.envoyUpstreamRqTimeoutMs) ?? '';
      if (/^\d{1,15}$/.test(value)) timeoutMs = Number(value);
      headers.remove(HeaderId.envoyUpstreamRqTimeoutMs);
    }
    this.hasAlternativeTimeoutResponse = headers.find(HeaderId.envoyUpstreamRqTimeoutAltResponse) >= 0;
    if (this.isChargedInternal) removeConsumed(headers);
    return timeoutMs;
  }

  private finalizeRequestHeaders(route: RouteEntry, headers: HeaderMap, callbacks: TerminalFilterCallbacks): void {
    if (route.virtualHost.includeRequestAttemptCount) headers.setInteger(HeaderId.envoyAttemptCount, 1);
    if (!route.requestHeaders.isEmpty) {
      const context = this.formatContext;
      context.requestHeaders = headers;
      context.info = callbacks.streamInfo;
      route.requestHeaders.evaluate(headers, context);
      context.requestHeaders = null;
      context.info = null;
    }
    route.finalizeHost(headers);
    route.finalizePath(headers, !this.context.config.suppressEnvoyHeaders);
  }

  private answerDirectly(route: RouteEntry, headers: HeaderMap, callbacks: TerminalFilterCallbacks): void {
    this.context.stats.rqDirectResponse.inc();
    const isRedirect = route.kind === RouteKind.redirect;
    const location = route.redirectLocation(headers, !this.context.config.suppressEnvoyHeaders);
    const body = isRedirect ? '' : bodyText(route.directBody);
    callbacks.sendLocalReply(route.responseCode === 0 ? 404 : route.responseCode, body, {
      details: 'direct_response',
      modifyHeaders: (response) => {
        this.mutateResponse(route, response, callbacks);
        if (location !== '') response.set(HeaderId.location, location);
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

  onUpstreamReady(): void {
    this.virtualClusterStats?.rqTotal.inc();
    this.route?.stats?.rqTotal.inc();
  }

  onUpstream1xxHeaders(headers: HeaderMap): void {
    this.chargeCode(headers.status, this.isCanary(headers));
    this.callbacks?.encode1xxHeaders(headers);
  }

  onUpstreamHeaders(headers: HeaderMap, endStream: boolean): void {
    const callbacks = this.callbacks;
    const route = this.route;
    if (callbacks === null || route === null || this.state !== State.active) return;
    if (this.tunnel !== Tunnel.none && !this.settleTunnel(headers, endStream, callbacks)) return;
    this.state = State.responseStarted;
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
    this.mutateResponse(route, headers, callbacks);
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
    this.timer?.disable();
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
    this.timer?.disable();
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

  onTimeout(_timer: Timer): void {
    const callbacks = this.callbacks;
    const cluster = this.cluster;
    if (callbacks === null || cluster === null || this.state === State.idle || this.state === State.done) return;
    const info = callbacks.streamInfo;
    cluster.info.stats.rqTimeout.inc();
    this.virtualClusterStats?.rqTimeout.inc();
    this.route?.stats?.rqTimeout.inc();
    this.host?.onRequestTimeout();
    info.setFlag(ResponseFlag.upstreamRequestTimeout);
    const wasStarted = this.state === State.responseStarted;
    this.state = State.done;
    this.upstream.reset();
    if (wasStarted) {
      info.responseCodeDetails = 'response_timeout';
      callbacks.resetAfterUpstreamFailure();
      return;
    }
    this.host?.onRequestError();
    this.chargeCode(this.hasAlternativeTimeoutResponse ? 204 : 504, false);
    if (this.hasAlternativeTimeoutResponse) this.replyWithRoute(204, '', 'response_timeout', false);
    else this.replyWithRoute(504, 'upstream request timeout', 'response_timeout', false);
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
    this.timer?.disable();
    this.upstream.release();
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
        if (route !== null) this.mutateResponse(route, headers, callbacks);
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

/** Router headers of trusted callers: obeyed here, not forwarded (an untrusted caller's are gone already). */
const CONSUMED: readonly number[] = [
  HeaderId.envoyUpstreamRqTimeoutMs, HeaderId.envoyUpstreamRqPerTryTimeoutMs, HeaderId.envoyUpstreamRqTimeoutAltResponse,
  HeaderId.envoyMaxRetries, HeaderId.envoyRetryOn, HeaderId.envoyRetryGrpcOn, HeaderId.envoyRetriableStatusCodes,
  HeaderId.envoyRetriableHeaderNames, HeaderId.envoyHedgeOnPerTryTimeout, HeaderId.envoyUpstreamStreamDurationMs,
];

function removeConsumed(headers: HeaderMap): void {
  for (let i = 0; i < CONSUMED.length; i++) if (headers.find(CONSUMED[i]) >= 0) headers.remove(CONSUMED[i]);
}

const ROUTE_NOT_FOUND: LocalReplyOptions = { details: 'route_not_found' };
const DROP_OVERLOAD: LocalReplyOptions = {
  details: 'unconditional_drop_overload',
  modifyHeaders: (headers) => headers.setByName('x-envoy-unconditional-drop-overload', 'true'),
};

/** Whether a router header's value is what strict_check_headers wants: numbers, or known retry conditions. */
function isWellFormed(id: number, value: string): boolean {
  switch (id) {
    case HeaderId.envoyRetryOn:
      return value.split(',').every((item) => RETRY_ON.has(item.trim()));
    case HeaderId.envoyRetryGrpcOn:
      return value.split(',').every((item) => RETRY_GRPC_ON.has(item.trim()));
    default:
      return /^\d{1,15}$/.test(value);
  }
}

const RETRY_ON: ReadonlySet<string> = new Set([
  '5xx', 'gateway-error', 'connect-failure', 'envoy-ratelimited', 'retriable-4xx', 'refused-stream', 'retriable-status-codes', 'retriable-headers',
  'reset', 'reset-before-request', 'http3-post-connect-failure',
]);
const RETRY_GRPC_ON: ReadonlySet<string> = new Set(['cancelled', 'deadline-exceeded', 'resource-exhausted', 'unavailable', 'internal']);

function bodyText(body: Uint8Array): string {
  return Buffer.from(body).toString('utf8');
}

/** The response flag of a reset (Envoy: StreamInfo::ResponseFlag). */
function flagOf(reason: ResetReason): number {
  switch (reason) {
    case ResetReason.remoteConnectionFailure:
    case ResetReason.localConnectionFailure:
    case ResetReason.connectionTimeout:
      return ResponseFlag.upstreamConnectionFailure;
    case ResetReason.connectionTermination:
      return ResponseFlag.upstreamConnectionTermination;
    case ResetReason.localReset:
      return ResponseFlag.localReset;
    case ResetReason.overflow:
      return ResponseFlag.upstreamOverflow;
    case ResetReason.protocolError:
      return ResponseFlag.upstreamProtocolError;
    case ResetReason.overloadManager:
      return ResponseFlag.overloadManagerTerminated;
    default:
      return ResponseFlag.upstreamRemoteReset;
  }
}
