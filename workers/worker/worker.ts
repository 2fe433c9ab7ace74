import { randomFillSync } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { AccessLogger, LogContext, LogSinkProvider } from '../../core/access_log/access_log.ts';
import type { AccessLogConfig } from '../../core/access_log/access_log_config.ts';
import { createAccessLoggers } from '../../core/access_log/create_access_loggers.ts';
import type { DestinationReport } from '../../core/cluster_manager/original_dst_cluster.ts';
import { ThreadLocalClusterManager } from '../../core/cluster_manager/thread_local_cluster_manager.ts';
import { createFormatNeeds, type FormatNeeds, processFormatEnvironment } from '../../core/formatter/format_environment.ts';
import { compileFormat, compileHeaderValue } from '../../core/formatter/formatter.ts';
import { HeaderMutator } from '../../core/headers/header_mutation.ts';
import { HeaderNames } from '../../core/headers/header_names.ts';
import { createLocalReplyRewriter } from '../../core/http/connection_manager/local_reply_rewriter.ts';
import type { NetworkFilterContext } from '../../core/http/connection_manager/network_filter_context.ts';
import { RequestIdGenerator } from '../../core/http/connection_manager/request_id.ts';
import { DateProvider } from '../../core/http/date_header.ts';
import type { HttpFilterContext, ServerFacts } from '../../core/http/filter_context.ts';
import { Http1Literals } from '../../core/http/http1/encoder.ts';
import type { Io } from '../../core/io/io.ts';
import type { Logger } from '../../core/log/logger.ts';
import { IoDispatcher } from '../../core/network/io_dispatcher.ts';
import { ActiveListener, type CompiledFilterChain, ListenerStats } from '../../core/network/listener/active_listener.ts';
import { FilterChainMatcher } from '../../core/network/listener/filter_chain_match.ts';
import type { FilterChainConfig, ListenerConfig } from '../../core/network/listener/listener_config.ts';
import { ListenerDirectory } from '../../core/network/listener/listener_directory.ts';
import { LISTENER_FILTER_CATEGORY, type ListenerFilter } from '../../core/network/listener_filter.ts';
import { NETWORK_FILTER_CATEGORY, type NetworkFilterFactory } from '../../core/network/network_filter.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { ExtensionConfig } from '../../core/registry/parse_context.ts';
import { ClusterPolicies, type ClusterPoliciesConfig } from '../../core/route/cluster_policies.ts';
import type { FormatEnvironment } from '../../core/formatter/format_environment.ts';
import { createUpstreamFilters } from '../../core/router/create_upstream_filters.ts';
import { RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';
import { HOST_STAT_WORDS, MAX_HOSTS, type SharedSlabs } from '../../core/shared_memory/layout.ts';
import type { ListenerSnapshot, Snapshot } from '../../core/snapshot/snapshot.ts';
import type { Counter } from '../../core/stats/stats.ts';
import type { StatsStore } from '../../core/stats/store.ts';
import type { ClusterConfig, HostSetConfig } from '../../core/upstream/cluster_config.ts';
import type { SharedHashTable } from '../../core/upstream/consistent_hash/hash_table.ts';
import type { OutlierReport } from '../../core/upstream/outlier_monitor.ts';
import { SharedServerFacts } from '../../core/upstream/server_facts.ts';

/** The machine's first IPv4 address that is not loopback; loopback if there is none. */
function localAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? []) if (address.family === 'IPv4' && !address.internal) return address.address;
  }
  return '127.0.0.1';
}

/** What a worker is made with. */
export interface WorkerDependencies {
  readonly index: number;
  readonly workerCount: number;
  readonly io: Io;
  readonly registry: FactoryRegistry;
  readonly stats: StatsStore;
  readonly sinks: LogSinkProvider;
  readonly slabs: SharedSlabs;
  readonly log: Logger;
  /** Tells main that a host failed too often in a row; absent: nobody listens. */
  readonly reportOutlier?: (report: OutlierReport) => void;
  /** Tells main of a host that a request named; absent: nobody listens. */
  readonly reportDestination?: (report: DestinationReport) => void;
  /** Integers in [0, 2^31); absent: the system's. */
  readonly random?: () => number;
  /** The worker cannot go on. */
  exit(reason: Error): void;
}

