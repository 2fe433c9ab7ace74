import type { PooledStream } from '../../conn_pool/conn_pool.ts';
import type { WheelTimer, WheelTimerTarget } from '../../event/timer_wheel.ts';
import { CloseMode, ConnectFailure } from '../../io/io.ts';
import type { AddressRace } from '../../network/address_race.ts';
import { Connection, type ConnectionCallbacks } from '../../network/connection.ts';
import type { IoDispatcher } from '../../network/io_dispatcher.ts';
import type { ClusterInfo } from '../../upstream/cluster_info.ts';
import type { Host } from '../../upstream/host.ts';
import { type RequestEncoder, ResetReason, type ResponseDecoder } from '../codec.ts';
import { type Http1ClientCallbacks, Http1ClientConnection } from '../http1/client_connection.ts';
import type { Http1Literals } from '../http1/encoder.ts';
import type { Http1Settings } from '../http1/settings.ts';
import type { ClientCodec } from './client_codec.ts';
import type { ClusterSockets } from './cluster_sockets.ts';
import type { PoolSecurity } from './pool_security.ts';
import { TcpClientConnection } from './tcp_client.ts';
import { errnoText, localFailureText } from './upstream_socket.ts';

/** What all pools of a cluster on one worker share. */
export interface Http1PoolContext {
  readonly dispatcher: IoDispatcher;
  readonly literals: Http1Literals;
  readonly settings: Http1Settings;
  readonly cluster: ClusterInfo;
  /** null = all connections are plain. */
  readonly sockets: ClusterSockets | null;
  /** Dense ids for log lines. */
  nextConnectionId(): number;
}

/** The pool that a connection is in. */
export interface ClientPool {
  readonly context: Http1PoolContext;
  readonly host: Host;
  readonly isTcp: boolean;
  /** null = its connections are plain. */
  readonly security: PoolSecurity | null;
  onConnected(client: Http1PoolClient): void;
  onConnectFailed(client: Http1PoolClient, reason: ResetReason, transportFailure: string): void;
  /** We gave the connect up. */
  onConnectAborted(client: Http1PoolClient): void;
  onExchangeComplete(client: Http1PoolClient, reusable: boolean): void;
  onClientClosed(client: Http1PoolClient, hadRequest: boolean): void;
}

/** One pooled connection with its codec. */
export class Http1PoolClient implements PooledStream, ConnectionCallbacks, Http1ClientCallbacks, WheelTimerTarget {
  readonly connection: Connection;
  requestCount: number;
  /** It takes no further request. */
  isLast: boolean;
  connectStartMs: number;
  connectEndMs: number;
  private readonly pool: ClientPool;
  private readonly codec: ClientCodec;
  /** Connect timeout while connecting, idle timeout afterwards. */
  private readonly timer: WheelTimer;
  /** Ends the connection's use after max_connection_duration; null without it. */
  private durationTimer: WheelTimer | null;
  private isBusy: boolean;
  /** While several addresses are tried; null otherwise. */
  race: AddressRace | null;

  constructor(pool: ClientPool, handle: number) {
    this.pool = pool;
    const { context } = pool;
    const { dispatcher, cluster } = context;
    this.connection = new Connection(dispatcher, handle, context.nextConnectionId(), this, cluster.config.perConnectionBufferLimitBytes, true, '');
    this.codec = pool.isTcp
      ? new TcpClientConnection(this.connection, this, dispatcher.io.slab)
      : new Http1ClientConnection(this.connection, this, context.settings, context.literals, dispatcher.io.slab);
    this.requestCount = 0;
    this.isLast = false;
    this.connectStartMs = dispatcher.nowMs;
    this.connectEndMs = NaN;
    this.timer = dispatcher.createTimer(this);
    this.timer.enable(cluster.config.connectTimeoutMs);
    this.durationTimer = null;
    this.isBusy = false;
    this.race = null;
  }

  // === PooledStream ===

  get isHttp(): boolean {
    return !this.pool.isTcp;
  }

  open(decoder: ResponseDecoder): RequestEncoder {
    return this.codec.newStream(decoder);
  }

  requestHeadBytes(): number {
    return this.codec.requestHeadBytes;
  }

  responseHeadBytes(): number {
    return this.codec.responseHeadBytes;
  }

  wireBytesSent(): number {
    return this.codec.wireBytesSent;
  }

  wireBytesReceived(): number {
    return this.codec.wireBytesReceived;
  }

  // === from the pool ===

  onAttach(): void {
    this.isBusy = true;
    this.requestCount++;
    this.timer.disable();
  }

  onIdle(): void {
    this.isBusy = false;
    const idleMs = this.pool.context.cluster.config.idleTimeoutMs;
    if (idleMs > 0) this.timer.enable(idleMs);
  }

  /** Closes from our side. */
  closeLocal(mode: CloseMode = CloseMode.now): void {
    if (!this.connection.isOpen) return;
    const stats = this.pool.context.cluster.stats;
    stats.cxDestroyLocal.inc();
    const isConnecting = this.connection.state === 0;
    this.connection.close(mode);
    this.closeTimers();
    if (isConnecting) this.pool.onConnectAborted(this);
    else this.ended(false, this.isBusy);
  }

  /** Closes from our side, whoever uses it. */
  cut(): void {
    if (!this.connection.isOpen) return;
    if (this.connection.state === 0 || !this.isBusy) {
      this.closeLocal();
      return;
    }
    this.pool.context.cluster.stats.cxDestroyLocal.inc();
    this.endExchange(false);
  }

  // === WheelTimerTarget ===

