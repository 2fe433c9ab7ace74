/**
 * The gauges `circuit_breakers.<priority>.*` of a cluster: made of the words in which workers count their use, whenever somebody looks.
 * Thread: main.
 */
import type { RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';
import { CIRCUIT_ASKED, CIRCUIT_WORDS, CircuitAsked, CircuitKind } from '../../core/shared_memory/layout.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import { type CircuitLimits, circuitLimits, UNLIMITED } from '../../core/upstream/circuit_limits.ts';
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';

/** By CircuitKind. */
const OPEN_GAUGES = ['cx_open', 'rq_pending_open', 'rq_open', 'rq_retry_open', 'cx_pool_open'];
const REMAINING_GAUGES = ['remaining_cx', 'remaining_pending', 'remaining_rq', 'remaining_retries', 'remaining_cx_pools'];
const PRIORITIES = ['default', 'high'] as const;

/** What Envoy shows as no limit. */
const MOST = 2n ** 64n - 1n;

interface GaugePlace {
  readonly priority: 0 | 1;
  readonly kind: number;
  readonly isRemaining: boolean;
}

/** By the name below the cluster's, with the dot before it. */
const PLACES: ReadonlyMap<string, GaugePlace> = new Map(
  ([0, 1] as const).flatMap((priority) => [OPEN_GAUGES, REMAINING_GAUGES].flatMap((names, which) => names.map((name, kind): [string, GaugePlace] => [
    `.circuit_breakers.${PRIORITIES[priority]}.${name}`, { priority, kind, isRemaining: which === 1 },
  ]))),
);

/** Makes the gauges of both priorities, those of what remains where `tracksRemaining` says so, shown as used from the start. */
export function createBreakerGauges(scope: StatsScope, tracksRemaining: readonly [boolean, boolean]): void {
  for (const priority of [0, 1]) {
    const below = scope.scope(`circuit_breakers.${PRIORITIES[priority]}`);
    for (const name of tracksRemaining[priority] ? [...OPEN_GAUGES, ...REMAINING_GAUGES] : OPEN_GAUGES) below.gauge(name).set(0);
  }
}

/** One cluster's. */
export class BreakerGauges {
  private readonly config: ClusterConfig;
  private readonly clusterId: number;
  /** Circuit slabs of all workers. */
  private readonly circuits: readonly Int32Array[];
  private readonly runtime: () => RuntimeSnapshot;
  /** The limits by priority, of `seen`. */
  private limits: readonly CircuitLimits[] = [];
  private seen: RuntimeSnapshot | null = null;

  constructor(config: ClusterConfig, clusterId: number, circuits: readonly Int32Array[], runtime: () => RuntimeSnapshot) {
    this.config = config;
    this.clusterId = clusterId;
    this.circuits = circuits;
    this.runtime = runtime;
  }

  /** Of the gauge of this name below the cluster's, with the dot before it; 0 for others. */
  value(suffix: string): number | bigint {
    const place = PLACES.get(suffix);
    if (place === undefined) return 0;
    const { priority, kind, isRemaining } = place;
    const used = this.sum(priority, kind);
    if (!isRemaining) return this.isOpen(priority, kind, used) ? 1 : 0;
    const { limits, retryBudget } = this.limitsOf(priority);
    // What a budget leaves depends on the requests of the moment: nothing is said of it once it is in use, as in Envoy.
    if (kind === CircuitKind.retries && retryBudget !== null && this.hasAsked(priority, CircuitAsked.budget)) return 0;
    return limits[kind] >= UNLIMITED ? MOST - BigInt(used) : Math.max(0, limits[kind] - used);
  }

  /** What was never used is not open, as in Envoy; a limit of 0 that something got past is open from then on. */
  private isOpen(priority: 0 | 1, kind: number, used: number): boolean {
    const limit = this.limitsOf(priority).limits[kind];
    if (used > 0) return used >= limit;
    if (limit > 0) return false;
    if (kind === CircuitKind.retries) return this.hasAsked(priority, CircuitAsked.budgetGranted);
    return kind === CircuitKind.connections && this.hasAsked(priority, CircuitAsked.closedConnections);
  }

  private hasAsked(priority: number, bit: number): boolean {
    const at = (this.clusterId * 2 + priority) * CIRCUIT_WORDS + CIRCUIT_ASKED;
    return this.circuits.some((words) => (words[at] & bit) !== 0);
  }

  private sum(priority: number, word: number): number {
    const at = (this.clusterId * 2 + priority) * CIRCUIT_WORDS + word;
    return this.circuits.reduce((sum, words) => sum + words[at], 0);
  }

  private limitsOf(priority: 0 | 1): CircuitLimits {
    const runtime = this.runtime();
    if (runtime !== this.seen) {
      const { name, defaultThresholds, highThresholds } = this.config;
      this.limits = [defaultThresholds, highThresholds].map((thresholds, i) => circuitLimits(thresholds, name, i, runtime));
      this.seen = runtime;
    }
    return this.limits[priority];
  }
}
