import type { ConnPool, PoolRequest } from '../../conn_pool/conn_pool.ts';
import { PendingQueue } from '../../conn_pool/pending_queue.ts';
import { AddressRace, dialFirst } from '../../network/address_race.ts';
import type { TransportSocketOptions } from '../../network/transport_socket.ts';
import { CircuitKind } from '../../shared_memory/layout.ts';
import type { CircuitBreaker } from '../../upstream/circuit_breaker.ts';
import type { Host } from '../../upstream/host.ts';
import { ResetReason } from '../codec.ts';
import { type ClientPool, Http1PoolClient, type Http1PoolContext } from './http1_pool_client.ts';
import { PoolSecurity } from './pool_security.ts';
import { errnoText, openUpstreamSocket } from './upstream_socket.ts';

/** Connections made at once for requests that are not there yet. */
const PRECONNECTS_AT_ONCE = 3;

/**
 * Connections of one worker to one host at one priority: one exchange at a time on each, the most recently used idle one first,
 * requests that find none wait in order. HTTP/1, or plain TCP for terminated CONNECTs (`isTcp`): those are never used again.
 * Source: Envoy docs intro/arch_overview/upstream/connection_pooling.
 */
export class Http1ConnPool implements ConnPool, ClientPool {
  readonly host: Host;
  readonly context: Http1PoolContext;
  readonly isTcp: boolean;
  /** How its connections are secured; null = they are plain. */
  readonly security: PoolSecurity | null;
  private readonly breaker: CircuitBreaker;
  /** Idle clients; the last is the most recently used. */
  private readonly idle: Http1PoolClient[];
  private readonly pending: PendingQueue;
  private readonly clients: Set<Http1PoolClient>;
  private connecting: number;
  private isDraining: boolean;
  private isClosed: boolean;
  /** It is one of the cluster's pools that are in use; counted only where somebody wants to know. */
  isCounted: boolean;
  /** Told when it has neither connections nor requests; null = nobody wants to know. */
  onUnused: (() => void) | null;

  /** `options`: of the requests that share it; null = they ask for nothing. */
  constructor(context: Http1PoolContext, host: Host, priority: number, isTcp = false, options: TransportSocketOptions | null = null) {
    this.context = context;
    this.isTcp = isTcp;
    const socket = context.sockets === null ? null : context.sockets.of(host);
    this.security = socket === null ? null : new PoolSecurity(socket, context.dispatcher.io, host, options, !isTcp);
    this.host = host;
    this.breaker = context.cluster.breakers[priority === 1 ? 1 : 0];
    this.idle = [];
    this.pending = new PendingQueue();
    this.clients = new Set();
    this.connecting = 0;
    this.isDraining = false;
    this.isClosed = false;
    this.isCounted = false;
    this.onUnused = null;
  }

  /** Requests run or wait. */
  get hasRequests(): boolean {
    return this.pending.size > 0 || this.clients.size > this.idle.length + this.connecting;
  }

  /** It is asked for: takes its place among the cluster's pools; false when there are too many. */
  take(): boolean {
    if (this.isCounted || !this.breaker.countsPools) return true;
    if (!this.breaker.canCreate(CircuitKind.pools)) return false;
    this.isCounted = true;
    this.breaker.inc(CircuitKind.pools);
    return true;
  }

  /** Without connections and requests it is none of the cluster's pools. */
  leave(): void {
    if (this.clients.size > 0 || this.pending.size > 0) return;
    if (this.isCounted) {
      this.isCounted = false;
      this.breaker.dec(CircuitKind.pools);
    }
    this.onUnused?.();
  }

  newStream(request: PoolRequest): void {
    const client = this.idle.pop();
    if (client !== undefined) {
      if (this.breaker.canCreate(CircuitKind.requests)) {
        this.attach(client, request);
        if (this.context.cluster.config.preconnectRatio > 1) this.connectIfNeeded();
      } else {
        this.idle.push(client);
        this.refuse(request);
      }
      return;
    }
    const stats = this.context.cluster.stats;
    if (!this.breaker.canCreate(CircuitKind.pending)) {
      stats.rqPendingOverflow.inc();
      this.leave();
      request.onPoolFailure(ResetReason.overflow, '', false);
      return;
    }
    stats.rqPendingTotal.inc();
    stats.rqPendingActive.inc();
    this.breaker.inc(CircuitKind.pending);
    request.waitingIn = this;
    this.pending.push(request);
    this.connectIfNeeded();
  }

