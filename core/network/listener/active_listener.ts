import { CloseMode, type Io, type ListenSource } from '../../io/io.ts';
import type { Counter, Gauge, Histogram, StatsScope } from '../../stats/stats.ts';
import { Connection, type ConnectionCallbacks } from '../connection.ts';
import type { IoDispatcher, IoHandler } from '../io_dispatcher.ts';
import type { AcceptedSocket, ListenerFilter } from '../listener_filter.ts';
import type { NetworkFilterFactory, NewConnection, TerminalConnection } from '../network_filter.ts';
import type { ListenerConfig } from './listener_config.ts';

/** By the number that core.v3.TrafficDirection gives them. */
const DIRECTIONS: readonly string[] = ['unspecified', 'inbound', 'outbound'];

/** Counters of what does not happen here, shown as 0. */
const OTHER_COUNTERS = [
  'downstream_cx_overflow', 'downstream_cx_overload_reject', 'downstream_cx_transport_socket_connect_timeout', 'downstream_global_cx_overflow',
  'downstream_listener_filter_error', 'downstream_listener_filter_remote_close', 'downstream_pre_cx_timeout', 'extension_config_missing', 'network_extension_config_missing',
];

/** `listener.<addr>.` stats (Envoy's ALL_LISTENER_STATS) with the per-worker pair. */
export class ListenerStats {
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly cxDestroy: Counter;
  readonly cxLengthMs: Histogram;
  readonly noFilterChainMatch: Counter;
  readonly workerCxTotal: Counter;
  readonly workerCxActive: Gauge;

  constructor(scope: StatsScope, workerIndex: number) {
    this.cxTotal = scope.counter('downstream_cx_total');
    this.cxActive = scope.gauge('downstream_cx_active');
    this.cxDestroy = scope.counter('downstream_cx_destroy');
    this.cxLengthMs = scope.histogram('downstream_cx_length_ms', 'ms');
    this.noFilterChainMatch = scope.counter('no_filter_chain_match');
    scope.gauge('downstream_pre_cx_active').set(0);
    for (const name of OTHER_COUNTERS) scope.counter(name);
    const worker = scope.scope(`worker_${workerIndex}`);
    this.workerCxTotal = worker.counter('downstream_cx_total');
    this.workerCxActive = worker.gauge('downstream_cx_active');
  }
}

/** A compiled filter chain on this worker. */
export interface CompiledFilterChain {
  readonly name: string;
  readonly factory: NetworkFilterFactory;
}

/** Finds the chain of a connection; null = none matches. */
export interface FilterChainFinder {
  /** Addresses are `ip:port` texts, asked for only if a criterion needs them. */
  find(localAddress: () => string, remoteAddress: () => string): CompiledFilterChain | null;
}

/** Finds the listener of this worker at an address (`ip:port`) that a connection was going to; null = there is none. */
export interface HandOffDirectory {
  find(destination: string): ActiveListener | null;
}

/**
 * One listener on one worker: accepts on its sockets, matches the filter chain, counts, and knows its connections so that they
 * can be drained.
 */
export class ActiveListener implements IoHandler, NewConnection, AcceptedSocket {
  readonly id: number;
  readonly config: ListenerConfig;
  private readonly dispatcher: IoDispatcher;
  private readonly stats: ListenerStats;
  private readonly chains: FilterChainFinder;
  private readonly nextConnectionId: () => number;
  private readonly handles: number[];
  private readonly connections: Set<TerminalConnection>;
  private readonly filters: readonly ListenerFilter[];
  private accepting: number;
  /** Where redirected connections go first; null = they stay here. */
  directory: HandOffDirectory | null;
  private isStopped: boolean;
  /** Of the connection that is being accepted. */
  originalDestination: string;
  private chainName: string;

