/**
 * Main's half of the cluster manager: discovers hosts, says when every cluster has had its first answer, and hands changed host
 * sets on. Connections and load balancing are the workers' (core/cluster_manager). Thread: main.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SharedHashTable } from '../../core/upstream/consistent_hash/hash_table.ts';
import type { DestinationReport } from '../../core/cluster_manager/original_dst_cluster.ts';
import type { OutlierReport } from '../../core/upstream/outlier_monitor.ts';
import type { EndpointCluster } from '../stats/endpoint_stats.ts';
import { type ClusterManagerStats, createClusterManagerStats } from '../stats/server_stats.ts';
import { type ClusterDefinition, type ClusterDependencies, type ClusterListener, ManagedCluster } from './managed_cluster.ts';

/** Clusters made between two turns: about 20 us each. */
const CLUSTERS_PER_TURN = 250;

export interface ClusterManagerEvents {
  /** After `onInitialized`: this cluster's hosts changed and workers must be told. */
  onHostsChanged(cluster: ManagedCluster): void;
  /** Tables of hashes for this cluster, before the hosts they are of. */
  onHashTables(cluster: ManagedCluster, tables: readonly SharedHashTable[]): void;
  /** The health words of some of this cluster's hosts are others. */
  onHealthChanged(cluster: ManagedCluster): void;
  /** Every cluster has resolved or failed once. Called once, possibly from within `start`. */
  onInitialized(): void;
}

export class ClusterManager implements ClusterListener {
  private readonly dependencies: ClusterDependencies;
  private readonly events: ClusterManagerEvents;
  private readonly stats: ClusterManagerStats;
  private readonly byName = new Map<string, ManagedCluster>();
  private readonly byId = new Map<number, ManagedCluster>();
  private waiting = 0;
  private isInitialized = false;
  private isClosed = false;

  constructor(dependencies: ClusterDependencies, events: ClusterManagerEvents) {
    this.dependencies = dependencies;
    this.events = events;
    this.stats = createClusterManagerStats(dependencies.stats);
  }

  /**
   * Makes the clusters and begins to discover their hosts, CLUSTERS_PER_TURN between two turns: few are there when it returns, many
   * when it resolves. Names are unique (validated).
   */
  async start(definitions: readonly ClusterDefinition[]): Promise<void> {
    this.waiting = definitions.length;
    this.stats.active_clusters.set(definitions.length);
    if (definitions.length === 0) this.finishInitialization();
    for (let from = 0; from < definitions.length; from += CLUSTERS_PER_TURN) {
      if (from > 0) await nextTurn();
      if (this.isClosed) return;
      this.startSome(definitions.slice(from, from + CLUSTERS_PER_TURN));
    }
  }

  private startSome(definitions: readonly ClusterDefinition[]): void {
    const clusters = definitions.map((definition) => new ManagedCluster(definition, this.dependencies, this));
    for (const cluster of clusters) {
      this.byName.set(cluster.config.name, cluster);
      this.byId.set(cluster.id, cluster);
      this.stats.cluster_added.inc();
    }
    for (const cluster of clusters) cluster.start();
  }

  /** In order of definition. */
  clusters(): readonly ManagedCluster[] {
    return [...this.byName.values()];
  }

  /** Those whose hosts have stats of their own. */
  endpointClusters(): readonly EndpointCluster[] {
    return this.clusters().filter(({ config }) => config.hasEndpointStats).map((cluster) => ({ statName: cluster.config.statName, prefix: cluster.statsPrefix, hosts: cluster.hosts() }));
  }

  /** Names of clusters that have not had their first answer. */
  uninitialized(): readonly string[] {
    return this.clusters().filter((cluster) => !cluster.initialized).map((cluster) => cluster.config.name);
  }

  /** A worker saw a host fail too often in a row, or say that it is to be left out. */
  onOutlier(report: OutlierReport): void {
    this.byId.get(report.clusterId)?.onOutlier(report);
  }

  /** A worker sends requests to a host that its cluster does not have. */
  onDestination({ clusterId, address, port }: DestinationReport): void {
    this.byId.get(clusterId)?.addDestination(address, port);
  }

  /** Runtime values are others. */
  applyRuntime(): void {
    for (const cluster of this.byName.values()) cluster.applyRuntime();
  }

  close(): void {
    this.isClosed = true;
    for (const cluster of this.byName.values()) cluster.close();
    this.byName.clear();
    this.byId.clear();
  }

  onHostsChanged(cluster: ManagedCluster): void {
    if (!this.isInitialized) return;
    this.stats.cluster_updated.inc();
    this.events.onHostsChanged(cluster);
  }

  onHashTables(cluster: ManagedCluster, tables: readonly SharedHashTable[]): void {
    this.events.onHashTables(cluster, tables);
  }

  onHealthChanged(cluster: ManagedCluster): void {
    this.events.onHealthChanged(cluster);
  }

  onClusterInitialized(cluster: ManagedCluster): void {
    this.dependencies.log.debug(`cm init: init complete: cluster=${cluster.config.name}`);
    this.waiting--;
    if (this.waiting === 0) this.finishInitialization();
  }

  private finishInitialization(): void {
    this.isInitialized = true;
    this.dependencies.log.info('cm init: all clusters initialized');
    this.events.onInitialized();
  }
}
