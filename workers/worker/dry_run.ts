/**
 * One request through a worker that has no network: codec, connection manager, HTTP filters, router and load balancing are those
 * of live traffic. What it would have answered or sent comes back as data. Stats, logs and hosts are this run's own.
 */
import type { AccessLogger, LogContext, LogSink } from '../../core/access_log/access_log.ts';
import { ACCESS_LOGGER_CATEGORY } from '../../core/access_log/create_access_loggers.ts';
import type { ConnectionManagerConfig } from '../../core/http/connection_manager/config.ts';
import type { HttpFilterConfig } from '../../core/registry/http_filter_config.ts';
import { HTTP_FILTER_CATEGORY } from '../../core/http/filter.ts';
import type { HttpFilterContext } from '../../core/http/filter_context.ts';
import { OfflineIo, type OfflineSocket } from '../../core/io/offline_io.ts';
import { createLogger, createLogLevels } from '../../core/log/logger.ts';
import { LogLevel } from '../../core/log/log_level.ts';
import type { FilterChainConfig, ListenerConfig } from '../../core/network/listener/listener_config.ts';
import { type AnyExtensionFactory, FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { RouteConfig } from '../../core/route/route_config.ts';
import { createSharedSlabs } from '../../core/shared_memory/layout.ts';
import { StatsStore } from '../../core/stats/store.ts';
import type { HostConfig } from '../../core/upstream/cluster_config.ts';
import type { DryRun, DryRunRequest, DryRunResult, DryUpstream } from '../protocol/dry_run.ts';
import { compileTable, RequestProbe, type RequestTrace } from './request_probe.ts';
import { Worker } from './worker.ts';

const HTTP_CONNECTION_MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
/** Names that no configuration can have. */
const FIRST_PROBE = 'dry_run.behind_the_connection_manager';
const LAST_PROBE = 'dry_run.before_the_router';
const LOGGER = 'dry_run.logger';
/** How long a filter may hold the request (fault injection), and the step in which that time passes. */
const HOLD_MAX_MS = 60_000;
const HOLD_STEP_MS = 100;

/** What the run notes down. */
interface Observed {
  chain: number;
  responseDetails: string;
  clusterName: string;
  hostAddress: string;
  behindManager: RequestTrace | null;
  beforeRouter: RequestTrace | null;
  readonly exceptions: string[];
}

/** Answers with the extensions that a worker has. The first answer for a listener costs its compilation, some 25 ms and more with large tables. */
export function createDryRun(extensions: FactoryRegistry): DryRun {
  let last: DryRunner | undefined;
  return (request) => {
    if (last?.fits(request) !== true) {
      last?.close();
      last = new DryRunner(request, extensions);
    }
    const result = last.run(request);
    if (!last.isReusable) last = undefined;
    return result;
  };
}

/** A worker with one listener that is asked again and again. */
class DryRunner {
  isReusable = true;
  private readonly setup: DryRunRequest;
  private readonly io: OfflineIo;
  private readonly worker: Worker;
  /** Of the run that goes on. */
  private request: DryRunRequest;
  private observed: Observed;

  constructor(setup: DryRunRequest, extensions: FactoryRegistry) {
    this.setup = setup;
    this.request = setup;
    this.observed = newObserved();
    this.io = new OfflineIo(setup.wallMs);
    this.worker = this.createWorker(extensions);
    this.worker.start();
    const { listener } = setup;
    this.worker.applySnapshot({
      version: 1, clusters: setup.clusters, runtime: setup.runtime, node: setup.node,
      listeners: [{ id: 1, config: observable(listener), sockets: listener.addresses.map((address) => ({ ...address })), boundAddresses: [] }],
    });
  }

  /** Whether what was compiled answers this request too. */
  fits({ listener, clusters, hostHealth, runtime }: DryRunRequest): boolean {
    const { setup } = this;
    return setup.listener === listener && setup.runtime === runtime && setup.clusters.length === clusters.length
      && clusters.every(({ config, hosts }, i) => setup.clusters[i].config === config && areSame(setup.clusters[i].hosts.hosts, hosts.hosts))
      && hostHealth.size === setup.hostHealth.size && [...hostHealth].every(([id, flags]) => setup.hostHealth.get(id) === flags);
  }

  run(request: DryRunRequest): DryRunResult {
    const { io } = this;
    this.request = request;
    const observed = newObserved();
    this.observed = observed;
    io.clock[1] = request.wallMs;
    const listener = io.listeners[0];
    if (listener === undefined) throw new Error('a listener without addresses cannot be asked');
    const downstream = io.accept(listener, request.source.address, request.source.port, request.ownAddress);
    io.deliver(downstream, request.bytes);
    const heldMs = waitForOutcome(io, downstream);
    noteOutcome(observed);
    const result = collect(observed, io, downstream, heldMs);
    io.fail(downstream);
    for (const socket of [...io.outgoing]) io.fail(socket);
    this.isReusable = io.forget();
    // Only now is the stream of an answer over in every case.
    return { ...result, responseDetails: result.response === '' ? '' : observed.responseDetails };
  }

  close(): void {
    this.worker.close();
  }

  private createWorker(extensions: FactoryRegistry): Worker {
    const slabs = createSharedSlabs(1);
    const health = new Int32Array(slabs.hostHealth);
    for (const [id, flags] of this.setup.hostHealth) health[id] = flags;
    const log = createLogger(
      { write: (line) => this.observed.exceptions.push(line.trimEnd()) },
      { levels: createLogLevels(LogLevel.error), pattern: '%v', escaped: false },
      { threadId: 0, nowMs: () => this.io.clock[1] },
    );
    return new Worker({
      index: 0, workerCount: 1, io: this.io, slabs, log,
      registry: withObservers(extensions, () => this.request, () => this.observed),
      stats: new StatsStore({ onNewStats: () => {} }),
      sinks: { sink: droppedLines },
      random: () => this.request.random,
      exit: (error) => {
        throw error;
      },
    });
  }
}

/** Whoever asks where a request would go wants no log line of it. */
function droppedLines(): LogSink {
  const memory = new ArrayBuffer(65536);
  return { bytes: new Uint8Array(memory), view: new DataView(memory), lineOffset: 0, commit: () => {}, write: () => {} };
}

/** Hosts are unchanging objects; their lists may be made anew. */
function areSame(one: readonly HostConfig[], other: readonly HostConfig[]): boolean {
  return one.length === other.length && one.every((host, i) => host === other[i] || (host.id === other[i].id && host.address === other[i].address && host.weight === other[i].weight));
}

function newObserved(): Observed {
  return { chain: -1, responseDetails: '', clusterName: '', hostAddress: '', behindManager: null, beforeRouter: null, exceptions: [] };
}

/** The extensions and, beside them, what watches the request. */
function withObservers(extensions: FactoryRegistry, request: () => DryRunRequest, observed: () => Observed): FactoryRegistry {
  const registry = new FactoryRegistry();
  for (const category of extensions.categories()) for (const factory of extensions.list(category)) registry.register(factory);
  const add = (category: string, name: string, createFactory: AnyExtensionFactory['createFactory']): void =>
    registry.register({ category, name, typeName: name, parse: (message) => message, createFactory });
  add(HTTP_FILTER_CATEGORY, FIRST_PROBE, (config, context) => {
    const { routes, chain } = config as ProbeConfig;
    const note = (trace: RequestTrace): void => {
      observed().behindManager ??= trace;
      observed().chain = chain;
    };
    const table = routes === null ? null : compileTable(routes, context as HttpFilterContext);
    return { createFilter: () => new RequestProbe(table, () => request().isInternal, note) };
  });
  add(HTTP_FILTER_CATEGORY, LAST_PROBE, () => ({
    createFilter: () => new RequestProbe(null, () => false, (trace) => {
      observed().beforeRouter ??= trace;
    }),
  }));
  add(ACCESS_LOGGER_CATEGORY, LOGGER, (chain) => new ChainLogger(chain as number, observed));
  return registry;
}

/** Notes how the stream of a chain ended. */
class ChainLogger implements AccessLogger {
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly chain: number;
  private readonly observed: () => Observed;

  constructor(chain: number, observed: () => Observed) {
    this.chain = chain;
    this.observed = observed;
  }

  log(context: LogContext): void {
    const { info } = context;
    if (info === null) return;
    const observed = this.observed();
    observed.chain = this.chain;
    // A stream that is cut at the end of the run has been noted before.
    if (observed.responseDetails === '') observed.responseDetails = info.responseCodeDetails;
  }
}

/** The listener with probes around its HTTP filters and our logger instead of its own. */
function observable(listener: ListenerConfig): ListenerConfig {
  const chains = listener.filterChains.map(observableChain);
  const fallback = listener.defaultFilterChain;
  return {
    ...listener, bindToPort: true, accessLogs: [],
    filterChains: chains,
    defaultFilterChain: fallback === null ? null : observableChain(fallback, chains.length),
  };
}

function observableChain(chain: FilterChainConfig, index: number): FilterChainConfig {
  return {
    ...chain,
    filters: chain.filters.map((filter) => {
      if (filter.typeName !== HTTP_CONNECTION_MANAGER) return filter;
      const manager = filter.config as ConnectionManagerConfig;
      const last = manager.filters.length - 1;
      const config: ConnectionManagerConfig = {
        ...manager,
        filters: [probe(FIRST_PROBE, manager, index), ...manager.filters.slice(0, last), probe(LAST_PROBE, manager, index), ...manager.filters.slice(last)],
        accessLogs: [{ filter: null, extension: { name: LOGGER, typeName: LOGGER, config: index } }],
      };
      return { ...filter, config };
    }),
  };
}

interface ProbeConfig {
  readonly routes: RouteConfig | null;
  readonly chain: number;
}

function probe(name: string, manager: ConnectionManagerConfig, chain: number): HttpFilterConfig {
  const config: ProbeConfig = { routes: manager.routeConfig, chain };
  return { name, disabled: false, extension: { name, typeName: name, config } };
}

/** Lets connects succeed and time pass until the request was answered or sent on. Returns the milliseconds that passed. */
function waitForOutcome(io: OfflineIo, downstream: OfflineSocket): number {
  let heldMs = 0;
  for (;;) {
    for (const socket of [...io.outgoing]) if (socket.sent === '') io.connected(socket);
    if (downstream.sent !== '' || downstream.isClosed || io.outgoing.some((socket) => socket.sent !== '') || heldMs >= HOLD_MAX_MS) return heldMs;
    io.advance(HOLD_STEP_MS);
    heldMs += HOLD_STEP_MS;
  }
}

/** What the stream knows while it stands: its object is used again afterwards. */
function noteOutcome(observed: Observed): void {
  const info = observed.behindManager?.info;
  if (info === undefined) return;
  if (info.upstreamClusterName !== '') observed.clusterName = info.upstreamClusterName;
  observed.hostAddress = info.upstreamHost?.address ?? '';
}

function collect(observed: Observed, io: OfflineIo, downstream: OfflineSocket, heldMs: number): Omit<DryRunResult, 'responseDetails'> {
  const { behindManager, beforeRouter } = observed;
  const sent = io.outgoing.filter((socket) => socket.sent !== '');
  const main = sent.find((socket) => io.remoteAddress(socket.connection) === observed.hostAddress) ?? sent.at(0);
  return {
    filterChain: observed.chain,
    received: behindManager?.state ?? null,
    isInternal: behindManager?.isInternal ?? false,
    clientAddress: behindManager?.clientAddress ?? '',
    decision: behindManager?.decision ?? null,
    filtered: beforeRouter?.state ?? null,
    heldMs,
    clusterName: observed.clusterName,
    upstream: main === undefined ? null : upstreamOf(main),
    others: sent.filter((socket) => socket !== main).map(upstreamOf),
    response: downstream.sent,
    exceptions: observed.exceptions,
  };
}

function upstreamOf(socket: OfflineSocket): DryUpstream {
  const end = socket.sent.indexOf('\r\n\r\n');
  return { address: socket.address, port: socket.port, head: end < 0 ? socket.sent : socket.sent.slice(0, end) };
}
