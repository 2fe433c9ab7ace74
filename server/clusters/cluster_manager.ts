/**
 * Main's half of the cluster manager: discovers hosts, says when every cluster has had its first answer, and hands changed host
 * sets on. Connections and load balancing are the workers' (core/cluster_manager). Thread: main.
 */
import { type ClusterManagerStats, createClusterManagerStats } from '../stats/server_stats.ts';
import { type ClusterDefinition, type ClusterDependencies, type ClusterListener, ManagedCluster } from './managed_cluster.ts';

export interface ClusterManagerEvents {
  /** After `onInitialized`: this cluster's hosts changed and workers must be told. */
  onHostsChanged(cluster: ManagedCluster): void;
  /** Every cluster has resolved or failed once. Called once, possibly from within `start`. */
  onInitialized(): void;
}

export class ClusterManager implements ClusterListener {
  private readonly dependencies: ClusterDependencies;
  private readonly events: ClusterManagerEvents;
  private readonly stats: ClusterManagerStats;
  private readonly byName = new Map<string, ManagedCluster>();
  private waiting = 0;
  private isInitialized = false;

  constructor(dependencies: ClusterDependencies, events: ClusterManagerEvents) {
    this.dependencies = dependencies;
    this.events = events;
    this.stats = createClusterManagerStats(dependencies.stats);
  }

  /** Makes the clusters and begins to discover their hosts. Names are unique (validated). */
  start(definitions: readonly ClusterDefinition[]): void {
    const clusters = definitions.map((definition) => new ManagedCluster(definition, this.dependencies, this));
    this.waiting = clusters.length;
    for (const cluster of clusters) {
      this.byName.set(cluster.config.name, cluster);
      this.stats.cluster_added.inc();
    }
    this.stats.active_clusters.set(clusters.length);
    if (clusters.length === 0) this.finishInitialization();
    for (const cluster of clusters) cluster.start();
  }

  /** In order of definition. */
  clusters(): readonly ManagedCluster[] {
    return [...this.byName.values()];
  }

  /** Names of clusters that have not had their first answer. */
  uninitialized(): readonly string[] {
    return this.clusters().filter((cluster) => !cluster.initialized).map((cluster) => cluster.config.name);
  }

  close(): void {
    for (const cluster of this.byName.values()) cluster.close();
    this.byName.clear();
  }

  onHostsChanged(cluster: ManagedCluster): void {
    if (!this.isInitialized) return;
    this.stats.cluster_updated.inc();
    this.events.onHostsChanged(cluster);
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
