/** One cluster on the main side: its discovery, its hosts, and its membership numbers. Thread: main. */
import type { Logger } from '../../core/log/logger.ts';
import { CLUSTER_FACT_WORDS, ClusterFact, HostHealthFlag, HostStat, PASSIVE_FAILURE } from '../../core/shared_memory/layout.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import { type ClusterConfig, DEFAULT_SOCKET, type DiscoveryConfig, type EndpointConfig, type HostConfig, type HostSetConfig } from '../../core/upstream/cluster_config.ts';
import type { OutlierReport } from '../../core/upstream/outlier_monitor.ts';
import type { SharedHashTable } from '../../core/upstream/consistent_hash/hash_table.ts';
import { PANIC_KEY } from '../../core/upstream/zone_aware/zone_routing.ts';
import type { OutlierConfig } from '../config/outlier_parser.ts';
import { type OutlierContext, OutlierDetector } from '../outlier_detection/detector.ts';
import type { DeclaredValues } from '../stats/declared_stats.ts';
import { createDiscovery, type DiscoveryContext } from './discovery.ts';
import type { Discovery, DiscoveryListener, HostUse } from './discovery_listener.ts';
import { checkTarget, type CheckTarget, type HealthCheckEnvironment } from '../health_checks/cluster_health_checker.ts';
import type { HealthOptions } from '../health_checks/health_check_config.ts';
import { writeCertificateGauges } from './cluster_certificates.ts';
import { ClusterHealth } from './cluster_health.ts';
import { BreakerGauges } from './breaker_gauges.ts';
import { writeHashTableStats } from './hash_table_stats.ts';
import { ClusterHashTables } from './hash_tables.ts';
import { SubsetStatsWriter } from './subset_stats.ts';
import type { HostIds } from './host_ids.ts';
import { type DiscoveredHost, type HostSlabs, HostTable, UNCHECKED } from './host_table.ts';

const DEGRADED = HostHealthFlag.degradedActiveHc | HostHealthFlag.degradedEdsHealth;
const EXCLUDED = HostHealthFlag.pendingActiveHc | HostHealthFlag.excludedViaImmediateHcFail | HostHealthFlag.edsStatusDraining;

/** Below the name of a transport socket: how many hosts got it. */
const MATCHES = 'total_match_count';

/** A cluster as the configuration gives it. */
export interface ClusterDefinition {
  readonly id: number;
  readonly config: ClusterConfig;
  readonly discovery: DiscoveryConfig;
  /** undefined: nobody checks its hosts. */
  readonly health?: HealthOptions | undefined;
  readonly outliers: OutlierConfig | null;
}

/** What a cluster works with. */
export interface ClusterDependencies {
  readonly discovery: DiscoveryContext;
  readonly hostIds: HostIds;
  readonly hostSlabs: HostSlabs;
  readonly outliers: OutlierContext;
  /** Words of SharedSlabs.clusterFacts. */
  readonly facts: Int32Array;
  /** Main's root scope. */
  readonly stats: StatsScope;
  /** Shows what main and workers will count below this prefix, before they do; and gauges that are worked out (`values`). */
  readonly declareStats: (prefix: string, config: ClusterConfig, values: DeclaredValues) => void;
  /** Circuit slabs of all workers. */
  readonly circuits: readonly Int32Array[];
  readonly log: Logger;
  /** undefined: hosts of no cluster are checked. */
  readonly healthChecks?: HealthCheckEnvironment | undefined;
}

export interface ClusterListener {
  /** The hosts are others than before. */
  onHostsChanged(cluster: ManagedCluster): void;
  /** There are these tables of hashes; told before the hosts they are of. */
  onHashTables(cluster: ManagedCluster, tables: readonly SharedHashTable[]): void;
  /** The hosts are the same, their health is not. */
  onHealthChanged(cluster: ManagedCluster): void;
  /** The first answers are in. Called once. */
  onClusterInitialized(cluster: ManagedCluster): void;
}

/**
 * Names of `cluster.<name>.` that main writes. They are declared for all clusters (server/stats/declared_stats.ts) and made here
 * when there is something to write.
 */
export function createMembershipStats(scope: StatsScope): void {
  for (const name of ['update_attempt', 'update_success', 'update_failure', 'update_no_rebuild', 'membership_change']) scope.counter(name);
  for (const name of ['membership_total', 'membership_healthy', 'membership_degraded', 'membership_excluded', 'max_host_weight']) scope.gauge(name);
  scope.counter(`${DEFAULT_SOCKET}.${MATCHES}`);
  for (const name of ['update_empty', 'assignment_stale', 'assignment_timeout_received', 'assignment_use_cached']) scope.counter(name);
  for (const name of ['version', 'warming_state']) scope.gauge(name);
}

