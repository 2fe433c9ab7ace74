/** One cluster on the main side: its discovery, its hosts, and its membership numbers. Thread: main. */
import type { Logger } from '../../core/log/logger.ts';
import { CLUSTER_FACT_WORDS, ClusterFact, HostHealthFlag } from '../../core/shared_memory/layout.ts';
import type { Counter, Gauge, StatsScope } from '../../core/stats/stats.ts';
import type { ClusterConfig, DiscoveryConfig, HostConfig, HostSetConfig } from '../../core/upstream/cluster_config.ts';
import { createDiscovery, type Discovery, type DiscoveryContext, type DiscoveryListener } from './discovery.ts';
import type { HostIds } from './host_ids.ts';
import { type DiscoveredHost, type HostSlabs, HostTable } from './host_table.ts';

const DEGRADED = HostHealthFlag.degradedActiveHc | HostHealthFlag.degradedEdsHealth;
const EXCLUDED = HostHealthFlag.pendingActiveHc | HostHealthFlag.excludedViaImmediateHcFail | HostHealthFlag.edsStatusDraining;

/** A cluster as the configuration gives it. */
export interface ClusterDefinition {
  readonly id: number;
  readonly config: ClusterConfig;
  readonly discovery: DiscoveryConfig;
}

/** What a cluster works with. */
export interface ClusterDependencies {
  readonly discovery: DiscoveryContext;
  readonly hostIds: HostIds;
  readonly hostSlabs: HostSlabs;
  /** Words of SharedSlabs.clusterFacts. */
  readonly facts: Int32Array;
  /** Main's root scope. */
  readonly stats: StatsScope;
  readonly log: Logger;
}

export interface ClusterListener {
  /** The hosts are others than before. */
  onHostsChanged(cluster: ManagedCluster): void;
  /** The first answers are in. Called once. */
  onClusterInitialized(cluster: ManagedCluster): void;
}

class MembershipStats {
  readonly updateAttempt: Counter;
  readonly updateSuccess: Counter;
  readonly updateFailure: Counter;
  readonly updateNoRebuild: Counter;
  readonly change: Counter;
  readonly total: Gauge;
  readonly healthy: Gauge;
  readonly degraded: Gauge;
  readonly excluded: Gauge;
  readonly maxHostWeight: Gauge;

  constructor(scope: StatsScope) {
    this.updateAttempt = scope.counter('update_attempt');
    this.updateSuccess = scope.counter('update_success');
    this.updateFailure = scope.counter('update_failure');
    this.updateNoRebuild = scope.counter('update_no_rebuild');
    this.change = scope.counter('membership_change');
    this.total = scope.gauge('membership_total');
    this.healthy = scope.gauge('membership_healthy');
    this.degraded = scope.gauge('membership_degraded');
    this.excluded = scope.gauge('membership_excluded');
    this.maxHostWeight = scope.gauge('max_host_weight');
    for (const name of ['update_empty', 'assignment_stale', 'assignment_timeout_received', 'assignment_use_cached']) scope.counter(name);
    for (const name of ['version', 'warming_state']) scope.gauge(name);
  }
}

export class ManagedCluster implements DiscoveryListener {
  readonly id: number;
  readonly config: ClusterConfig;
  private readonly dependencies: ClusterDependencies;
  private readonly listener: ClusterListener;
  private readonly table: HostTable;
  private readonly stats: MembershipStats;
  private readonly discovery: Discovery;
  private readonly isStrictDns: boolean;
  private isInitialized = false;

  constructor(definition: ClusterDefinition, dependencies: ClusterDependencies, listener: ClusterListener) {
    this.id = definition.id;
    this.config = definition.config;
    this.dependencies = dependencies;
    this.listener = listener;
    this.table = new HostTable(dependencies.hostIds, dependencies.hostSlabs);
    this.stats = new MembershipStats(dependencies.stats.scope('cluster').scope(definition.config.statName));
    this.isStrictDns = definition.discovery.kind === 'strict_dns';
    this.discovery = createDiscovery(definition.discovery, dependencies.discovery, this);
  }

  get initialized(): boolean {
    return this.isInitialized;
  }

  start(): void {
    this.discovery.start();
  }

  close(): void {
    this.discovery.close();
    this.table.replace([]);
  }

  hosts(): readonly HostConfig[] {
    return this.table.hosts();
  }

  /** For workers. */
  hostSet(): HostSetConfig {
    return { cluster: this.config.name, hosts: this.table.hosts() };
  }

  onAttempt(): void {
    this.stats.updateAttempt.inc();
  }

  onHosts(found: readonly DiscoveredHost[]): boolean {
    const { added, removed, changed } = this.table.replace(found);
    if (added + removed + changed === 0) return false;
    if (this.table.isTruncated) this.dependencies.log.error(`cluster ${this.config.name}: too many hosts in this process, some are left out`);
    if (added + removed > 0) this.stats.change.inc();
    this.countMembers();
    this.dependencies.log.debug(`cluster ${this.config.name}: added ${added} removed ${removed} moved ${changed} hosts`);
    this.listener.onHostsChanged(this);
    return true;
  }

  onSuccess(changed: boolean): void {
    this.stats.updateSuccess.inc();
    if (!changed) this.stats.updateNoRebuild.inc();
  }

  onFailure(name: string, reason: string): void {
    this.stats.updateFailure.inc();
    this.dependencies.log.debug(`cluster ${this.config.name}: DNS resolution of ${name} failed: ${reason}`);
  }

  onInitialized(): void {
    this.isInitialized = true;
    // A cluster that found nothing has its numbers too.
    if (this.table.hosts().length === 0) this.countMembers();
    this.listener.onClusterInitialized(this);
  }

  /** Writes the membership gauges and the shared words that health checks of other clusters read. */
  private countMembers(): void {
    const { health } = this.dependencies.hostSlabs;
    let healthy = 0;
    let degraded = 0;
    let excluded = 0;
    let maxWeight = 0;
    const hosts = this.table.hosts();
    for (const host of hosts) {
      const flags = health[host.id];
      if (flags === 0) healthy++;
      else if ((flags & ~DEGRADED) === 0) degraded++;
      else if ((flags & EXCLUDED) !== 0) excluded++;
      maxWeight = Math.max(maxWeight, host.weight);
    }
    this.stats.total.set(hosts.length);
    this.stats.healthy.set(healthy);
    this.stats.degraded.set(degraded);
    this.stats.excluded.set(excluded);
    if (this.isStrictDns) this.stats.maxHostWeight.set(maxWeight);
    const words = this.dependencies.facts;
    const base = this.id * CLUSTER_FACT_WORDS;
    words[base + ClusterFact.membershipTotal] = hosts.length;
    words[base + ClusterFact.membershipHealthy] = healthy;
    words[base + ClusterFact.membershipDegraded] = degraded;
  }
}
