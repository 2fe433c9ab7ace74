import { UnderscoreAction } from '../http/http1/settings.ts';
import type { Http1Literals } from '../http/http1/encoder.ts';
import type { FormatNeeds } from '../formatter/format_environment.ts';
import type { HeaderNames } from '../headers/header_names.ts';
import { ClusterSockets } from '../http/conn_pool/cluster_sockets.ts';
import { type TransportSocketContext, UPSTREAM_SOCKET_CATEGORY, type UpstreamTransportSocket } from '../network/transport_socket.ts';
import { AutoServerName } from '../upstream/auto_server_name.ts';
import type { IoDispatcher } from '../network/io_dispatcher.ts';
import type { AnyExtensionFactory, FactoryRegistry } from '../registry/factory_registry.ts';
import type { ExtensionConfig } from '../registry/parse_context.ts';
import type { ClusterLookup } from '../conn_pool/cluster_lookup.ts';
import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { HEALTH_GENERATION } from '../shared_memory/layout.ts';
import type { ClusterSnapshot, Snapshot } from '../snapshot/snapshot.ts';
import type { Counter, StatsScope } from '../stats/stats.ts';
import { type BalancerEnvironment, emptyEnvironment } from '../upstream/balancer_environment.ts';
import { CircuitBreaker } from '../upstream/circuit_breaker.ts';
import type { ClusterConfig, HostSetConfig, OriginalDstConfig } from '../upstream/cluster_config.ts';
import { ClusterInfo, createClusterStats } from '../upstream/cluster_info.ts';
import { findTable, type SharedHashTable } from '../upstream/consistent_hash/hash_table.ts';
import { TableQueue } from '../upstream/consistent_hash/table_queue.ts';
import { compileErrorPredicate } from '../upstream/error_predicate.ts';
import type { OutlierReporting, OutlierShared } from '../upstream/outlier_monitor.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory, type LoadBalancingContext } from '../upstream/load_balancer.ts';
import { LoadReports } from '../upstream/load_reports/load_reports.ts';
import { LoadWeights } from '../upstream/load_reports/load_weights.ts';
import { internReportHeaders } from '../upstream/load_reports/report_headers.ts';
import { PANIC_KEY } from '../upstream/zone_aware/zone_routing.ts';
import { LocalCluster } from '../upstream/zone_aware/local_cluster.ts';
import { AggregateCluster } from './aggregate_cluster.ts';
import { type DestinationReport, OriginalDstCluster } from './original_dst_cluster.ts';
import { internSources, OverrideHostCluster } from './override_host_cluster.ts';
import { PredictiveCluster } from './predictive_cluster.ts';
import { type HostWords, ThreadLocalCluster } from './thread_local_cluster.ts';
import type { WorkerCluster } from './worker_cluster.ts';

/** What the manager needs of its thread. */
export interface ClusterManagerContext {
  readonly dispatcher: IoDispatcher;
  readonly literals: Http1Literals;
  /** Names are interned here when a cluster is made. */
  readonly names: HeaderNames;
  readonly registry: FactoryRegistry;
  readonly rootScope: StatsScope;
  readonly workerIndex: number;
  /** Circuit slabs of all workers. */
  readonly circuits: readonly Int32Array[];
  readonly hostWords: HostWords;
  readonly outliers: OutlierShared;
  /** Compiles the `requestPolicies` of a cluster, which has some, for the streams of this worker. */
  compilePolicies(cluster: ClusterConfig, policies: object): object;
  /** Tells main of a host that a request named. */
  reportDestination(report: DestinationReport): void;
  random(): number;
  nextConnectionId(): number;
  /** What formats of this worker read. */
  readonly formatNeeds: Readonly<FormatNeeds>;
}

/** What of a snapshot concerns clusters. */
export interface ClusterView extends Pick<Snapshot, 'clusters' | 'localCluster'> {
  readonly runtime: RuntimeSnapshot;
  /** Of this process; '' = none. */
  readonly zone: string;
}

const NO_TABLES: readonly SharedHashTable[] = [];

/** A cluster of the configuration, and what this worker made of it. */
interface ClusterEntry {
  readonly snapshot: ClusterSnapshot;
  /** Compiled although nobody asks yet: header names must be known before they arrive. */
  readonly policies: object | null;
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
  /** By the cluster's id; those are looked up for messages, names for requests. */
  private byId: Map<number, ClusterEntry>;
  /** Tables of hashes that main made, by the cluster's id. They come before the hosts they are of. */
  private readonly tables: Map<number, readonly SharedHashTable[]>;
  private readonly environment: BalancerEnvironment;
  /** Goes up with every change of clusters, hosts and health. */
  private changes: number;
  /** Those of `clusters` that are there. */
  private readonly made: { clusters: WorkerCluster[] };

