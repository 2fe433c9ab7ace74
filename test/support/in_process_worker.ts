import type { LogSink } from '../../core/access_log/access_log.ts';
import type { ConnectionManagerConfig } from '../../core/http/connection_manager/config.ts';
import type { HttpFilterConfig } from '../../core/registry/http_filter_config.ts';
import { HTTP_FILTER_CATEGORY, type HttpFilterFactory } from '../../core/http/filter.ts';
import { type HttpFilterContext, UPSTREAM_HTTP_FILTER_CATEGORY } from '../../core/http/filter_context.ts';
import { createIo } from '../../core/io/create_io.ts';
import type { Io, IoOptions } from '../../core/io/io.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { FilterChainMatchConfig, ListenerConfig } from '../../core/network/listener/listener_config.ts';
import { NETWORK_FILTER_CATEGORY } from '../../core/network/network_filter.ts';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { createSharedSlabs, type SharedSlabs } from '../../core/shared_memory/layout.ts';
import type { ClusterSnapshot, ListenerSnapshot, Snapshot } from '../../core/snapshot/snapshot.ts';
import { StatKind, StatsStore } from '../../core/stats/store.ts';
import type { ClusterConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
import { LOAD_BALANCING_CATEGORY } from '../../core/upstream/load_balancer.ts';
import { createRouterFactory } from '../../extensions/filters/http/router/factory.ts';
import { createManagerFactory } from '../../extensions/filters/network/http_connection_manager/factory.ts';
import { RoundRobinLoadBalancer } from '../../extensions/load_balancing_policies/round_robin/round_robin.ts';
import { boundAddress, closeFd, createListenSocket } from '../../native/index.ts';
import { Worker } from '../../workers/worker/worker.ts';
import { until } from './io_driver.ts';
import { routeConfig, routeEntry, virtualHost } from './route_config.ts';

/** An HTTP filter of a test: its name and what makes it on the worker. */
export interface TestFilter {
  readonly name: string;
  readonly create: (context: HttpFilterContext) => HttpFilterFactory;
}

/** What a test may change of the defaults. */
export interface InProcessOptions {
  readonly backend: 'ring' | 'portable';
  /** Ports of the one cluster `c`. */
  readonly upstreamPorts: readonly number[];
  readonly manager?: Partial<ConnectionManagerConfig>;
  readonly cluster?: Partial<ClusterConfig>;
  readonly listener?: Partial<ListenerConfig>;
  readonly filters?: readonly TestFilter[];
  /** What stands between router and upstream. */
  readonly upstreamFilters?: readonly TestFilter[];
  /** Adds extensions that `manager` names. */
  readonly register?: (registry: FactoryRegistry) => void;
  readonly io?: Partial<IoOptions>;
  /** Sockets to use instead of the backend's (a fake). */
  readonly sockets?: Io;
}

const THRESHOLDS = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3, trackRemaining: false };

/** The connection manager's configuration with Envoy's defaults and one route `/` to cluster `c`. */
export function managerConfig(filters: readonly TestFilter[] = [], overrides: Partial<ConnectionManagerConfig> = {}): ConnectionManagerConfig {
  const chain = [...filters.map((filter) => filter.name), 'router'];
  return {
    statPrefix: 'ingress', codecType: 'auto', rdsName: '', accessLogs: [],
    filters: chain.map((name): HttpFilterConfig => ({ name, extension: { name, typeName: name, config: { suppressEnvoyHeaders: false, respectExpectedRqTimeout: false, dynamicStats: true, suppressGrpcCodeStats: false, strictCheckHeaders: [], upstreamLog: null, upstreamFilters: null } }, disabled: false })),
    routeConfig: routeConfig({ virtualHosts: [virtualHost({ routes: [routeEntry()] })] }),
    http1: { acceptHttp10: false, defaultHostForHttp10: '', allowAbsoluteUrl: true, enableTrailers: false, properCaseWords: false, allowChunkedLength: false, allowCustomMethods: false, ignoredUpgrades: [], preserveCase: null },
    idleTimeoutMs: 3_600_000, maxConnectionDurationMs: 0, maxStreamDurationMs: 0, maxHeadersCount: 100, maxRequestHeadersKb: 60, maxRequestsPerConnection: 0,
    headersWithUnderscores: 'allow', streamIdleTimeoutMs: 300_000, requestTimeoutMs: 0, requestHeadersTimeoutMs: 0, drainTimeoutMs: 5000, delayedCloseTimeoutMs: 1000,
    useRemoteAddress: false, xffNumTrustedHops: 0, skipXffAppend: false, via: '', serverName: 'envoy', serverHeaderTransformation: 'overwrite', schemeToOverwrite: '', schemeMatchesUpstream: false,
    generateRequestId: true, preserveExternalRequestId: false, alwaysSetRequestIdInResponse: false, normalizePath: false, isNormalizePathSaid: true, mergeSlashes: false,
    pathWithEscapedSlashesAction: 'keep_unchanged', stripMatchingHostPort: false, stripAnyHostPort: false, stripTrailingHostDot: false,
    streamErrorOnInvalidHttpMessage: false, proxy100Continue: false, logsNewRequests: false, logsTunnels: false, appendForwardedPort: false, logFlushIntervalMs: 0, isMaxConnectionDurationSafe: false, originalIpDetection: [], earlyHeaderMutations: [], mapsIpv4ToIpv6: false, addUserAgent: false,
    keepsForwardedClientCert: false, proxyStatus: null, internalAddresses: null, localReply: null, upgrades: [],
    ...overrides,
  };
}