/**
 * One worker: everything of the connections it accepted. Knows nothing of threads: worker_main.ts runs it on one, tests run it
 * in-process. All methods are called from its own thread.
 */
export class Worker {
  private readonly deps: WorkerDependencies;
  private readonly dispatcher: IoDispatcher;
  private readonly names: HeaderNames;
  private readonly literals: Http1Literals;
  private readonly dates: DateProvider;
  private readonly requestIds: RequestIdGenerator;
  private readonly clusters: ThreadLocalClusterManager;
  private readonly server: ServerFacts;
  private readonly escapedExceptions: Counter;
  private clusterIds: Map<string, number>;
  /** One for as long as the worker lives: what was built keeps it. */
  private readonly runtime: RuntimeSnapshot;
  private node: Snapshot['node'];
  private listeners: Map<number, ActiveListener>;
  private readonly directory: ListenerDirectory;
  private connectionIds: number;
  private readonly randomWords: Uint32Array;
  private randomPosition: number;
  private isStopped: boolean;
  /** Of all formats of this worker. */
  private readonly formatNeeds: FormatNeeds;

  constructor(deps: WorkerDependencies) {
    this.deps = deps;
    const rootScope = deps.stats.rootScope();
    this.escapedExceptions = rootScope.counter('workers.callback_exceptions');
    this.dispatcher = new IoDispatcher(deps.io, (error) => this.onEscaped(error));
    this.names = new HeaderNames();
    this.literals = new Http1Literals(this.dispatcher.turn);
    this.dates = new DateProvider();
    this.requestIds = new RequestIdGenerator((bytes) => {
      randomFillSync(bytes);
    });
    this.formatNeeds = createFormatNeeds();
    this.clusterIds = new Map();
    this.runtime = new RuntimeSnapshot({});
    this.node = { id: '', cluster: '', zone: '' };
    this.listeners = new Map();
    this.directory = new ListenerDirectory();
    this.connectionIds = deps.index;
    this.randomWords = new Uint32Array(1024);
    this.randomPosition = this.randomWords.length;
    this.isStopped = false;
    this.server = new SharedServerFacts(
      deps.slabs, deps.index, (name) => this.clusterIds.get(name) ?? -1, () => this.dispatcher.wallMs,
    );
    const { outliers } = deps.slabs;
    const hostLoads = deps.slabs.hostLoads.map((slab) => new Float64Array(slab));
    const hostStats = deps.slabs.hostStats.map((slab) => new Float64Array(slab, 0, MAX_HOSTS * HOST_STAT_WORDS));
    this.clusters = new ThreadLocalClusterManager({
      dispatcher: this.dispatcher, literals: this.literals, names: this.names, registry: deps.registry, rootScope, workerIndex: deps.index,
      circuits: deps.slabs.circuits.map((slab) => new Int32Array(slab)),
      hostWords: {
        health: new Int32Array(deps.slabs.hostHealth), stats: hostStats[deps.index], allStats: hostStats, since: new Float64Array(deps.slabs.hostSince),
        ownLoads: hostLoads[deps.index], allLoads: hostLoads,
      },
      outliers: {
        workerIndex: deps.index, counts: outliers.counts.map((slab) => new Float64Array(slab)),
        resets: new Int32Array(outliers.resets), thresholds: new Int32Array(outliers.thresholds),
        health: new Int32Array(deps.slabs.hostHealth), report: deps.reportOutlier ?? (() => {}),
      },
      random: this.random, nextConnectionId: this.nextConnectionId, formatNeeds: this.formatNeeds,
      compilePolicies: (cluster, policies) => this.compilePolicies(cluster, policies as ClusterPoliciesConfig),
      reportDestination: deps.reportDestination ?? (() => {}),
    });
  }

  start(): void {
    this.dispatcher.start();
  }