  constructor(context: ClusterManagerContext) {
    this.context = context;
    this.clusters = new Map();
    this.byId = new Map();
    this.tables = new Map();
    this.environment = {
      ...emptyEnvironment(), nowMs: () => context.dispatcher.wallMs,
      tableQueue: new TableQueue((work) => context.dispatcher.createTimer({ onTimeout: work }).enable(1)),
      createTimer: (work) => context.dispatcher.createTimer({ onTimeout: work }),
    };
    this.changes = 0;
    this.made = { clusters: [] };
  }

  get(name: string): WorkerCluster | null {
    const entry = this.clusters.get(name);
    if (entry === undefined) return null;
    if (entry.cluster === null) {
      entry.cluster = this.build(entry.snapshot, entry.policies);
      this.made.clusters.push(entry.cluster);
    }
    return entry.cluster;
  }

  /** Brings the set of clusters in line with a snapshot. Throws when one of them cannot be built on this thread. */
  apply({ clusters: snapshots, runtime, zone, localCluster }: ClusterView): void {
    this.environment.runtime = runtime;
    this.environment.zone = zone;
    this.setLocalCluster(localCluster, snapshots);
    const next = new Map<string, ClusterEntry>();
    for (const snapshot of snapshots) {
      const { name } = snapshot.config;
      const known = this.clusters.get(name);
      this.balancing(snapshot.config.lbPolicy);
      const { provided, overrideHosts, requestPolicies, autoServerName } = snapshot.config;
      // Names must be interned before a request with them is parsed.
      if (provided?.kind === 'original_dst' && provided.headerName !== '') this.context.names.intern(provided.headerName);
      if (autoServerName !== null && autoServerName.header !== '') this.context.names.intern(autoServerName.header);
      if (overrideHosts !== null) internSources(overrideHosts, this.context.names);
      let policies: object | null = null;
      let cluster: WorkerCluster | null = null;
      if (known === undefined || known.snapshot.id !== snapshot.id) {
        if (requestPolicies !== null) policies = this.context.compilePolicies(snapshot.config, requestPolicies);
      } else {
        policies = known.policies;
        cluster = known.cluster;
        cluster?.updateHosts(snapshot.hosts);
        cluster?.info.applyRuntime(runtime);
      }
      next.set(name, { snapshot, policies, cluster });
    }
    for (const [name, { cluster }] of this.clusters) if (cluster !== null && next.get(name)?.cluster !== cluster) cluster.drain();
    this.clusters = next;
    this.made.clusters = Array.from(next.values(), ({ cluster }) => cluster).filter((cluster) => cluster !== null);
    this.byId = new Map(Array.from(next.values(), (entry) => [entry.snapshot.id, entry]));
    for (const id of this.tables.keys()) if (!this.byId.has(id)) this.tables.delete(id);
    // Weights by load are calculated from the beginning, whether or not there are requests here: other workers hear of them too.
    for (const { config } of snapshots) if (config.loadWeights !== null) this.get(config.name);
    this.changes++;
  }

  /** New hosts of one cluster; ignored when the cluster is gone. */
  updateHosts(clusterId: number, hosts: HostSetConfig): void {
    const known = this.clusters.get(hosts.cluster);
    if (known === undefined || known.snapshot.id !== clusterId) return;
    if (hosts.cluster === this.environment.local?.name) this.environment.local.setHosts(hosts.hosts);
    const entry = { snapshot: { ...known.snapshot, hosts }, policies: known.policies, cluster: known.cluster };
    this.clusters.set(hosts.cluster, entry);
    this.byId.set(clusterId, entry);
    known.cluster?.updateHosts(hosts);
    this.changes++;
  }

  /** The health of some of a cluster's hosts is another. */
  onHealthChanged(clusterId: number): void {
    this.changes++;
    this.byId.get(clusterId)?.cluster?.onHealthChanged();
  }

  /** Main made these tables for a cluster; of one that is not there yet too. */
  setHashTables(clusterId: number, tables: readonly SharedHashTable[]): void {
    this.tables.set(clusterId, tables);
    this.byId.get(clusterId)?.cluster?.onHashTables();
  }

  /** Cuts every upstream connection. */
  close(): void {
    for (const { cluster } of this.clusters.values()) cluster?.close();
  }

  /** The one that this process is a host of. */
  private setLocalCluster(local: Snapshot['localCluster'], snapshots: readonly ClusterSnapshot[]): void {
    const { environment } = this;
    const known = snapshots.find(({ config }) => config.name === local?.name);
    if (local === undefined || known === undefined) {
      environment.local = null;
      return;
    }
    environment.local = new LocalCluster(local.name, local, this.context.hostWords.health);
    environment.local.setHosts(known.hosts.hosts);
  }

