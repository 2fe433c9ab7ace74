import { CIRCUIT_WORDS, CircuitKind } from '../shared_memory/layout.ts';
import type { Gauge } from '../stats/stats.ts';
import type { CircuitBreakerThresholds, RetryBudgetConfig } from './cluster_config.ts';

/** Gauges `circuit_breakers.<priority>.*_open`. */
export interface CircuitGauges {
  readonly cxOpen: Gauge;
  readonly rqPendingOpen: Gauge;
  readonly rqOpen: Gauge;
  readonly rqRetryOpen: Gauge;
}

/**
 * Limits of one cluster and priority, shared by all workers without a lock: each worker counts its own use in its own word, and
 * whoever wants more sums all words. Two workers may see the last free place at once: a slight overshoot, as in Envoy.
 * Cost of a check: one load per worker.
 */
export class CircuitBreaker {
  private readonly own: Int32Array;
  private readonly all: readonly Int32Array[];
  private readonly base: number;
  private readonly limits: Int32Array;
  private readonly gauges: CircuitGauges;
  private readonly retryBudget: RetryBudgetConfig | null;

  /** `all[worker]` are the circuit slabs; `worker` is ours. `priority` 0 = default, 1 = high. */
  constructor(all: readonly Int32Array[], worker: number, clusterId: number, priority: number, thresholds: CircuitBreakerThresholds, gauges: CircuitGauges) {
    this.own = all[worker];
    this.all = all;
    this.base = (clusterId * 2 + priority) * CIRCUIT_WORDS;
    this.limits = new Int32Array(CIRCUIT_WORDS);
    this.limits[CircuitKind.connections] = clampLimit(thresholds.maxConnections);
    this.limits[CircuitKind.pending] = clampLimit(thresholds.maxPendingRequests);
    this.limits[CircuitKind.requests] = clampLimit(thresholds.maxRequests);
    this.limits[CircuitKind.retries] = clampLimit(thresholds.maxRetries);
    this.gauges = gauges;
    this.retryBudget = thresholds.retryBudget ?? null;
  }

  /** Whether one more may be made. */
  canCreate(kind: number): boolean {
    return this.inUse(kind) < this.limits[kind];
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
    // The gauge is summed over workers by main; it says 1 on the worker that sees its breaker open.
    const open = this.own[this.base + kind] < Math.floor(this.limits[kind] / this.all.length) ? 0 : this.canCreate(kind) ? 0 : 1;
    const gauge = kind === CircuitKind.connections ? this.gauges.cxOpen : kind === CircuitKind.pending ? this.gauges.rqPendingOpen : kind === CircuitKind.requests ? this.gauges.rqOpen : this.gauges.rqRetryOpen;
    if (gauge.value() !== open) gauge.set(open);
  }
}

function clampLimit(limit: number): number {
  return limit > 0x7fffffff ? 0x7fffffff : limit;
}
