import type { RuntimeFraction, RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { CircuitKind } from '../shared_memory/layout.ts';
import type { Counter, Gauge, Histogram, StatsScope } from '../stats/stats.ts';
import type { AutoServerName } from './auto_server_name.ts';
import type { CircuitBreaker } from './circuit_breaker.ts';
import type { ClusterConfig } from './cluster_config.ts';
import type { ClusterLoad } from './load_balancer.ts';
import { ResponseCodeCounters, ResponseCodeStats } from './response_code_stats.ts';
import { MessageSizeStats, TimeoutBudgetStats } from './tracking_stats.ts';
import { createZoneStats, type ZoneStats } from './zone_aware/zone_stats.ts';

/** Counters of a choice among subsets, below `cluster.<name>`. */
export interface SubsetStats {
  readonly selected: Counter;
  readonly fallback: Counter;
  readonly fallbackPanic: Counter;
}

/** The `cluster.<name>.` stats that the data path writes, resolved once. Names: Envoy's ALL_CLUSTER_TRAFFIC_STATS. */
export class ClusterStats {
  readonly cxTotal: Counter;
  readonly cxHttp1Total: Counter;
  readonly cxActive: Gauge;
  readonly cxConnectFail: Counter;
  readonly cxConnectTimeout: Counter;
  readonly cxOverflow: Counter;
  readonly cxPoolOverflow: Counter;
  readonly cxIdleTimeout: Counter;
  readonly cxMaxDurationReached: Counter;
  readonly cxMaxRequests: Counter;
  readonly cxNoneHealthy: Counter;
  readonly cxProtocolError: Counter;
  readonly cxDestroy: Counter;
  readonly cxDestroyLocal: Counter;
  readonly cxDestroyRemote: Counter;
  readonly cxDestroyWithActiveRq: Counter;
  readonly cxDestroyLocalWithActiveRq: Counter;
  readonly cxDestroyRemoteWithActiveRq: Counter;
  readonly cxCloseNotify: Counter;
  readonly cxRxBytesTotal: Counter;
  readonly cxTxBytesTotal: Counter;
  readonly cxConnectMs: Histogram;
  readonly cxLengthMs: Histogram;
  readonly rqPerCx: Histogram;
  readonly bindErrors: Counter;
  readonly flowControlPausedReading: Counter;
  readonly flowControlResumedReading: Counter;
  readonly flowControlBackedUp: Counter;
  readonly flowControlDrained: Counter;
  readonly rqTotal: Counter;
  readonly rqActive: Gauge;
  readonly rqPendingTotal: Counter;
  readonly rqPendingActive: Gauge;
  readonly rqPendingOverflow: Counter;
  readonly rqPendingFailureEject: Counter;
  readonly rqCancelled: Counter;
  readonly rqMaintenanceMode: Counter;
  readonly rqTimeout: Counter;
  readonly rqRxReset: Counter;
  readonly rqPerTryTimeout: Counter;
  readonly rqPerTryIdleTimeout: Counter;
  readonly rqMaxDurationReached: Counter;
  readonly internalRedirectSucceeded: Counter;
  readonly internalRedirectFailed: Counter;
  readonly retryOrShadowAbandoned: Counter;
  readonly rqRetry: Counter;
  readonly rqRetrySuccess: Counter;
  readonly rqRetryOverflow: Counter;
  readonly rqRetryLimitExceeded: Counter;
  readonly rqRetryBackoffExponential: Counter;
  readonly rqRetryBackoffRatelimited: Counter;
  readonly lbHealthyPanic: Counter;
  /** Of clusters that are tracked; null = not. */
  budgets: TimeoutBudgetStats | null;
  sizes: MessageSizeStats | null;
  /** Response codes: all, and the copies below `external.` and `internal.`. */
  readonly codes: ResponseCodeStats;
  private external: ResponseCodeStats | null;
  private internal: ResponseCodeStats | null;
  private canary: ResponseCodeStats | null;
  private retried: ResponseCodeCounters | null;
  private alternatives: Map<string, AlternativeCodeStats> | null;
  private readonly zoneCodesByName: Map<string, ResponseCodeStats>;
  private readonly scope: StatsScope;

  constructor(scope: StatsScope) {
    this.scope = scope;
    this.zoneCodesByName = new Map();
    this.cxTotal = scope.counter('upstream_cx_total');
    this.cxHttp1Total = scope.counter('upstream_cx_http1_total');
    this.cxActive = scope.gauge('upstream_cx_active');
    this.cxConnectFail = scope.counter('upstream_cx_connect_fail');
    this.cxConnectTimeout = scope.counter('upstream_cx_connect_timeout');
    this.cxOverflow = scope.counter('upstream_cx_overflow');
    this.cxPoolOverflow = scope.counter('upstream_cx_pool_overflow');
    this.cxIdleTimeout = scope.counter('upstream_cx_idle_timeout');
    this.cxMaxDurationReached = scope.counter('upstream_cx_max_duration_reached');
    this.cxMaxRequests = scope.counter('upstream_cx_max_requests');
    this.cxNoneHealthy = scope.counter('upstream_cx_none_healthy');
    this.cxProtocolError = scope.counter('upstream_cx_protocol_error');
    this.cxDestroy = scope.counter('upstream_cx_destroy');
    this.cxDestroyLocal = scope.counter('upstream_cx_destroy_local');
    this.cxDestroyRemote = scope.counter('upstream_cx_destroy_remote');
    this.cxDestroyWithActiveRq = scope.counter('upstream_cx_destroy_with_active_rq');
    this.cxDestroyLocalWithActiveRq = scope.counter('upstream_cx_destroy_local_with_active_rq');
    this.cxDestroyRemoteWithActiveRq = scope.counter('upstream_cx_destroy_remote_with_active_rq');
    this.cxCloseNotify = scope.counter('upstream_cx_close_notify');
    this.cxRxBytesTotal = scope.counter('upstream_cx_rx_bytes_total');
    this.cxTxBytesTotal = scope.counter('upstream_cx_tx_bytes_total');
    this.cxConnectMs = scope.histogram('upstream_cx_connect_ms', 'ms');
    this.cxLengthMs = scope.histogram('upstream_cx_length_ms', 'ms');
    this.rqPerCx = scope.histogram('upstream_rq_per_cx', 'unspecified');
    this.bindErrors = scope.counter('bind_errors');
    this.flowControlPausedReading = scope.counter('upstream_flow_control_paused_reading_total');
    this.flowControlResumedReading = scope.counter('upstream_flow_control_resumed_reading_total');
    this.flowControlBackedUp = scope.counter('upstream_flow_control_backed_up_total');
    this.flowControlDrained = scope.counter('upstream_flow_control_drained_total');
    this.rqTotal = scope.counter('upstream_rq_total');
    this.rqActive = scope.gauge('upstream_rq_active');
    this.rqPendingTotal = scope.counter('upstream_rq_pending_total');
    this.rqPendingActive = scope.gauge('upstream_rq_pending_active');
    this.rqPendingOverflow = scope.counter('upstream_rq_pending_overflow');
    this.rqPendingFailureEject = scope.counter('upstream_rq_pending_failure_eject');
    this.rqCancelled = scope.counter('upstream_rq_cancelled');
    this.rqMaintenanceMode = scope.counter('upstream_rq_maintenance_mode');
    this.rqTimeout = scope.counter('upstream_rq_timeout');
    this.rqRxReset = scope.counter('upstream_rq_rx_reset');
    this.rqPerTryTimeout = scope.counter('upstream_rq_per_try_timeout');
    this.rqPerTryIdleTimeout = scope.counter('upstream_rq_per_try_idle_timeout');
    this.rqMaxDurationReached = scope.counter('upstream_rq_max_duration_reached');
    this.internalRedirectSucceeded = scope.counter('upstream_internal_redirect_succeeded_total');
    this.internalRedirectFailed = scope.counter('upstream_internal_redirect_failed_total');
    this.retryOrShadowAbandoned = scope.counter('retry_or_shadow_abandoned');
    this.rqRetry = scope.counter('upstream_rq_retry');
    this.rqRetrySuccess = scope.counter('upstream_rq_retry_success');
    this.rqRetryOverflow = scope.counter('upstream_rq_retry_overflow');
    this.rqRetryLimitExceeded = scope.counter('upstream_rq_retry_limit_exceeded');
    this.rqRetryBackoffExponential = scope.counter('upstream_rq_retry_backoff_exponential');
    this.rqRetryBackoffRatelimited = scope.counter('upstream_rq_retry_backoff_ratelimited');
    this.lbHealthyPanic = scope.counter('lb_healthy_panic');
    this.budgets = null;
    this.sizes = null;
    this.codes = new ResponseCodeStats(scope);
    this.external = null;
    this.internal = null;
    this.canary = null;
    this.retried = null;
    this.alternatives = null;
  }

  /** Makes the histograms of a tracked cluster. */
  track(tracking: ClusterConfig['tracking']): void {
    if (tracking?.timeoutBudgets === true) this.budgets = new TimeoutBudgetStats(this.scope);
    if (tracking?.messageSizes === true) this.sizes = new MessageSizeStats(this.scope);
  }

  /** The copy for requests from outside or inside. */
  byOrigin(isInternal: boolean): ResponseCodeStats {
    if (isInternal) {
      this.internal ??= new ResponseCodeStats(this.scope.scope('internal'));
      return this.internal;
    }
    this.external ??= new ResponseCodeStats(this.scope.scope('external'));
    return this.external;
  }

  /** The copies below a name that a trusted caller chose; null when there are too many such names already. */
  alternative(name: string): AlternativeCodeStats | null {
    this.alternatives ??= new Map();
    let stats = this.alternatives.get(name);
    if (stats === undefined) {
      if (this.alternatives.size >= MAX_ALTERNATIVE_NAMES) return null;
      stats = new AlternativeCodeStats(this.scope.scope(name));
      this.alternatives.set(name, stats);
    }
    return stats;
  }

  /** Of requests by the subset they go to. */
  subsets(): SubsetStats {
    const { scope } = this;
    return { selected: scope.counter('lb_subsets_selected'), fallback: scope.counter('lb_subsets_fallback'), fallbackPanic: scope.counter('lb_subsets_fallback_panic') };
  }

  /** Response codes of requests from one zone to another, `zone.<from>.<to>`. */
  zoneCodes(from: string, to: string): ResponseCodeStats {
    const name = `zone.${from}.${to}`;
    let codes = this.zoneCodesByName.get(name);
    if (codes === undefined) {
      codes = new ResponseCodeStats(this.scope.scope(name));
      this.zoneCodesByName.set(name, codes);
    }
    return codes;
  }

  /** Of requests by the zone they go to. */
  zones(): ZoneStats {
    return createZoneStats(this.scope);
  }

  /** Responses that were not passed on but retried. */
  retriedCodes(): ResponseCodeCounters {
    this.retried ??= new ResponseCodeCounters(this.scope.scope('retry'));
    return this.retried;
  }

  /** The copy for canary hosts. */
  canaryCodes(): ResponseCodeStats {
    this.canary ??= new ResponseCodeStats(this.scope.scope('canary'));
    return this.canary;
  }
}

/** Names of x-envoy-upstream-alt-stat-name that get counters, per cluster and worker. */
const MAX_ALTERNATIVE_NAMES = 1000;

/** Response codes below `cluster.<name>.<alternative name>.`, as x-envoy-upstream-alt-stat-name asks. */
export class AlternativeCodeStats {
  private readonly scope: StatsScope;
  readonly codes: ResponseCodeStats;
  private external: ResponseCodeStats | null;
  private internal: ResponseCodeStats | null;

  constructor(scope: StatsScope) {
    this.scope = scope;
    this.codes = new ResponseCodeStats(scope);
    this.external = null;
    this.internal = null;
  }

  charge(status: number, isInternal: boolean): void {
    this.codes.charge(status);
    if (isInternal) {
      this.internal ??= new ResponseCodeStats(this.scope.scope('internal'));
      this.internal.charge(status);
    } else {
      this.external ??= new ResponseCodeStats(this.scope.scope('external'));
      this.external.charge(status);
    }
  }
}

/** A cluster as data and numbers on one worker. */
export class ClusterInfo implements ClusterLoad {
  readonly config: ClusterConfig;
  readonly stats: ClusterStats;
  /** Index 0 = default priority, 1 = high. */
  readonly breakers: readonly [CircuitBreaker, CircuitBreaker];
  /** Part of the requests that is answered as under maintenance: by runtime key only. */
  readonly maintenance: RuntimeFraction;
  /** `config.requestPolicies`, compiled; opaque to this layer; null = none. */
  policies: object | null;
  /** What requests say of their connections; null = nothing. */
  autoServerName: AutoServerName | null;
  /** Each try is to be measured. */
  readonly isTracked: boolean;

  constructor(config: ClusterConfig, stats: ClusterStats, breakers: readonly [CircuitBreaker, CircuitBreaker]) {
    this.config = config;
    this.stats = stats;
    this.breakers = breakers;
    this.policies = null;
    this.autoServerName = null;
    this.isTracked = config.tracking !== null;
    stats.track(config.tracking);
    this.maintenance = { defaultValue: { numerator: 0, denominator: 100 }, runtimeKey: `upstream.maintenance_mode.${config.name}` };
  }

  /** Runtime values are others. */
  applyRuntime(runtime: RuntimeSnapshot): void {
    for (const breaker of this.breakers) breaker.applyRuntime(runtime);
  }

  /** Requests of all workers that are with upstream hosts. */
  activeRequests(): number {
    return this.breakers[0].inUse(CircuitKind.requests) + this.breakers[1].inUse(CircuitKind.requests);
  }
}

/** Counters of what is not done here or by others: shown as 0. */
const OTHER_COUNTERS = [
  'upstream_cx_connect_attempts_exceeded', 'upstream_cx_connect_with_0_rtt', 'upstream_cx_http2_total', 'upstream_cx_http3_total', 'upstream_http3_broken', 'upstream_rq_0rtt', 'upstream_rq_tx_reset',
  'lb_local_cluster_not_ok', 'lb_recalculate_zone_structures', 'lb_subsets_created', 'lb_subsets_fallback', 'lb_subsets_fallback_panic', 'lb_subsets_removed', 'lb_subsets_selected', 'lb_zone_cluster_too_small', 'lb_zone_no_capacity_left', 'lb_zone_routing_all_directly', 'lb_zone_routing_cross_zone', 'lb_zone_routing_sampled',
];

/**
 * Makes the stats that a worker keeps for a cluster, below `cluster.<name>`; here to be seen by main as well, which shows them
 * before any worker has made them.
 */
export function createClusterStats(scope: StatsScope): { stats: ClusterStats; droppedHeaders: Counter; originalDstInvalid: Counter } {
  for (const name of OTHER_COUNTERS) scope.counter(name);
  scope.gauge('lb_subsets_active');
  return {
    stats: new ClusterStats(scope), droppedHeaders: scope.counter('http1.dropped_headers_with_underscores'),
    originalDstInvalid: scope.counter('original_dst_host_invalid'),
  };
}