export class ManagedCluster implements DiscoveryListener {
  readonly id: number;
  readonly config: ClusterConfig;
  private readonly dependencies: ClusterDependencies;
  private readonly listener: ClusterListener;
  private readonly table: HostTable;
  private readonly scope: StatsScope;
  private readonly discovery: Discovery;
  private readonly isStrictDns: boolean;
  private readonly health: ClusterHealth | null;
  /** null = none configured. */
  readonly outliers: OutlierDetector | null;
  private readonly hashTables: ClusterHashTables | null;
  private readonly subsetStats: SubsetStatsWriter | null;
  /** The hosts are others, which is told when their tables are made. */
  private hasHostsToTell = false;
  /** Initialized but for its tables. */
  private awaitsTables = false;
  private isInitialized = false;

  constructor(definition: ClusterDefinition, dependencies: ClusterDependencies, listener: ClusterListener) {
    this.id = definition.id;
    this.config = definition.config;
    this.dependencies = dependencies;
    this.listener = listener;
    this.scope = dependencies.stats.scope('cluster').scope(definition.config.statName);
    for (const name of Object.keys(definition.config.socketConfigs ?? {})) this.scope.counter(`${name}.${MATCHES}`);
    writeCertificateGauges(this.config, this.scope);
    this.health = this.createHealth(definition);
    this.table = new HostTable(dependencies.hostIds, dependencies.hostSlabs, this.health ?? UNCHECKED, definition.config.addressOrder);
    const breakers = new BreakerGauges(this.config, this.id, dependencies.circuits, dependencies.outliers.runtime);
    dependencies.declareStats(this.scope.prefix, this.config, (suffix) => breakers.value(suffix));
    this.outliers = definition.outliers === null
      ? null
      : new OutlierDetector(definition.config.name, definition.id, definition.outliers, this.scope, dependencies.outliers, () => this.onHealthChanged());
    this.hashTables = ClusterHashTables.create(this.config, {
      onHashTables: (tables) => listener.onHashTables(this, tables),
      onUpToDate: () => this.onHashTablesUpToDate(),
    });
    this.subsetStats = SubsetStatsWriter.create(this.config, this.scope, dependencies.hostSlabs.workerCount);
    this.isStrictDns = definition.discovery.kind === 'strict_dns';
    this.discovery = createDiscovery(definition.discovery, dependencies.discovery, this, definition.config.name);
  }

  get initialized(): boolean {
    return this.isInitialized;
  }

  start(): void {
    this.discovery.start();
  }

  close(): void {
    this.discovery.close();
    this.health?.close();
    this.outliers?.close();
    this.hashTables?.close();
    this.table.clear();
  }

  /** `cluster.<name>`, as its stats begin. */
  get statsPrefix(): string {
    return this.scope.prefix;
  }

  hosts(): readonly HostConfig[] {
    return this.table.hosts();
  }

  /** Where each host is asked for its health, or would be; by id. */
  checkTargets(): ReadonlyMap<number, CheckTarget> {
    return new Map(this.table.entries().map((entry) => [entry.host.id, checkTarget(entry)]));
  }

  /** A worker sends requests there; of clusters without configured hosts. */
  addDestination(address: string, port: number): void {
    this.discovery.add?.(address, port);
  }

  /** The connections that workers have to a host, and everything they ever asked of it. */
  useOf(key: string): HostUse {
    const id = this.table.idOf(key);
    const { hostSlabs } = this.dependencies;
    if (id < 0) return { active: 0, total: 0 };
    return { active: hostSlabs.sum(id, HostStat.cxActive), total: hostSlabs.sum(id, HostStat.cxTotal) + hostSlabs.sum(id, HostStat.rqTotal) };
  }

  /** For workers. */
  hostSet(): HostSetConfig {
    return { cluster: this.config.name, hosts: this.table.hosts() };
  }

  /** A worker saw too many failures in a row of a host, or a host say that it is to be left out. */
  onOutlier(report: OutlierReport): void {
    if (report.kind === PASSIVE_FAILURE) this.health?.onPassiveFailure(report.hostId);
    else this.outliers?.onReport(report);
  }

  onAttempt(): void {
    this.scope.counter('update_attempt').inc();
  }

  onHosts(found: readonly DiscoveredHost[]): boolean {
    const { added, removed, moved, updated, made } = this.table.replace(found);
    if (added + removed + moved + updated === 0) return false;
    if (this.table.isTruncated) this.dependencies.log.error(`cluster ${this.config.name}: too many hosts in this process, some are left out`);
    this.outliers?.setHosts(this.table.hosts());
    if (added + removed > 0) this.scope.counter('membership_change').inc();
    this.countSockets(made);
    this.health?.onHosts();
    this.subsetStats?.write(this.table.hosts());
    this.countMembers();
    this.dependencies.log.debug(`cluster ${this.config.name}: added ${added} removed ${removed} moved ${moved} updated ${updated} hosts`);
    this.tellHosts();
    return true;
  }

  onSuccess(changed: boolean): void {
    this.scope.counter('update_success').inc();
    if (!changed) this.scope.counter('update_no_rebuild').inc();
  }