  /**
   * Makes a connection for a request that is expected here, unless there are `ratio` per request that waits, runs or is expected.
   * Answers whether it did.
   */
  preconnect(ratio: number): boolean {
    const wants = this.host.isHealthy() && !this.isDraining && (this.pending.size + this.activeClients + 1) * ratio > this.clients.size;
    return wants && this.mayConnect() && this.connect();
  }

  cancel(request: PoolRequest): void {
    if (request.waitingIn !== this) return;
    this.takeOut(request);
    this.context.cluster.stats.rqCancelled.inc();
    this.leave();
  }

  drain(): void {
    this.isDraining = true;
    for (const client of [...this.idle]) client.closeLocal();
  }

  renew(): void {
    for (const client of [...this.clients]) if (client.connection.state !== 0) client.isLast = true;
    for (const client of [...this.idle]) client.closeLocal();
  }

  cut(): void {
    for (const client of [...this.clients]) client.cut();
  }

  close(): void {
    this.isDraining = true;
    this.isClosed = true;
    for (const client of [...this.clients]) client.closeLocal();
  }

  // === from clients ===

  onConnected(client: Http1PoolClient): void {
    this.connecting--;
    this.onIdle(client);
  }

  /** A connect failed or timed out: everything that waits fails with it. */
  onConnectFailed(client: Http1PoolClient, reason: ResetReason, transportFailure: string): void {
    this.connecting--;
    this.forget(client);
    this.host.onConnectFailed();
    const stats = this.context.cluster.stats;
    stats.cxConnectFail.inc();
    // Requests that join meanwhile belong to the next attempt.
    for (let left = this.pending.size; left > 0; left--) {
      const request = this.pending.shift();
      if (request === null) break;
      this.leaveQueue(request);
      stats.rqPendingFailureEject.inc();
      request.onPoolFailure(reason, transportFailure, true);
    }
    this.leave();
  }

  onExchangeComplete(client: Http1PoolClient, reusable: boolean): void {
    this.endRequest();
    if (!reusable || client.isLast || (this.isDraining && this.pending.size === 0) || !client.connection.isOpen) {
      client.closeLocal();
      return;
    }
    const limit = this.context.cluster.config.maxRequestsPerConnection;
    if (limit > 0 && client.requestCount >= limit) {
      this.context.cluster.stats.cxMaxRequests.inc();
      client.closeLocal();
      return;
    }
    this.onIdle(client);
  }

  /** The connection is gone; `hadRequest` says whether an exchange was on it. */
  onClientClosed(client: Http1PoolClient, hadRequest: boolean): void {
    if (hadRequest) this.endRequest();
    const at = this.idle.lastIndexOf(client);
    if (at >= 0) this.idle.splice(at, 1);
    this.forget(client);
    this.connectIfNeeded();
  }

  onConnectAborted(client: Http1PoolClient): void {
    this.connecting--;
    this.forget(client);
  }

  private onIdle(client: Http1PoolClient): void {
    for (let request = this.pending.shift(); request !== null; request = this.pending.shift()) {
      this.leaveQueue(request);
      if (this.breaker.canCreate(CircuitKind.requests)) {
        this.attach(client, request);
        return;
      }
      this.refuse(request);
    }
    if (this.isDraining) {
      client.closeLocal();
      return;
    }
    client.onIdle();
    this.idle.push(client);
  }

  /** max_requests is reached: there is a connection, but it may not be used. */
  private refuse(request: PoolRequest): void {
    this.context.cluster.stats.rqPendingOverflow.inc();
    request.onPoolFailure(ResetReason.overflow, '', true);
  }