  private balancing({ typeName }: ExtensionConfig): AnyExtensionFactory {
    const factory = this.context.registry.get(LOAD_BALANCING_CATEGORY, typeName);
    if (factory === undefined) throw new Error(`no load balancing policy ${typeName} on this thread`);
    return factory;
  }

  private transportSocket({ typeName, config }: ExtensionConfig, scope: StatsScope): UpstreamTransportSocket {
    const factory = this.context.registry.get(UPSTREAM_SOCKET_CATEGORY, typeName);
    if (factory === undefined) throw new Error(`no transport socket ${typeName} on this thread`);
    const context: TransportSocketContext = { scope };
    return factory.createFactory(config, context) as UpstreamTransportSocket;
  }

  private policy(config: ExtensionConfig): LoadBalancerFactory {
    const context: LoadBalancingContext = { policy: (child) => this.policy(child) };
    return this.balancing(config).createFactory(config.config, context) as LoadBalancerFactory;
  }

  private outliersOf({ id, config }: ClusterSnapshot, weights: LoadWeights | null): OutlierReporting {
    const errors = config.outliers?.errors ?? null;
    return {
      shared: this.context.outliers, clusterId: id, splitsLocalOrigin: config.outliers?.splitsLocalOrigin ?? false,
      isError: errors === null ? null : compileErrorPredicate(errors, this.context.names), isHealthChecked: config.isHealthChecked,
      loads: weights === null ? null : new LoadReports(internReportHeaders(this.context.names), weights),
    };
  }

  private weightsOf({ loadWeights }: ClusterConfig): LoadWeights | null {
    if (loadWeights === null) return null;
    const { dispatcher, hostWords } = this.context;
    return new LoadWeights(loadWeights, hostWords.ownLoads, hostWords.allLoads, () => dispatcher.nowMs);
  }

  private build(snapshot: ClusterSnapshot, policies: object | null): WorkerCluster {
    const { dispatcher, literals, rootScope, workerIndex, circuits, hostWords, random, formatNeeds } = this.context;
    const { config } = snapshot;
    const scope = rootScope.scope(`cluster.${config.statName}`);
    const { stats, droppedHeaders: dropped, originalDstInvalid } = createClusterStats(scope);
    const breaker = (priority: 0 | 1): CircuitBreaker => {
      const thresholds = priority === 0 ? config.defaultThresholds : config.highThresholds;
      return new CircuitBreaker(circuits, { worker: workerIndex, cluster: config.name, clusterId: snapshot.id, priority }, thresholds);
    };
    const breakers = [breaker(0), breaker(1)] as const;
    const info = new ClusterInfo(config, stats, breakers);
    info.applyRuntime(this.environment.runtime);
    info.policies = policies;
    if (config.autoServerName !== null) info.autoServerName = new AutoServerName(config.autoServerName, this.context.names);
    if (config.provided?.kind === 'aggregate') {
      return new AggregateCluster(info, {
        members: config.provided.clusters, random, find: (name) => this.get(name), version: () => this.changes + hostWords.health[HEALTH_GENERATION],
        panicThreshold: () => this.environment.runtime.getInteger(PANIC_KEY, config.healthyPanicThreshold),
      });
    }
    const policy = this.policy(config.lbPolicy);
    const Made = PredictiveCluster.suits(info, policy) ? PredictiveCluster : ThreadLocalCluster;
    const cluster = new Made(
      info,
      {
        dispatcher,
        literals,
        cluster: info,
        sockets: ClusterSockets.create(config, dispatcher.io, (socket) => this.transportSocket(socket, scope)),
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
      policy,
      random,
      hostWords,
      { find: (hosts) => findTable(this.tables.get(snapshot.id) ?? NO_TABLES, hosts) },
      this.environment,
    );
    if (cluster instanceof PredictiveCluster) cluster.neighbours = this.made;
    cluster.weights = this.weightsOf(config);
    if (config.outliers !== null || config.isHealthChecked || cluster.weights !== null) cluster.outliers = this.outliersOf(snapshot, cluster.weights);
    let whole: WorkerCluster = cluster;
    if (config.provided?.kind === 'original_dst') whole = this.originalDst(cluster, config.provided, snapshot.id, originalDstInvalid);
    else if (config.overrideHosts !== null) whole = new OverrideHostCluster(cluster, config.overrideHosts, this.context.names);
    whole.updateHosts(snapshot.hosts);
    return whole;
  }

  private originalDst(pools: ThreadLocalCluster, config: OriginalDstConfig, clusterId: number, invalid: Counter): OriginalDstCluster {
    const { hostWords, names } = this.context;
    return new OriginalDstCluster(pools, {
      clusterId, config, invalid, words: hostWords, headerId: config.headerName === '' ? 0 : names.intern(config.headerName),
      report: (report) => {
        this.changes++;
        this.context.reportDestination(report);
      },
    });
  }
}
