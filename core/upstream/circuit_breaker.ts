import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { CIRCUIT_ASKED, CIRCUIT_WORDS, CircuitAsked, CircuitKind } from '../shared_memory/layout.ts';
import { circuitLimits } from './circuit_limits.ts';
import type { CircuitBreakerThresholds, RetryBudgetConfig } from './cluster_config.ts';
import type { Host } from './host.ts';

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
 * Cost of a check: one load per worker. The gauges are made of the same words when somebody asks (server/clusters/breaker_gauges.ts).
 */
export class CircuitBreaker {
  private readonly own: Int32Array;
  private readonly all: readonly Int32Array[];
  private readonly place: CircuitPlace;
  private readonly base: number;
  private readonly thresholds: CircuitBreakerThresholds;
  /** Whole numbers up to 2^32 - 1. */
  private limits: Float64Array;
  private retryBudget: RetryBudgetConfig | null;
  /** Infinity = no limit. */
  private readonly maxConnectionsPerHost: number;
  /** Connection pools are counted: otherwise nobody would see it. */
  countsPools: boolean;

  /** `all[worker]` are the circuit slabs. */
  constructor(all: readonly Int32Array[], place: CircuitPlace, thresholds: CircuitBreakerThresholds) {
    this.own = all[place.worker];
    this.all = all;
    this.place = place;
    this.base = (place.clusterId * 2 + place.priority) * CIRCUIT_WORDS;
    this.thresholds = thresholds;
    const { limits, retryBudget } = circuitLimits(thresholds, place.cluster, place.priority, null);
    this.limits = limits;
    this.retryBudget = retryBudget;
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
  canConnect(host: Host): boolean {
    if (this.maxConnectionsPerHost !== Infinity && host.activeConnections() >= this.maxConnectionsPerHost) return false;
    if (this.limits[CircuitKind.connections] === 0) this.own[this.base + CIRCUIT_ASKED] |= CircuitAsked.closedConnections;
    return this.canCreate(CircuitKind.connections);
  }

  /** Whether one more request may be sent again. */
  canRetry(): boolean {
    const budget = this.retryBudget;
    if (budget === null) return this.canCreate(CircuitKind.retries);
    const requests = this.inUse(CircuitKind.pending) + this.inUse(CircuitKind.requests);
    const isGranted = this.inUse(CircuitKind.retries) < Math.max(Math.floor((budget.percent / 100) * requests), budget.minConcurrency);
    this.own[this.base + CIRCUIT_ASKED] |= isGranted ? CircuitAsked.budget | CircuitAsked.budgetGranted : CircuitAsked.budget;
    return isGranted;
  }

  /** Sum over all workers. */
  inUse(kind: number): number {
    const at = this.base + kind;
    const all = this.all;
    let sum = 0;
    for (let i = 0; i < all.length; i++) sum += all[i][at];
    return sum;
  }

  /** Of this worker alone. */
  ownUse(kind: number): number {
    return this.own[this.base + kind];
  }

  inc(kind: number): void {
    this.own[this.base + kind]++;
  }

  dec(kind: number): void {
    this.own[this.base + kind]--;
  }
}
