import { UnderscoreAction } from '../http/http1/settings.ts';
import type { Http1Literals } from '../http/http1/encoder.ts';
import type { FormatNeeds } from '../formatter/format_environment.ts';
import type { HeaderNames } from '../headers/header_names.ts';
import type { IoDispatcher } from '../network/io_dispatcher.ts';
import type { AnyExtensionFactory, FactoryRegistry } from '../registry/factory_registry.ts';
import type { ClusterLookup } from '../conn_pool/cluster_lookup.ts';
import type { ClusterSnapshot } from '../snapshot/snapshot.ts';
import { HEALTH_GENERATION } from '../shared_memory/layout.ts';
import type { Counter, StatsScope } from '../stats/stats.ts';
import { CircuitBreaker } from '../upstream/circuit_breaker.ts';
import type { HostSetConfig, OriginalDstConfig } from '../upstream/cluster_config.ts';
import { ClusterInfo, createClusterStats } from '../upstream/cluster_info.ts';
import type { OutlierShared } from '../upstream/outlier_monitor.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory } from '../upstream/load_balancer.ts';
import { AggregateCluster } from './aggregate_cluster.ts';
import { type DestinationReport, OriginalDstCluster } from './original_dst_cluster.ts';
import { ThreadLocalCluster } from './thread_local_cluster.ts';
import type { WorkerCluster } from './worker_cluster.ts';

/** What the manager needs of its thread. */
export interface ClusterManagerContext {
  readonly dispatcher: IoDispatcher;
  readonly literals: Http1Literals;
  readonly registry: FactoryRegistry;
  readonly rootScope: StatsScope;
  readonly workerIndex: number;
  /** Circuit slabs of all workers. */
  readonly circuits: readonly Int32Array[];
  readonly hostHealth: Int32Array;
  readonly hostStats: Float64Array;
  readonly outliers: OutlierShared;
  readonly names: HeaderNames;
  /** Tells main of a host that a request named. */
  reportDestination(report: DestinationReport): void;
  random(): number;
  nextConnectionId(): number;
  /** What formats of this worker read. */
  readonly formatNeeds: Readonly<FormatNeeds>;
}

/** A cluster of the configuration, and what this worker made of it. */
interface ClusterEntry {
  readonly snapshot: ClusterSnapshot;
  /** null until the first request for it: of thousands of clusters a worker may use a few. */
  cluster: WorkerCluster | null;
}

/**
 * This worker's clusters. Changed between turns only; a cluster that did not change keeps its object, pools and all. Objects are
 * made when a cluster is first asked for.
 */
export class ThreadLocalClusterManager implements ClusterLookup {
  private readonly context: ClusterManagerContext;
  private clusters: Map<string, ClusterEntry>;
  /** Goes up with every change of clusters, hosts and health. */
  private changes: number;

  constructor(context: ClusterManagerContext) {
    this.context = context;
    this.clusters = new Map();
    this.changes = 0;
  }

  get(name: string): WorkerCluster | null {
    const entry = this.clusters.get(name);
    if (entry === undefined) return null;
    if (entry.cluster === null) entry.cluster = this.build(entry.snapshot);
    return entry.cluster;
  }

  /** Brings the set of clusters in line with a snapshot. Throws when one of them cannot be built on this thread. */
  apply(snapshots: readonly ClusterSnapshot[]): void {
    const next = new Map<string, ClusterEntry>();
    for (const snapshot of snapshots) {
      const { name } = snapshot.config;
      const known = this.clusters.get(name);
      this.balancing(snapshot);
      const { provided } = snapshot.config;
      // Names must be interned before a request with them is parsed.
      if (provided?.kind === 'original_dst' && provided.headerName !== '') this.context.names.intern(provided.headerName);
      let cluster: WorkerCluster | null = null;
      if (known !== undefined && known.snapshot.id === snapshot.id) {
        cluster = known.cluster;
        cluster?.updateHosts(snapshot.hosts);
      }
      next.set(name, { snapshot, cluster });
    }
    for (const [name, { cluster }] of this.clusters) if (cluster !== null && next.get(name)?.cluster !== cluster) cluster.drain();
    this.clusters = next;
    this.changes++;
  }

