import type { Counter, Gauge, Histogram, StatsScope } from '../../stats/stats.ts';

/** What other protocols, overload and tracing count: nothing here, shown as 0. */
const OTHER_COUNTERS = [
  'downstream_cx_http2_total', 'downstream_cx_http3_total', 'downstream_cx_overload_disable_keepalive', 'downstream_cx_ssl_total', 'downstream_rq_http2_total',
  'downstream_rq_http3_total', 'downstream_rq_overload_close', 'downstream_rq_too_many_premature_resets', 'rq_overload_local_reply',
  'tracing.client_enabled', 'tracing.not_traceable', 'tracing.random_sampling', 'tracing.service_forced',
];
const OTHER_GAUGES = ['downstream_cx_http2_active', 'downstream_cx_http3_active', 'downstream_cx_ssl_active'];

/** Response-class counters below one prefix. */
export class ResponseClassStats {
  private readonly classes: readonly Counter[];
  private readonly completed: Counter;

  constructor(scope: StatsScope) {
    this.classes = [1, 2, 3, 4, 5].map((kind) => scope.counter(`downstream_rq_${kind}xx`));
    this.completed = scope.counter('downstream_rq_completed');
  }

  charge(status: number): void {
    this.completed.inc();
    const kind = (status / 100) | 0;
    if (kind >= 1 && kind <= 5) this.classes[kind - 1].inc();
  }
}

/** `http.<stat_prefix>.`: what the connection manager counts (Envoy's ALL_HTTP_CONN_MAN_STATS), resolved once. */
export class ConnectionManagerStats {
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly cxHttp1Total: Counter;
  readonly cxHttp1Active: Gauge;
  readonly cxDestroy: Counter;
  readonly cxDestroyActiveRq: Counter;
  readonly cxDestroyLocal: Counter;
  readonly cxDestroyLocalActiveRq: Counter;
  readonly cxDestroyRemote: Counter;
  readonly cxDestroyRemoteActiveRq: Counter;
  readonly cxDelayedCloseTimeout: Counter;
  readonly cxDrainClose: Counter;
  readonly cxIdleTimeout: Counter;
  readonly cxMaxDurationReached: Counter;
  /** Connections over their duration that wait for one more request (http1_safe_max_connection_duration). */
  readonly cxHttp1SoftDrain: Gauge;
  readonly cxMaxRequestsReached: Counter;
  readonly cxProtocolError: Counter;
  readonly cxUpgradesTotal: Counter;
  readonly cxUpgradesActive: Gauge;
  readonly cxRxBytesTotal: Counter;
  readonly cxTxBytesTotal: Counter;
  readonly cxLengthMs: Histogram;
  readonly flowControlPausedReading: Counter;
  readonly flowControlResumedReading: Counter;
  readonly rqTotal: Counter;
  readonly rqActive: Gauge;
  readonly rqHttp1Total: Counter;
  readonly rqFailedPathNormalization: Counter;
  readonly rqRedirectedWithNormalizedPath: Counter;
  readonly rqHeaderTimeout: Counter;
  readonly rqIdleTimeout: Counter;
  readonly rqMaxDurationReached: Counter;
  readonly rqNonRelativePath: Counter;
  readonly rqRejectedViaIpDetection: Counter;
  readonly rqResponseBeforeRqComplete: Counter;
  readonly rqRxReset: Counter;
  readonly rqTimeout: Counter;
  readonly rqTooLarge: Counter;
  readonly rqTxReset: Counter;
  readonly rqWsOnNonWsRoute: Counter;
  readonly rsTooLarge: Counter;
  readonly rqTime: Histogram;
  /** Requests that a filter took for health checks (they are left out of the other numbers). */
  readonly tracingHealthCheck: Counter;
  readonly codes: ResponseClassStats;
  /** The same classes below `listener.<addr>.http.<prefix>.`. */
  readonly listenerCodes: ResponseClassStats;