  private attach(client: Http1PoolClient, request: PoolRequest): void {
    const stats = this.context.cluster.stats;
    stats.rqTotal.inc();
    stats.rqActive.inc();
    this.breaker.inc(CircuitKind.requests);
    this.host.onRequestStarted();
    client.onAttach();
    request.onPoolReady(client);
  }

  private endRequest(): void {
    this.context.cluster.stats.rqActive.dec();
    this.breaker.dec(CircuitKind.requests);
    this.host.onRequestEnded();
  }

  private takeOut(request: PoolRequest): void {
    this.pending.remove(request);
    this.leaveQueue(request);
  }

  private leaveQueue(request: PoolRequest): void {
    request.waitingIn = null;
    this.context.cluster.stats.rqPendingActive.dec();
    this.breaker.dec(CircuitKind.pending);
  }

  /** One connect per waiting request, within the cluster's limit; a pool without any connection may always try one. */
  private connectIfNeeded(): void {
    // Draining or not: who waits already is served.
    for (let made = 0; this.wantsConnection(made) && !this.isClosed; made++) {
      if (!this.mayConnect() || !this.connect()) return;
    }
  }

  /** Beyond the limits too for a pool without any connection. */
  private mayConnect(): boolean {
    if (this.breaker.canConnect(this.host)) return true;
    this.context.cluster.stats.cxOverflow.inc();
    return this.clients.size === 0;
  }

  /** Connections that requests run on. */
  private get activeClients(): number {
    return this.clients.size - this.connecting - this.idle.length;
  }

  /** Somebody waits for one, or (per_upstream_preconnect_ratio) somebody may soon: then `made`, of this time, is bounded. */
  private wantsConnection(made: number): boolean {
    if (this.pending.size > this.connecting) return true;
    const ratio = this.context.cluster.config.preconnectRatio;
    if (ratio <= 1 || made >= PRECONNECTS_AT_ONCE || this.isDraining || !this.host.isHealthy()) return false;
    return (this.pending.size + this.activeClients) * ratio > this.clients.size;
  }

  private connect(): boolean {
    const { dispatcher, cluster } = this.context;
    const config = cluster.config;
    const { addresses } = this.host.config;
    const tls = this.security === null ? null : this.security.connectOptions(dispatcher);
    const dial = addresses === undefined ? null : (index: number) => {
      if (index > 0) cluster.stats.cxTotal.inc();
      return openUpstreamSocket(dispatcher.io, config, addresses[index], tls);
    };
    const { handle, index } = dial === null ? { handle: openUpstreamSocket(dispatcher.io, config, this.host.config, tls), index: 0 } : dialFirst(dial, addresses?.length ?? 0);
    cluster.stats.cxTotal.inc();
    if (handle < 0) {
      cluster.stats.cxConnectFail.inc();
      this.host.onConnectFailed();
      const request = this.pending.shift();
      if (request !== null) {
        this.leaveQueue(request);
        request.onPoolFailure(ResetReason.localConnectionFailure, `immediate connect error: ${errnoText(-handle)}`, true);
      }
      this.leave();
      return false;
    }
    if (!this.isTcp) cluster.stats.cxHttp1Total.inc();
    cluster.stats.cxActive.inc();
    this.host.onConnectionAttempt();
    this.breaker.inc(CircuitKind.connections);
    this.connecting++;
    const client = new Http1PoolClient(this, handle);
    this.clients.add(client);
    if (dial !== null && addresses !== undefined) {
      const onAttemptFailed = (attempt: number): void => void this.security?.onFailure(attempt);
      client.race = new AddressRace(dispatcher, client.connection, dial, index, addresses.length, onAttemptFailed);
    }
    return true;
  }

  private forget(client: Http1PoolClient): void {
    if (!this.clients.delete(client)) return;
    const { cluster, dispatcher } = this.context;
    cluster.stats.cxActive.dec();
    cluster.stats.cxDestroy.inc();
    cluster.stats.cxLengthMs.record(dispatcher.nowMs - client.connection.startMs);
    if (!this.isTcp && !Number.isNaN(client.connectEndMs)) cluster.stats.rqPerCx.record(client.requestCount);
    this.host.onConnectionClosed();
    this.breaker.dec(CircuitKind.connections);
    this.leave();
  }
}