  constructor(id: number, config: ListenerConfig, dispatcher: IoDispatcher, stats: ListenerStats, chains: FilterChainFinder, nextConnectionId: () => number, filters: readonly ListenerFilter[] = []) {
    this.id = id;
    this.config = config;
    this.dispatcher = dispatcher;
    this.stats = stats;
    this.chains = chains;
    this.nextConnectionId = nextConnectionId;
    this.handles = [];
    this.connections = new Set();
    this.filters = filters;
    this.accepting = -1;
    this.directory = null;
    this.isStopped = false;
    this.originalDestination = '';
    this.chainName = '';
  }

  /** Begins to accept on its sockets. */
  listen(sockets: readonly ListenSource[]): void {
    for (const socket of sockets) {
      const handle = this.dispatcher.io.adoptListener(socket);
      this.handles.push(handle);
      this.dispatcher.setHandler(handle, this);
    }
  }

  /** Stops accepting; connections stay. */
  stopListening(): void {
    this.isStopped = true;
    for (const handle of this.handles) {
      this.dispatcher.setHandler(handle, null);
      this.dispatcher.io.releaseListener(handle);
    }
    this.handles.length = 0;
  }

  /** Takes connections, of its sockets or handed off. */
  get isActive(): boolean {
    return !this.isStopped;
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  /** Every connection closes when idle or after its running response. */
  drainConnections(): void {
    for (const connection of [...this.connections]) connection.drainClose();
  }

  closeConnections(): void {
    for (const connection of [...this.connections]) connection.closeNow(true);
  }

  // === AcceptedSocket ===

  get io(): Io {
    return this.dispatcher.io;
  }

  get handle(): number {
    return this.accepting;
  }

  // === NewConnection ===

  makeConnection(callbacks: ConnectionCallbacks): Connection {
    const connection = new Connection(this.dispatcher, this.accepting, this.nextConnectionId(), callbacks, this.config.perConnectionBufferLimitBytes, false, this.chainName);
    connection.listenerMetadata = this.config.metadata;
    connection.listenerDirection = DIRECTIONS.indexOf(this.config.trafficDirection);
    if (this.originalDestination !== '') connection.restoreDestination(this.originalDestination);
    return connection;
  }

  onClosed(connection: TerminalConnection): void {
    if (!this.connections.delete(connection)) return;
    const stats = this.stats;
    stats.cxActive.dec();
    stats.workerCxActive.dec();
    stats.cxDestroy.inc();
    stats.cxLengthMs.record(this.dispatcher.nowMs - connection.connection.startMs);
  }

  // === IoHandler ===

  onAccept(handle: number): void {
    this.filter(handle, '');
    const { directory, originalDestination } = this;
    const other = directory === null || originalDestination === '' ? null : directory.find(originalDestination);
    if (other === null) this.serve(handle);
    else other.takeOver(handle, originalDestination);
  }

  /** Another listener accepted this connection, which was going to an address of ours. It goes no further. */
  takeOver(handle: number, originalDestination: string): void {
    this.filter(handle, originalDestination);
    this.serve(handle);
  }

  private filter(handle: number, originalDestination: string): void {
    this.accepting = handle;
    this.originalDestination = originalDestination;
    for (let i = 0; i < this.filters.length; i++) this.filters[i].onAccept(this);
  }

  /** Finds the connection's filter chain and gives it to that. */
  private serve(handle: number): void {
    const { io } = this.dispatcher;
    const chain = this.chains.find(
      () => (this.originalDestination === '' ? io.localAddress(handle) : this.originalDestination),
      () => io.remoteAddress(handle),
    );
    if (chain === null) {
      this.stats.noFilterChainMatch.inc();
      this.dispatcher.commands.close(handle, CloseMode.now);
      return;
    }
    const stats = this.stats;
    stats.cxTotal.inc();
    stats.cxActive.inc();
    stats.workerCxTotal.inc();
    stats.workerCxActive.inc();
    this.chainName = chain.name;
    this.connections.add(chain.factory.onNewConnection(this));
  }

  onConnect(): void {}

  onData(): number {
    return 0;
  }

  onEof(): void {}

  onError(_error: number): void {}

  onDrain(): void {}

  onException(_error: unknown): void {}
}