  /**
   * Builds runtime objects from a snapshot and swaps them in; streams that run keep what they have, but for the runtime values,
   * which hold at once for all. Throws when the snapshot
   * cannot be built: main has validated it, so that is a bug, and this worker must not go on with half of it.
   */
  applySnapshot(snapshot: Snapshot): void {
    let failure: Error | null = null;
    this.dispatcher.run(() => {
      try {
        this.swap(snapshot);
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error));
      }
    });
    if (failure !== null) throw failure;
  }

  private swap(snapshot: Snapshot): void {
    this.clusterIds = new Map(snapshot.clusters.map((cluster) => [cluster.config.name, cluster.id]));
    this.node = snapshot.node;
    this.runtime.replace(snapshot.runtime);
    this.clusters.apply({ clusters: snapshot.clusters, runtime: this.runtime, zone: snapshot.node.zone, localCluster: snapshot.localCluster });
    const next = new Map<number, ActiveListener>();
    for (const listener of snapshot.listeners) next.set(listener.id, this.listeners.get(listener.id) ?? this.buildListener(listener, snapshot));
    for (const [id, listener] of this.listeners) {
      if (next.has(id)) continue;
      listener.stopListening();
      listener.drainConnections();
    }
    this.listeners = next;
    this.directory.clear();
    for (const { id, boundAddresses } of snapshot.listeners) this.directory.add(next.get(id) as ActiveListener, boundAddresses);
    this.deps.stats.announce();
  }

  updateHosts(clusterId: number, hosts: HostSetConfig): void {
    this.dispatcher.run(() => this.clusters.updateHosts(clusterId, hosts));
  }

  onHealthChanged(clusterId: number): void {
    this.dispatcher.run(() => this.clusters.onHealthChanged(clusterId));
  }

  setHashTables(clusterId: number, tables: readonly SharedHashTable[]): void {
    this.dispatcher.run(() => this.clusters.setHashTables(clusterId, tables));
  }

  /** Stops accepting; connections stay. `inboundOnly`: listeners with traffic_direction INBOUND only. */
  stopListening(inboundOnly: boolean): void {
    this.dispatcher.run(() => {
      for (const listener of this.listeners.values()) {
        if (!inboundOnly || listener.config.trafficDirection === 'inbound') listener.stopListening();
      }
    });
  }

  connectionCount(): number {
    let count = 0;
    for (const listener of this.listeners.values()) count += listener.connectionCount;
    return count;
  }

  /** Cuts every connection. */
  close(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.dispatcher.run(() => {
      for (const listener of this.listeners.values()) {
        listener.stopListening();
        listener.closeConnections();
      }
      this.clusters.close();
    });
  }

  private formatEnvironment(): FormatEnvironment {
    return processFormatEnvironment(this.names, () => this.dispatcher.wallMs, this.random, this.formatNeeds);
  }

  private compilePolicies(cluster: ClusterConfig, policies: ClusterPoliciesConfig): ClusterPolicies {
    return new ClusterPolicies(policies, {
      names: this.names, runtime: this.runtime, formatEnvironment: this.formatEnvironment(),
      product: (category, extension) => this.product(category, extension, undefined),
      compileFilters: (filters) => createUpstreamFilters(filters, this.upstreamFilterContext(cluster)),
    });
  }

  private product(category: string, extension: ExtensionConfig, context: unknown): unknown {
    const factory = this.deps.registry.get(category, extension.typeName);
    if (factory === undefined) throw new Error(`no ${category} extension ${extension.typeName} on this thread`);
    return factory.createFactory(extension.config, context);
  }

  /** What the HTTP filters before a cluster's hosts are made with: their stats are the cluster's. */
  private upstreamFilterContext(cluster: ClusterConfig): HttpFilterContext {
    const { dispatcher, names, runtime, deps, node } = this;
    const rootScope = deps.stats.rootScope();
    const environment = this.formatEnvironment();
    const context: HttpFilterContext = {
      scope: rootScope.scope(`cluster.${cluster.statName}`), rootScope, names, runtime, formatEnvironment: environment, server: this.server, clusters: this.clusters,
      slab: dispatcher.io.slab, turn: dispatcher.turn, clock: dispatcher.io.clock, dispatcher, localAddress: localAddress(), random: this.random, localClusterName: '',
      nodeCluster: node.cluster, nodeId: node.id, createTimer: (target) => dispatcher.createTimer(target),
      createAccessLoggers: (configs) => createAccessLoggers(configs, deps.registry, { names, environment, sinks: deps.sinks, runtime }),
      product: (category, extension) => this.product(category, extension, context),
    };
    return context;
  }

  private buildListener(snapshot: ListenerSnapshot, whole: Snapshot): ActiveListener {
    const { config } = snapshot;
    const { runtime } = this;
    const { stats, index } = this.deps;
    const rootScope = stats.rootScope();
    const listenerScope = rootScope.scope(`listener.${config.statPrefix}`);
    const environment = this.formatEnvironment();
    const context: NetworkFilterContext = {
      listener: config, listenerScope, rootScope, runtime,
      dispatcher: this.dispatcher, literals: this.literals, names: this.names, registry: this.deps.registry, server: this.server,
      clusters: this.clusters, sinks: this.deps.sinks, dates: this.dates, requestIds: this.requestIds,
      node: whole.node, localAddress: localAddress(), random: this.random, formatEnvironment: environment,
      createAccessLoggers: (configs: readonly AccessLogConfig[]): readonly AccessLogger[] =>
        createAccessLoggers(configs, this.deps.registry, { names: this.names, environment, sinks: this.deps.sinks, runtime }),
      compileMutations: (levels) => new HeaderMutator<LogContext>(levels, this.names, (format) => compileHeaderValue(format, environment)),
      compileFormat: (format) => compileFormat(format, environment),
      createLocalReplies: (reply) => createLocalReplyRewriter(reply, this.names, environment, runtime),
    };
    const chains = config.filterChains.map((chain) => this.buildChain(chain, context));
    const fallback = config.defaultFilterChain === null ? null : this.buildChain(config.defaultFilterChain, context);
    const matcher = new FilterChainMatcher(config.filterChains, chains, fallback);
    const listener = new ActiveListener(snapshot.id, config, this.dispatcher, new ListenerStats(listenerScope, index), matcher, this.nextConnectionId, this.listenerFilters(config));
    if (config.handsOff) listener.directory = this.directory;
    listener.listen(snapshot.sockets);
    return listener;
  }

  private listenerFilters({ listenerFilters }: ListenerConfig): ListenerFilter[] {
    return listenerFilters.map(({ typeName, config }) => {
      const factory = this.deps.registry.get(LISTENER_FILTER_CATEGORY, typeName);
      if (factory === undefined) throw new Error(`no listener filter ${typeName} on this thread`);
      return factory.createFactory(config, undefined) as ListenerFilter;
    });
  }

  private buildChain(config: FilterChainConfig, context: NetworkFilterContext): CompiledFilterChain {
    const terminal = config.filters.at(-1);
    if (terminal === undefined || config.filters.length > 1) throw new Error(`filter chain ${config.name}: exactly one network filter is supported`);
    const factory = this.deps.registry.get(NETWORK_FILTER_CATEGORY, terminal.typeName);
    if (factory === undefined) throw new Error(`no network filter ${terminal.typeName} on this thread`);
    return { name: config.name, factory: factory.createFactory(terminal.config, context) as NetworkFilterFactory };
  }

  private readonly nextConnectionId = (): number => {
    this.connectionIds += this.deps.workerCount;
    return this.connectionIds;
  };

  private readonly random = (): number => {
    if (this.deps.random !== undefined) return this.deps.random();
    if (this.randomPosition >= this.randomWords.length) {
      randomFillSync(this.randomWords);
      this.randomPosition = 0;
    }
    // 31 bits: a small integer, so that passing it on allocates nothing.
    return this.randomWords[this.randomPosition++] >>> 1;
  };

  /** An exception escaped a callback: it was our bug or a filter's; the stream is reset by its connection, the worker goes on. */
  private onEscaped(error: unknown): void {
    this.escapedExceptions.inc();
    this.deps.log.error(`exception in a callback: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