  onFailure(name: string, reason: string): void {
    this.scope.counter('update_failure').inc();
    this.dependencies.log.debug(`cluster ${this.config.name}: DNS resolution of ${name} failed: ${reason}`);
  }

  /** Discovery has found what it could; with health checks every host is checked once before the cluster counts. */
  onInitialized(): void {
    if (this.health === null) this.finishInitialization();
    else this.health.awaitFirstRound();
  }

  private createHealth({ config, discovery, health }: ClusterDefinition): ClusterHealth | null {
    const { healthChecks, hostSlabs } = this.dependencies;
    if (healthChecks === undefined || health === undefined || health.check === null) return null;
    return new ClusterHealth(config, { ...health, check: health.check }, discovery.kind, hostSlabs, this.scope, healthChecks, {
      entries: () => this.table.entries(),
      onHealthCheckPassed: (hostId) => this.outliers?.onHealthCheckPassed(hostId),
      onHealthChanged: (hostId) => this.onHostHealth(hostId),
      onFirstRound: () => this.finishInitialization(),
    });
  }

  private countSockets(made: readonly EndpointConfig[]): void {
    const unlabelled = this.config.unlabelledSocket ?? DEFAULT_SOCKET;
    for (const { sockets } of made) this.scope.counter(`${sockets?.traffic ?? unlabelled}.${MATCHES}`).inc();
  }

  private onHostHealth(hostId: number): void {
    const { hostSlabs } = this.dependencies;
    const hasFailed = (hostSlabs.health[hostId] & HostHealthFlag.failedActiveHc) !== 0;
    if (hasFailed && this.table.removePending(hostId)) {
      this.scope.counter('membership_change').inc();
      this.health?.onHosts();
      this.subsetStats?.write(this.table.hosts());
      this.tellHosts();
    }
    this.onHealthChanged();
  }

  private onHealthChanged(): void {
    this.updateHashTables();
    this.countMembers();
    this.listener.onHealthChanged(this);
  }

  /** Workers keep hosts and tables that belong together until there are others. */
  private tellHosts(): void {
    if (this.updateHashTables()) this.listener.onHostsChanged(this);
    else this.hasHostsToTell = true;
  }

  /** Runtime values are others. */
  applyRuntime(): void {
    this.outliers?.applyRuntime();
    if (this.hashTables === null) return;
    this.updateHashTables();
    writeHashTableStats(this.runtimeConfig(), this.table.hosts(), this.dependencies.hostSlabs.health, this.scope, this.hashTables);
  }

  /** The configuration with what runtime says of panic, as workers see it. */
  private runtimeConfig(): ClusterConfig {
    const { config, dependencies } = this;
    const healthyPanicThreshold = dependencies.outliers.runtime().getInteger(PANIC_KEY, config.healthyPanicThreshold);
    return healthyPanicThreshold === config.healthyPanicThreshold ? config : { ...config, healthyPanicThreshold };
  }

  /** Whether there is nothing to wait for. */
  private updateHashTables(): boolean {
    return this.hashTables === null || this.hashTables.update(this.table.hosts(), this.dependencies.hostSlabs.health, this.runtimeConfig());
  }

  private onHashTablesUpToDate(): void {
    writeHashTableStats(this.runtimeConfig(), this.table.hosts(), this.dependencies.hostSlabs.health, this.scope, this.hashTables);
    if (this.hasHostsToTell) {
      this.hasHostsToTell = false;
      this.listener.onHostsChanged(this);
    }
    if (this.awaitsTables) this.finishInitialization();
  }

  private finishInitialization(): void {
    this.awaitsTables = this.hashTables?.isBusy === true;
    if (this.awaitsTables) return;
    this.isInitialized = true;
    // A cluster that found nothing has its numbers too; checks may have left hosts out without a change of state.
    if (this.health !== null || this.table.hosts().length === 0) this.countMembers();
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
      const flags = health[host.id] & ~HostHealthFlag.pendingDynamicRemoval;
      if (flags === 0) healthy++;
      else if ((flags & ~DEGRADED) === 0) degraded++;
      else if ((flags & EXCLUDED) !== 0) excluded++;
      maxWeight = Math.max(maxWeight, host.weight);
    }
    this.scope.gauge('membership_total').set(hosts.length);
    this.scope.gauge('membership_healthy').set(healthy);
    this.scope.gauge('membership_degraded').set(degraded);
    this.scope.gauge('membership_excluded').set(excluded);
    if (this.isStrictDns) this.scope.gauge('max_host_weight').set(maxWeight);
    writeHashTableStats(this.runtimeConfig(), hosts, health, this.scope, this.hashTables);
    const words = this.dependencies.facts;
    const base = this.id * CLUSTER_FACT_WORDS;
    words[base + ClusterFact.membershipTotal] = hosts.length;
    words[base + ClusterFact.membershipHealthy] = healthy;
    words[base + ClusterFact.membershipDegraded] = degraded;
  }
}
