/**
 * Every shared-memory layout with its owner: who may write which word. SharedArrayBuffers are made by main and handed to the
 * threads at start; pages are touched only when used, so capacities are generous and fixed.
 *
 * Rule: one writer per word. Readers on other threads may see a value one update old. Words are 32-bit integers, or float64
 * (aligned 8-byte stores are single instructions on every 64-bit target Node supports).
 */

/** Workers a process can have. */
export const MAX_WORKERS = 256;
/** Upstream hosts alive at once. */
export const MAX_HOSTS = 65536;
/** Clusters alive at once. */
export const MAX_CLUSTERS = 16384;

/** Host statistics: per worker, float64, written by that worker. Word = hostId * HOST_STAT_WORDS + field. */
export const HOST_STAT_WORDS = 8;
export const HostStat = { cxTotal: 0, cxActive: 1, cxConnectFail: 2, rqTotal: 3, rqActive: 4, rqSuccess: 5, rqError: 6, rqTimeout: 7 } as const;

/** Host health: one int32 per host, written by main. 0 = healthy. Behind them (HEALTH_GENERATION) a word that main changes with any of them. */
export const HostHealthFlag = {
  failedActiveHc: 1, failedOutlierCheck: 2, failedEdsHealth: 4, degradedActiveHc: 8, degradedEdsHealth: 16,
  pendingDynamicRemoval: 32, pendingActiveHc: 64, excludedViaImmediateHcFail: 128, activeHcTimeout: 256, edsStatusDraining: 512,
} as const;

/** Index in the host-health slab of the word that is another whenever some host's health is. */
export const HEALTH_GENERATION = MAX_HOSTS;

/**
 * Outlier detection: per worker, float64, written by that worker. Word = hostId * OUTLIER_WORDS + field. The first five only grow.
 * For each kind of consecutive failure (OutlierKind): how many in a row this worker saw, and at which mark (what ends a row, of all
 * workers together); counts of another mark than today's are over. `passiveFailures`: responses that said to leave the host out; only grows.
 */
export const OUTLIER_WORDS = 12;
export const OutlierWord = { total: 0, success: 1, nonGateway: 2, localTotal: 3, localSuccess: 4, consecutive: 5, mark: 8, passiveFailures: 11 } as const;
export const OutlierKind = { consecutive5xx: 0, consecutiveGatewayFailure: 1, consecutiveLocalOriginFailure: 2 } as const;
export const OUTLIER_KINDS = 3;
/** In place of an OutlierKind: not failures in a row, the host itself said to leave it out. */
export const PASSIVE_FAILURE = 3;

/**
 * What hosts report of their load: per worker, float64, written by that worker. Word = hostId * HOST_LOAD_WORDS + field. `weight`: what
 * the last report that this worker saw makes it; `since`, `updated`: when the host began to report, and when that was (monotonic clock in
 * milliseconds, 0 = never); `applied`: the weight that this worker gives it now (0 = that of the configuration).
 */
export const HOST_LOAD_WORDS = 4;
export const HostLoad = { weight: 0, since: 1, updated: 2, applied: 3 } as const;

/** Circuit-breaker use: per worker, int32, written by that worker, summed by whoever checks a limit.
 *  Word = (clusterId * 2 + priority) * CIRCUIT_WORDS + kind; priority 0 default, 1 high. */
export const CIRCUIT_WORDS = 6;
export const CircuitKind = { connections: 0, pending: 1, requests: 2, retries: 3, pools: 4 } as const;
/** In place of a kind: bits of `CircuitAsked`, of what this worker has ever asked its breaker. */
export const CIRCUIT_ASKED = 5;
export const CircuitAsked = {
  /** A retry, by a retry budget. */
  budget: 1,
  /** And got it. */
  budgetGranted: 2,
  /** A connection where the limit is 0: one is made all the same. */
  closedConnections: 4,
} as const;

/** Values of ServerFact.draining: which listeners drain. */
export const DrainScope = { none: 0, all: 1, inboundOnly: 2 } as const;