  /** New hosts of one cluster; ignored when the cluster is gone. */
  updateHosts(clusterId: number, hosts: HostSetConfig): void {
    const known = this.clusters.get(hosts.cluster);
    if (known === undefined || known.snapshot.id !== clusterId) return;
    this.clusters.set(hosts.cluster, { snapshot: { ...known.snapshot, hosts }, cluster: known.cluster });
    known.cluster?.updateHosts(hosts);
    this.changes++;
  }

  /** The health of some of a cluster's hosts is another. */
  onHealthChanged(clusterId: number): void {
    this.changes++;
    for (const { snapshot, cluster } of this.clusters.values()) if (snapshot.id === clusterId) cluster?.onHealthChanged();
  }

  /** Cuts every upstream connection. */
  close(): void {
    for (const { cluster } of this.clusters.values()) cluster?.close();
  }

  private balancing({ config }: ClusterSnapshot): AnyExtensionFactory {
    const factory = this.context.registry.get(LOAD_BALANCING_CATEGORY, config.lbPolicy.typeName);
    if (factory === undefined) throw new Error(`no load balancing policy ${config.lbPolicy.typeName} on this thread`);
    return factory;
  }

  private build(snapshot: ClusterSnapshot): WorkerCluster {
    const { dispatcher, literals, rootScope, workerIndex, circuits, hostHealth, hostStats, random, formatNeeds } = this.context;
    const { config } = snapshot;
    const scope = rootScope.scope(`cluster.${config.statName}`);
    const { defaultGauges, highGauges, stats, droppedHeaders: dropped, originalDstInvalid } = createClusterStats(scope);
    const breakers = [
      new CircuitBreaker(circuits, workerIndex, snapshot.id, 0, config.defaultThresholds, defaultGauges),
      new CircuitBreaker(circuits, workerIndex, snapshot.id, 1, config.highThresholds, highGauges),
    ] as const;
    const info = new ClusterInfo(config, stats, breakers);
    if (config.provided?.kind === 'aggregate') {
      return new AggregateCluster(info, {
        members: config.provided.clusters, random, find: (name) => this.get(name), version: () => this.changes + hostHealth[HEALTH_GENERATION],
      });
    }
    const factory = this.balancing(snapshot);
    const cluster = new ThreadLocalCluster(
      info,
      {
        dispatcher,
        literals,
        cluster: info,
        nextConnectionId: this.context.nextConnectionId,
        settings: {
          maxHeadersCount: config.maxResponseHeadersCount,
          maxHeadersBytes: config.maxResponseHeadersKb * 1024,
          allowChunkedLength: false,
          enableTrailers: config.http1.enableTrailers,
          properCaseWords: config.http1.properCaseWords,
          acceptHttp10: true,
          allowCustomMethods: true,
          allowAbsoluteUrl: true,
          ignoredUpgrades: [],
          sendsFullUrl: config.http1.sendFullyQualifiedUrl,
          preserveCase: config.http1.preserveCase,
          underscores: UnderscoreAction.allow,
          // Of listeners that come later too.
          get countsHeaderBytes() {
            return formatNeeds.headerBytes;
          },
          droppedHeadersWithUnderscores: dropped,
          rejectedWithUnderscores: dropped,
          onProtocolError: () => stats.cxProtocolError.inc(),
        },
      },
      factory.createFactory(config.lbPolicy.config, undefined) as LoadBalancerFactory,
      random,
      hostHealth,
      hostStats,
    );
    if (config.outliers !== null) {
      cluster.outliers = { shared: this.context.outliers, clusterId: snapshot.id, splitsLocalOrigin: config.outliers.splitsLocalOrigin };
    }
    const whole = config.provided?.kind === 'original_dst' ? this.originalDst(cluster, config.provided, snapshot.id, originalDstInvalid) : cluster;
    whole.updateHosts(snapshot.hosts);
    return whole;
  }

  private originalDst(pools: ThreadLocalCluster, config: OriginalDstConfig, clusterId: number, invalid: Counter): OriginalDstCluster {
    const { hostHealth, hostStats, names } = this.context;
    return new OriginalDstCluster(pools, {
      clusterId, config, invalid, health: hostHealth, hostStats, headerId: config.headerName === '' ? 0 : names.intern(config.headerName),
      report: (report) => {
        this.changes++;
        this.context.reportDestination(report);
      },
    });
  }
}