  onTimeout(timer: WheelTimer): void {
    if (timer === this.durationTimer) {
      this.onMaxDuration();
      return;
    }
    const stats = this.pool.context.cluster.stats;
    if (this.connection.state === 0) {
      stats.cxConnectTimeout.inc();
      stats.cxDestroyLocal.inc();
      this.connection.close(CloseMode.now);
      this.closeTimers();
      this.pool.onConnectFailed(this, ResetReason.connectionTimeout, '');
      return;
    }
    if (this.isBusy) return;
    stats.cxIdleTimeout.inc();
    this.closeLocal();
  }

  /** It is old enough: no further request, and none at all if there is none now. */
  private onMaxDuration(): void {
    this.pool.context.cluster.stats.cxMaxDurationReached.inc();
    this.isLast = true;
    if (!this.isBusy) this.closeLocal();
  }

  private closeTimers(): void {
    this.race?.close();
    this.timer.close();
    this.durationTimer?.close();
  }

  // === ConnectionCallbacks ===

  onConnected(): void {
    const { security } = this.pool;
    if (security !== null && !this.isAccepted(security)) return;
    this.timer.disable();
    const { dispatcher, cluster } = this.pool.context;
    const now = dispatcher.nowMs;
    this.connectEndMs = now;
    if (cluster.config.maxConnectionDurationMs > 0) {
      this.durationTimer = dispatcher.createTimer(this);
      this.durationTimer.enable(cluster.config.maxConnectionDurationMs);
    }
    this.pool.context.cluster.stats.cxConnectMs.record(now - this.connectStartMs);
    this.pool.onConnected(this);
  }

  /** Whether the certificate of the peer is one that it may have. */
  private isAccepted(security: PoolSecurity): boolean {
    const refusal = security.onHandshake(this.connection);
    if (refusal === '') return true;
    this.connection.close(CloseMode.now);
    this.onHandshakeFailed(refusal);
    return false;
  }

  /** As if the peer had closed it: that is how the reference proxy counts it. */
  private onHandshakeFailed(reason: string): void {
    this.closeTimers();
    this.pool.context.cluster.stats.cxDestroyRemote.inc();
    this.pool.onConnectFailed(this, ResetReason.remoteConnectionFailure, reason);
  }

  onConnectFailed(error: number): void {
    const { security } = this.pool;
    if (security !== null && (error & ConnectFailure.tls) !== 0) {
      this.onHandshakeFailed(security.onFailure(this.connection.handle));
      return;
    }
    this.closeTimers();
    const { cluster } = this.pool.context;
    const { stats } = cluster;
    if (error > ConnectFailure.errno) {
      stats.cxDestroyLocal.inc();
      if ((error & ConnectFailure.bind) !== 0) stats.bindErrors.inc();
      this.pool.onConnectFailed(this, ResetReason.localConnectionFailure, localFailureText(error, cluster.config, this.pool.host.config));
      return;
    }
    stats.cxDestroyRemote.inc();
    this.pool.onConnectFailed(this, ResetReason.remoteConnectionFailure, `delayed connect error: ${errnoText(error)}`);
  }

  onData(offset: number, length: number): number {
    const seen = this.pool.context.dispatcher.io.bytesRead[this.connection.handle];
    this.pool.context.cluster.stats.cxRxBytesTotal.add(seen - this.connection.bytesReceived);
    this.connection.bytesReceived = seen;
    return this.codec.dispatch(offset, length);
  }

  onRemoteClose(): void {
    if (!this.codec.onHalfClose()) this.onGone();
  }

  onConnectionError(_error: number): void {
    // What broke it, TLS or the system, is not told: the reason is the termination itself, as in Envoy.
    this.pool.security?.onFailure(this.connection.handle);
    this.onGone();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.pool.context.cluster.stats.flowControlDrained.inc();
    this.codec.onBelowWriteBufferLowWatermark();
  }

  onException(_error: unknown): void {
    this.onGone();
  }

  // === Http1ClientCallbacks ===

  onExchangeComplete(reusable: boolean): void {
    this.isBusy = false;
    this.pool.context.cluster.stats.cxTxBytesTotal.add(this.connection.bytesSent);
    this.connection.bytesSent = 0;
    this.pool.onExchangeComplete(this, reusable);
  }

  onCloseNotified(): void {
    this.pool.context.cluster.stats.cxCloseNotify.inc();
  }

  onUnexpectedData(): void {
    this.pool.context.cluster.stats.cxProtocolError.inc();
    this.closeLocal();
  }

  onProtocolError(): void {
    this.closeLocal();
  }

  onReset(flushes: boolean): void {
    this.closeLocal(flushes ? CloseMode.flush : CloseMode.now);
  }

  /** The upstream closed the connection or it failed. */
  private onGone(): void {
    this.pool.context.cluster.stats.cxDestroyRemote.inc();
    this.endExchange(true);
  }

  /** The connection ends, and the exchange on it. */
  private endExchange(isRemote: boolean): void {
    if (this.connection.isOpen) this.connection.close(CloseMode.now);
    this.closeTimers();
    const hadRequest = this.isBusy;
    const isCut = this.codec.onConnectionClosed(ResetReason.connectionTermination, '');
    this.isBusy = hadRequest;
    this.ended(isRemote, isCut);
  }

  /** `isCut`: an exchange was under way and did not end with the connection. */
  private ended(isRemote: boolean, isCut: boolean): void {
    const stats = this.pool.context.cluster.stats;
    const hadRequest = this.isBusy;
    this.isBusy = false;
    if (isCut) {
      stats.cxDestroyWithActiveRq.inc();
      if (isRemote) stats.cxDestroyRemoteWithActiveRq.inc();
      else stats.cxDestroyLocalWithActiveRq.inc();
    }
    stats.cxTxBytesTotal.add(this.connection.bytesSent);
    this.connection.bytesSent = 0;
    this.pool.onClientClosed(this, hadRequest);
  }
}