/** Server facts: int32, written by main. `draining`: a DrainScope; `drainStartSec`: wall clock; `state`: 0 live, 1 draining, 2 pre-initializing, 3 initializing. */
export const ServerFact = { healthCheckFailed: 0, draining: 1, drainStartSec: 2, state: 3, drainTimeSec: 4, drainImmediate: 5 } as const;
export const SERVER_FACT_WORDS = 64;

/** Cluster facts: int32, written by main. Word = clusterId * CLUSTER_FACT_WORDS + field. */
export const CLUSTER_FACT_WORDS = 4;
export const ClusterFact = { membershipTotal: 0, membershipHealthy: 1, membershipDegraded: 2 } as const;

/** Numbers that all workers add up, by name (process_counts.ts): per worker, int32, written by that worker. Which word a name has stands
 *  in `countNames`: a 64-bit hash per word, claimed once by whoever comes first, with compare-and-exchange. */
export const MAX_PROCESS_COUNTS = 4096;

/** All fixed slabs of one process, as posted to threads. */
export interface SharedSlabs {
  readonly hostHealth: SharedArrayBuffer;
  /** Since when a host is there, or healthy by its checks: one float64 per host, wall clock in milliseconds, written by main. */
  readonly hostSince: SharedArrayBuffer;
  readonly serverFacts: SharedArrayBuffer;
  readonly clusterFacts: SharedArrayBuffer;
  /** Index = worker. */
  readonly hostStats: readonly SharedArrayBuffer[];
  readonly hostLoads: readonly SharedArrayBuffer[];
  readonly circuits: readonly SharedArrayBuffer[];
  readonly countNames: SharedArrayBuffer;
  readonly counts: readonly SharedArrayBuffer[];
  readonly outliers: OutlierSlabs;
}

/** Where outlier detection counts. */
export interface OutlierSlabs {
  /** Index = worker. OUTLIER_WORDS per host. */
  readonly counts: readonly SharedArrayBuffer[];
  /** Rows of consecutive failures that main ended: int32, written by main, only grow. Word = hostId * OUTLIER_KINDS + kind. */
  readonly resets: SharedArrayBuffer;
  /** How many failures in a row are too many: int32, written by main, 0 = never. Word = clusterId * OUTLIER_KINDS + kind. */
  readonly thresholds: SharedArrayBuffer;
}

/** Makes the slabs for `workers` workers. Thread: main. */
export function createSharedSlabs(workers: number): SharedSlabs {
  const hostStats: SharedArrayBuffer[] = [];
  const hostLoads: SharedArrayBuffer[] = [];
  const circuits: SharedArrayBuffer[] = [];
  const counts: SharedArrayBuffer[] = [];
  const outlierCounts: SharedArrayBuffer[] = [];
  for (let i = 0; i < workers; i++) {
    hostStats.push(new SharedArrayBuffer(MAX_HOSTS * HOST_STAT_WORDS * 8));
    hostLoads.push(new SharedArrayBuffer(MAX_HOSTS * HOST_LOAD_WORDS * 8));
    circuits.push(new SharedArrayBuffer(MAX_CLUSTERS * 2 * CIRCUIT_WORDS * 4));
    counts.push(new SharedArrayBuffer(MAX_PROCESS_COUNTS * 4));
    outlierCounts.push(new SharedArrayBuffer(MAX_HOSTS * OUTLIER_WORDS * 8));
  }
  return {
    hostHealth: new SharedArrayBuffer((MAX_HOSTS + 1) * 4),
    hostSince: new SharedArrayBuffer(MAX_HOSTS * 8),
    serverFacts: new SharedArrayBuffer(SERVER_FACT_WORDS * 4),
    clusterFacts: new SharedArrayBuffer(MAX_CLUSTERS * CLUSTER_FACT_WORDS * 4),
    hostStats,
    hostLoads,
    circuits,
    countNames: new SharedArrayBuffer(MAX_PROCESS_COUNTS * 8),
    counts,
    outliers: {
      counts: outlierCounts,
      resets: new SharedArrayBuffer(MAX_HOSTS * OUTLIER_KINDS * 4),
      thresholds: new SharedArrayBuffer(MAX_CLUSTERS * OUTLIER_KINDS * 4),
    },
  };
}
