/**
 * Main's half of the cluster manager: discovers hosts, says when every cluster has had its first answer, and hands changed host
 * sets on. Connections and load balancing are the workers' (core/cluster_manager). Thread: main.
 */
import type { Counter, Gauge, StatsScope } from '../../core/stats/stats.ts';
import { type ClusterDefinition, type ClusterDependencies, type ClusterListener, ManagedCluster } from './managed_cluster.ts';

export interface ClusterManagerEvents {
  /** After `onInitialized`: this cluster's hosts changed and workers must be told. */
  onHostsChanged(cluster: ManagedCluster): void;
  /** Every cluster has resolved or failed once. Called once, possibly from within `start`. */
  onInitialized(): void;
}

class ClusterManagerStats {
  readonly clusterAdded: Counter;
  readonly clusterUpdated: Counter;
  readonly activeClusters: Gauge;

  constructor(root: StatsScope) {
    const scope = root.scope('cluster_manager');
    this.clusterAdded = scope.counter('cluster_added');
    this.clusterUpdated = scope.counter('cluster_updated');
    this.activeClusters = scope.gauge('active_clusters');
    for (const name of ['cluster_modified', 'cluster_removed', 'cluster_updated_via_merge', 'update_merge_cancelled', 'update_out_of_merge_window']) {
      scope.counter(name);
    }
    scope.gauge('warming_clusters').set(0);
  }
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
    this.stats = new ClusterManagerStats(dependencies.stats);
  }

  /** Makes the clusters and begins to discover their hosts. Names are unique (validated). */
  start(definitions: readonly ClusterDefinition[]): void {
    const clusters = definitions.map((definition) => new ManagedCluster(definition, this.dependencies, this));
    this.waiting = clusters.length;
    for (const cluster of clusters) {
      this.byName.set(cluster.config.name, cluster);
      this.stats.clusterAdded.inc();
    }
    this.stats.activeClusters.set(clusters.length);
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
    this.stats.clusterUpdated.inc();
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