/** Criteria that fit every connection. */
export const ANY_CONNECTION: FilterChainMatchConfig = {
  destinationPort: 0, prefixRanges: [], serverNames: [], transportProtocol: '', applicationProtocols: [], directSourcePrefixRanges: [], sourceType: 'any', sourcePrefixRanges: [],
  sourcePorts: [],
};

/** A cluster's configuration with Envoy's defaults. */
export function clusterConfig(overrides: Partial<ClusterConfig> = {}): ClusterConfig {
  return {
    name: 'c', statName: 'c', connectTimeoutMs: 5000, perConnectionBufferLimitBytes: 1 << 20, poolPerDownstream: false, preconnectRatio: 1, predictivePreconnectRatio: 1, maxRequestsPerConnection: 0, idleTimeoutMs: 3_600_000,
    maxConnectionDurationMs: 0, maxStreamDurationMs: 0, maxResponseHeadersKb: 60, maxHttp2ResponseHeadersKb: 60, maxResponseHeadersCount: 100, defaultThresholds: THRESHOLDS, highThresholds: THRESHOLDS,
    lbPolicy: { name: 'round_robin', typeName: 'round_robin', config: {} }, provided: null, protocol: 'http1',
    http1: { enableTrailers: false, properCaseWords: false, preserveCase: null, sendFullyQualifiedUrl: false }, transportSocket: null, tcpKeepAlive: null, bindAddress: null, otherBindAddress: null, socketOptions: null, addressOrder: { firstFamily: 'first', firstCount: 1 },
    isLogical: false, closesOnHostSetChange: false, healthyPanicThreshold: 50, overprovisioningFactor: 140, weightedPriorityHealth: false, dropOverload: null, autoHostRewriteAllowed: false, outliers: null, loadWeights: null, isHealthChecked: false, closesOnHealthFailure: false, tracking: null, hasEndpointStats: false, requestPolicies: null, autoServerName: null, overrideHosts: null, metadata: {}, ...overrides,
  };
}

/** A host on the loopback. */
export function hostConfig(id: number, port: number, overrides: Partial<HostConfig> = {}): HostConfig {
  return { id, address: '127.0.0.1', port, hostname: '', weight: 1, priority: 0, region: '', zone: '', subZone: '', localityWeight: 0, canary: false, metadata: {}, ...overrides };
}

const SILENCE = new Uint8Array(65536);
const SILENT_SINK: LogSink = { bytes: SILENCE, view: new DataView(SILENCE.buffer), lineOffset: 0, commit: () => {}, write: () => {} };

/** A worker in the test's own thread, on either backend, with one HTTP/1 listener on a port of the system's choice. */
export class InProcessWorker {
  readonly io: Io;
  readonly worker: Worker;
  readonly stats: StatsStore;
  readonly slabs: SharedSlabs;
  /** Messages logged at error level. */
  readonly errors: string[] = [];
  port = 0;
  private readonly options: InProcessOptions;
  private readonly fds: number[] = [];
  private lastListener = -1;
  private version = 0;

  private constructor(options: InProcessOptions) {
    this.options = options;
    this.io = options.sockets ?? createIo(options.backend, { maxConnections: 16384, ...options.io });
    this.stats = new StatsStore({ onNewStats: () => {} });
    this.slabs = createSharedSlabs(1);
    const adopt = this.io.adoptListener.bind(this.io);
    this.io.adoptListener = (source) => {
      this.lastListener = adopt(source);
      return this.lastListener;
    };
    const log: Logger = { error: (message: string) => this.errors.push(message), warn: () => {}, info: () => {}, debug: () => {}, trace: () => {} } as unknown as Logger;
    this.worker = new Worker({
      index: 0, workerCount: 1, io: this.io, registry: this.registry(options.filters ?? []), stats: this.stats, sinks: { sink: () => SILENT_SINK }, slabs: this.slabs, log,
      exit: (error) => {
        throw error;
      },
    });
    this.worker.start();
  }

  /** Starts it on fake sockets: everything happens in the calls of the test. */
  static onFake(sockets: Io, options: Omit<InProcessOptions, 'backend' | 'sockets'>): InProcessWorker {
    const self = new InProcessWorker({ ...options, backend: 'portable', sockets });
    self.apply(1);
    return self;
  }