  constructor(scope: StatsScope, listenerScope: StatsScope) {
    for (const name of OTHER_COUNTERS) scope.counter(name);
    for (const name of OTHER_GAUGES) scope.gauge(name);
    this.cxTotal = scope.counter('downstream_cx_total');
    this.cxActive = scope.gauge('downstream_cx_active');
    this.cxHttp1Total = scope.counter('downstream_cx_http1_total');
    this.cxHttp1Active = scope.gauge('downstream_cx_http1_active');
    this.cxDestroy = scope.counter('downstream_cx_destroy');
    this.cxDestroyActiveRq = scope.counter('downstream_cx_destroy_active_rq');
    this.cxDestroyLocal = scope.counter('downstream_cx_destroy_local');
    this.cxDestroyLocalActiveRq = scope.counter('downstream_cx_destroy_local_active_rq');
    this.cxDestroyRemote = scope.counter('downstream_cx_destroy_remote');
    this.cxDestroyRemoteActiveRq = scope.counter('downstream_cx_destroy_remote_active_rq');
    this.cxDelayedCloseTimeout = scope.counter('downstream_cx_delayed_close_timeout');
    this.cxDrainClose = scope.counter('downstream_cx_drain_close');
    this.cxIdleTimeout = scope.counter('downstream_cx_idle_timeout');
    this.cxMaxDurationReached = scope.counter('downstream_cx_max_duration_reached');
    this.cxHttp1SoftDrain = scope.gauge('downstream_cx_http1_soft_drain');
    this.cxMaxRequestsReached = scope.counter('downstream_cx_max_requests_reached');
    this.cxProtocolError = scope.counter('downstream_cx_protocol_error');
    this.cxUpgradesTotal = scope.counter('downstream_cx_upgrades_total');
    this.cxUpgradesActive = scope.gauge('downstream_cx_upgrades_active');
    this.cxRxBytesTotal = scope.counter('downstream_cx_rx_bytes_total');
    this.cxTxBytesTotal = scope.counter('downstream_cx_tx_bytes_total');
    this.cxLengthMs = scope.histogram('downstream_cx_length_ms', 'ms');
    this.flowControlPausedReading = scope.counter('downstream_flow_control_paused_reading_total');
    this.flowControlResumedReading = scope.counter('downstream_flow_control_resumed_reading_total');
    this.rqTotal = scope.counter('downstream_rq_total');
    this.rqActive = scope.gauge('downstream_rq_active');
    this.rqHttp1Total = scope.counter('downstream_rq_http1_total');
    this.rqFailedPathNormalization = scope.counter('downstream_rq_failed_path_normalization');
    this.rqRedirectedWithNormalizedPath = scope.counter('downstream_rq_redirected_with_normalized_path');
    this.rqHeaderTimeout = scope.counter('downstream_rq_header_timeout');
    this.rqIdleTimeout = scope.counter('downstream_rq_idle_timeout');
    this.rqMaxDurationReached = scope.counter('downstream_rq_max_duration_reached');
    this.rqNonRelativePath = scope.counter('downstream_rq_non_relative_path');
    this.rqRejectedViaIpDetection = scope.counter('downstream_rq_rejected_via_ip_detection');
    this.rqResponseBeforeRqComplete = scope.counter('downstream_rq_response_before_rq_complete');
    this.rqRxReset = scope.counter('downstream_rq_rx_reset');
    this.rqTimeout = scope.counter('downstream_rq_timeout');
    this.rqTooLarge = scope.counter('downstream_rq_too_large');
    this.rqTxReset = scope.counter('downstream_rq_tx_reset');
    this.rqWsOnNonWsRoute = scope.counter('downstream_rq_ws_on_non_ws_route');
    this.rsTooLarge = scope.counter('rs_too_large');
    this.rqTime = scope.histogram('downstream_rq_time', 'ms');
    this.tracingHealthCheck = scope.counter('tracing.health_check');
    this.codes = new ResponseClassStats(scope);
    this.listenerCodes = new ResponseClassStats(listenerScope);
  }
}
