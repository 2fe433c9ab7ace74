import { CLUSTER_FACT_WORDS, ClusterFact, DrainScope, ServerFact, type SharedSlabs } from '../shared_memory/layout.ts';
import { type ProcessCount, ProcessCounts } from '../shared_memory/process_counts.ts';

/** Reads the facts that main and the workers keep in shared memory. One per worker. */
export class SharedServerFacts {
  private readonly facts: Int32Array;
  private readonly clusterFacts: Int32Array;
  private readonly clusterId: (name: string) => number;
  private readonly wallMs: () => number;
  private readonly counts: ProcessCounts;

  /** For worker `worker`. `clusterId` gives a cluster's dense id or -1. */
  constructor(slabs: SharedSlabs, worker: number, clusterId: (name: string) => number, wallMs: () => number) {
    this.facts = new Int32Array(slabs.serverFacts);
    this.clusterFacts = new Int32Array(slabs.clusterFacts);
    this.counts = new ProcessCounts(slabs.countNames, slabs.counts, worker);
    this.clusterId = clusterId;
    this.wallMs = wallMs;
  }

  isHealthCheckFailed(): boolean {
    return this.facts[ServerFact.healthCheckFailed] !== 0;
  }

  /** See ServerFacts.shouldDrainClose. Two loads when nothing drains. */
  shouldDrainClose(honoursHealthCheckFail: boolean, isInbound: boolean, random: number): boolean {
    const facts = this.facts;
    if (honoursHealthCheckFail && facts[ServerFact.healthCheckFailed] !== 0) return true;
    const draining = facts[ServerFact.draining];
    if (draining === 0 || (draining === DrainScope.inboundOnly && !isInbound)) return false;
    if (facts[ServerFact.drainImmediate] !== 0) return true;
    const drainTime = facts[ServerFact.drainTimeSec];
    const elapsed = Math.floor(this.wallMs() / 1000) - facts[ServerFact.drainStartSec];
    return elapsed >= drainTime || random % drainTime < elapsed;
  }

  clusterMembershipTotal(cluster: string): number {
    return this.clusterWord(cluster, ClusterFact.membershipTotal);
  }

  clusterHealthyPercent(cluster: string): number {
    return this.percent(cluster, ClusterFact.membershipHealthy);
  }

  clusterDegradedPercent(cluster: string): number {
    return this.percent(cluster, ClusterFact.membershipDegraded);
  }

  processCount(name: string): ProcessCount {
    return this.counts.get(name);
  }

  private percent(cluster: string, field: number): number {
    const total = this.clusterWord(cluster, ClusterFact.membershipTotal);
    if (total <= 0) return total === 0 ? 0 : -1;
    return (this.clusterWord(cluster, field) * 100) / total;
  }

  private clusterWord(cluster: string, field: number): number {
    const id = this.clusterId(cluster);
    return id < 0 ? -1 : this.clusterFacts[id * CLUSTER_FACT_WORDS + field];
  }
}
