import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { CIRCUIT_WORDS, CircuitKind, HOST_STAT_WORDS, HostStat } from '../shared_memory/layout.ts';
import type { Gauge } from '../stats/stats.ts';
import { circuitLimits } from './circuit_limits.ts';
import type { CircuitBreakerThresholds, RetryBudgetConfig } from './cluster_config.ts';

/** Gauges `circuit_breakers.<priority>.*`, by CircuitKind. */
export interface CircuitGauges {
  /** `*_open`. */
  readonly open: readonly Gauge[];
  /** `remaining_*`; null unless track_remaining is set. Main adds the limits. */
  readonly remaining: readonly Gauge[] | null;
}

/** Whose breaker it is. */
export interface CircuitPlace {
  /** This worker. */
  readonly worker: number;
  readonly cluster: string;
  readonly clusterId: number;
  /** 0 = default, 1 = high. */
  readonly priority: number;
}

/**
 * Limits of one cluster and priority, shared by all workers without a lock: each worker counts its own use in its own word, and
 * whoever wants more sums all words. Two workers may see the last free place at once: a slight overshoot, as in Envoy.
 * Cost of a check: one load per worker.
 */
export class CircuitBreaker {
  private readonly own: Int32Array;
  private readonly all: readonly Int32Array[];
  /** Host counts of all workers. */
  private readonly hosts: readonly Float64Array[];
  private readonly place: CircuitPlace;
  private readonly base: number;
  private readonly thresholds: CircuitBreakerThresholds;
  /** Whole numbers up to 2^32 - 1. */
  private limits: Float64Array;
  private readonly gauges: CircuitGauges;
  private retryBudget: RetryBudgetConfig | null;
  /** Infinity = no limit. */
  private readonly maxConnectionsPerHost: number;
  /** Connection pools are counted: otherwise nobody would see it. */
  countsPools: boolean;

  /** `all[worker]` are the circuit slabs, `hosts[worker]` the host counts. */
  constructor(all: readonly Int32Array[], hosts: readonly Float64Array[], place: CircuitPlace, thresholds: CircuitBreakerThresholds, gauges: CircuitGauges) {
    this.own = all[place.worker];
    this.all = all;
    this.hosts = hosts;
    this.place = place;
    this.base = (place.clusterId * 2 + place.priority) * CIRCUIT_WORDS;
    this.thresholds = thresholds;
    const { limits, retryBudget } = circuitLimits(thresholds, place.cluster, place.priority, null);
    this.limits = limits;
    this.retryBudget = retryBudget;
    this.gauges = gauges;
    this.maxConnectionsPerHost = thresholds.maxConnectionsPerHost ?? Infinity;
    this.countsPools = thresholds.maxConnectionPools !== undefined || thresholds.trackRemaining;
  }

  /** Runtime values are others: they come before the configured limits. */
  applyRuntime(runtime: RuntimeSnapshot): void {
    const { limits, retryBudget } = circuitLimits(this.thresholds, this.place.cluster, this.place.priority, runtime);
    this.limits = limits;
    this.retryBudget = retryBudget;
  }

  /** Whether one more may be made. */
  canCreate(kind: number): boolean {
    return this.inUse(kind) < this.limits[kind];
  }

  /** Whether one more connection to this host may be made. */
  canConnect(hostId: number): boolean {
    if (this.maxConnectionsPerHost !== Infinity) {
      const at = hostId * HOST_STAT_WORDS + HostStat.cxActive;
      let sum = 0;
      for (let i = 0; i < this.hosts.length; i++) sum += this.hosts[i][at];
      if (sum >= this.maxConnectionsPerHost) return false;
    }
    return this.canCreate(CircuitKind.connections);
  }

  /** Whether one more request may be sent again. */
  canRetry(): boolean {
    const budget = this.retryBudget;
    if (budget === null) return this.canCreate(CircuitKind.retries);
    const requests = this.inUse(CircuitKind.pending) + this.inUse(CircuitKind.requests);
    return this.inUse(CircuitKind.retries) < Math.max(Math.floor((budget.percent / 100) * requests), budget.minConcurrency);
  }

  /** Sum over all workers. */
  inUse(kind: number): number {
    const at = this.base + kind;
    const all = this.all;
    let sum = 0;
    for (let i = 0; i < all.length; i++) sum += all[i][at];
    return sum;
  }

  inc(kind: number): void {
    this.own[this.base + kind]++;
    this.updateGauge(kind);
  }

  dec(kind: number): void {
    this.own[this.base + kind]--;
    this.updateGauge(kind);
  }

  private updateGauge(kind: number): void {
    const own = this.own[this.base + kind];
    // It says 1 on the worker that sees its breaker open.
    const open = own < Math.floor(this.limits[kind] / this.all.length) ? 0 : this.canCreate(kind) ? 0 : 1;
    const gauge = this.gauges.open[kind];
    if (gauge.value() !== open) gauge.set(open);
    if (this.gauges.remaining !== null) this.gauges.remaining[kind].set(kind === CircuitKind.retries && this.retryBudget !== null ? 0 : -own);
  }
}
