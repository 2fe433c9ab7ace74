import { CLUSTER_FACT_WORDS, ClusterFact, DrainScope, ServerFact } from '../shared_memory/layout.ts';

/** Reads the facts that main keeps in shared memory. One per thread. */
export class SharedServerFacts {
  private readonly facts: Int32Array;
  private readonly clusterFacts: Int32Array;
  private readonly clusterId: (name: string) => number;
  private readonly wallMs: () => number;

  /** `clusterId` gives a cluster's dense id or -1. */
  constructor(facts: SharedArrayBuffer, clusterFacts: SharedArrayBuffer, clusterId: (name: string) => number, wallMs: () => number) {
    this.facts = new Int32Array(facts);
    this.clusterFacts = new Int32Array(clusterFacts);
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