  /** Number of the listener adopted last. */
  get listenerNumber(): number {
    return this.lastListener;
  }

  /** Starts it and waits until it listens. */
  static async start(options: InProcessOptions): Promise<InProcessWorker> {
    const self = new InProcessWorker(options);
    self.apply(1);
    if (options.backend === 'ring') self.port = boundAddress(self.fds[0]).port;
    else {
      await until(() => self.io.localAddress(self.lastListener) !== '', 'the listener has an address');
      self.port = Number(self.io.localAddress(self.lastListener).split(':').pop());
    }
    return self;
  }

  /** Applies a snapshot with the listener of that id (0 = none) and the given changes. A new id is a new listener on a new port. */
  apply(listenerId: number, changes: Partial<InProcessOptions> = {}): void {
    const options = { ...this.options, ...changes };
    const cluster: ClusterSnapshot = {
      id: 0, config: clusterConfig(options.cluster), hosts: { cluster: 'c', hosts: options.upstreamPorts.map((port, id) => hostConfig(id, port)) },
    };
    const listeners = listenerId === 0 ? [] : [this.listener(listenerId, options)];
    const snapshot: Snapshot = { version: ++this.version, runtime: {}, node: { id: 'n', cluster: 'nc', zone: '' }, clusters: [cluster], listeners };
    this.worker.applySnapshot(snapshot);
  }

  /** Port of the listener adopted last. */
  latestPort(): number {
    const fd = this.fds.at(-1);
    return fd !== undefined ? boundAddress(fd).port : Number(this.io.localAddress(this.lastListener).split(':').pop());
  }

  /** Value of a counter or gauge; 0 when it was never made. */
  stat(name: string): number {
    if (this.stats.names(StatKind.counter).includes(name)) return this.stats.counterNamed(name).value() + 0;
    if (this.stats.names(StatKind.gauge).includes(name)) return this.stats.gaugeNamed(name).value() + 0;
    return 0;
  }

  /** Cuts every connection and gives the sockets back. */
  close(): void {
    this.worker.close();
    this.io.close();
    for (const fd of this.fds) closeFd(fd);
    this.fds.length = 0;
  }

  private listener(id: number, options: InProcessOptions): ListenerSnapshot {
    const address = { address: '127.0.0.1', port: 0 };
    return {
      id, sockets: [this.listenSource(id)], boundAddresses: [],
      config: {
        name: 'l', statPrefix: 'l', addresses: [address], bindToPort: true, handsOff: false, reusePort: true, backlog: 0, transparent: false, freebind: false, tcpFastOpenQueueLength: 0,
        perConnectionBufferLimitBytes: 1 << 20, maxConnectionsToAcceptPerSocketEvent: 0, listenerFilters: [], listenerFiltersTimeoutMs: 15000,
        continueOnListenerFiltersTimeout: false, defaultFilterChain: null, trafficDirection: 'unspecified', drainType: 'default', accessLogs: [],
        filterChains: [
          {
            name: 'main', match: ANY_CONNECTION, transportSocket: null, transportSocketConnectTimeoutMs: 0,
            filters: [{ name: 'hcm', typeName: 'hcm', config: managerConfig(options.filters, options.manager) }],
          },
        ],
        ...options.listener,
      },
    };
  }

  private readonly sources = new Map<number, { fd: number } | { address: string; port: number }>();

  private listenSource(id: number): { fd: number } | { address: string; port: number } {
    let source = this.sources.get(id);
    if (source === undefined) {
      if (this.options.backend === 'ring') {
        const fd = createListenSocket({ address: '127.0.0.1', port: 0, reusePort: true, backlog: 4096 });
        this.fds.push(fd);
        source = { fd };
      } else source = { address: '127.0.0.1', port: 0 };
      this.sources.set(id, source);
    }
    return source;
  }

  private registry(filters: readonly TestFilter[]): FactoryRegistry {
    const registry = new FactoryRegistry();
    const add = <Context, Product>(category: string, name: string, createFactory: (config: unknown, context: Context) => Product) =>
      registry.register({ category, name, typeName: name, parse: (message: object): unknown => message, createFactory });
    add(NETWORK_FILTER_CATEGORY, 'hcm', createManagerFactory as (config: unknown, context: never) => unknown);
    add(HTTP_FILTER_CATEGORY, 'router', createRouterFactory as (config: unknown, context: never) => unknown);
    add(LOAD_BALANCING_CATEGORY, 'round_robin', () => ({ create: (random: () => number) => new RoundRobinLoadBalancer(random) }));
    for (const filter of filters) add(HTTP_FILTER_CATEGORY, filter.name, (_config, context: HttpFilterContext) => filter.create(context));
    for (const filter of this.options.upstreamFilters ?? []) add(UPSTREAM_HTTP_FILTER_CATEGORY, filter.name, (_config, context: HttpFilterContext) => filter.create(context));
    this.options.register?.(registry);
    return registry;
  }
}
