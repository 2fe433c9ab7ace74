import type { Timer } from '../../event/timer.ts';
import type { WheelTimer, WheelTimerTarget } from '../../event/timer_wheel.ts';
import { CloseMode } from '../../io/io.ts';
import type { Connection, ConnectionCallbacks } from '../../network/connection.ts';
import type { NewConnection } from '../../network/network_filter.ts';
import type { ConnectionInfo } from '../../stream_info/stream_info.ts';
import { type RequestDecoder, ResetReason, type ResponseEncoder, type ServerConnectionCallbacks } from '../codec.ts';
import { Http1ServerConnection } from '../http1/server_connection.ts';
import type { ActiveStream, StreamOwner } from './active_stream.ts';
import type { ManagerContext } from './manager_context.ts';
import type { StreamPool } from './stream_pool.ts';

/**
 * The HTTP side of one downstream connection: its codec, its streams, its timeouts and its end.
 *
 *   open -> (last response sent) lingering: our FIN is out, the peer's bytes are dropped -> closed by the peer or delayed_close_timeout
 */
export class ConnectionManager implements ConnectionCallbacks, ServerConnectionCallbacks, StreamOwner, WheelTimerTarget {
  readonly context: ManagerContext;
  readonly codec: Http1ServerConnection;
  readonly connection: Connection;
  private readonly streams: StreamPool;
  private readonly owner: NewConnection;
  private readonly idleTimer: WheelTimer;
  /** max_connection_duration, then delayed close. */
  private readonly durationTimer: WheelTimer;
  private stream: ActiveStream | null;
  private closing: boolean;
  /** We end the connection on our own account: the close waits for the peer or delayed_close_timeout. */
  private closesDelayed: boolean;
  private isLingering: boolean;
  private isDraining: boolean;
  /** max_connection_duration is over, and the next request is the last. */
  private isExpired: boolean;
  private isClosed: boolean;
  requestNumber: number;
  /** The protocol is known, and counted, from the first byte. */
  private sawBytes: boolean;

  constructor(context: ManagerContext, streams: StreamPool, listener: NewConnection) {
    const { dispatcher, stats, config, http1, literals } = context.parts;
    this.context = context;
    this.streams = streams;
    this.owner = listener;
    this.connection = listener.makeConnection(this);
    this.codec = new Http1ServerConnection(this.connection, this, http1, literals, dispatcher.io.slab);
    this.idleTimer = dispatcher.createTimer(this);
    this.durationTimer = dispatcher.createTimer(this);
    this.stream = null;
    this.closing = false;
    this.closesDelayed = false;
    this.isLingering = false;
    this.isDraining = false;
    this.isExpired = false;
    this.isClosed = false;
    this.requestNumber = 0;
    this.sawBytes = false;
    stats.cxTotal.inc();
    stats.cxActive.inc();
    if (config.idleTimeoutMs > 0) this.idleTimer.enable(config.idleTimeoutMs);
    if (config.maxConnectionDurationMs > 0) this.durationTimer.enable(config.maxConnectionDurationMs);
  }

  // === StreamOwner ===

  get connectionInfo(): ConnectionInfo {
    return this.connection;
  }

  isClosing(): boolean {
    if (this.closing) return true;
    const parts = this.context.parts;
    if (!this.codec.wantsKeepAlive) {
      this.closing = true;
    } else if (parts.shouldDrainClose()) {
      parts.stats.cxDrainClose.inc();
      this.closing = true;
    }
    return this.closing;
  }

  closeAfterResponse(): void {
    this.closing = true;
    this.closesDelayed = true;
  }

  onStreamEnd(_stream: ActiveStream, isReset: boolean): void {
    this.stream = null;
    const { stats, config } = this.context.parts;
    stats.cxTxBytesTotal.add(this.connection.bytesSent);
    this.connection.bytesSent = 0;
    if (this.isClosed) return;
    if (isReset) {
      // What was sent goes out, so that the client sees where the response was cut.
      this.codec.abandonStream();
      this.closesDelayed = true;
      this.closeAfterFlush();
      return;
    }
    if (this.closing || !this.codec.isRequestComplete) {
      this.closeAfterFlush();
      return;
    }
    if (config.idleTimeoutMs > 0) this.idleTimer.enable(config.idleTimeoutMs);
    this.codec.readyForNext();
  }

  // === ServerConnectionCallbacks ===

  newStream(_encoder: ResponseEncoder): RequestDecoder {
    this.requestNumber++;
    const { config, stats } = this.context.parts;
    if (config.maxRequestsPerConnection > 0 && this.requestNumber >= config.maxRequestsPerConnection) {
      stats.cxMaxRequestsReached.inc();
      this.closing = true;
    } else if (this.isExpired) {
      this.closing = true;
    }
    const stream = this.streams.acquire();
    this.stream = stream;
    this.idleTimer.disable();
    stream.begin(this);
    return stream;
  }

  replaceStream(): ActiveStream {
    const stream = this.streams.acquire();
    this.stream = stream;
    stream.begin(this);
    this.codec.replaceDecoder(stream);
    return stream;
  }

  // === ConnectionCallbacks ===

  onConnected(): void {}

  onConnectFailed(_error: number): void {}

  onData(offset: number, length: number): number {
    const seen = this.context.parts.dispatcher.io.bytesRead[this.connection.handle];
    this.context.parts.stats.cxRxBytesTotal.add(seen - this.connection.bytesReceived);
    this.connection.bytesReceived = seen;
    if (this.isLingering) return 0;
    if (!this.sawBytes) this.onFirstByte();
    return this.codec.dispatch(offset, length);
  }

  private onFirstByte(): void {
    this.sawBytes = true;
    const { stats } = this.context.parts;
    stats.cxHttp1Total.inc();
    stats.cxHttp1Active.inc();
  }

  onRemoteClose(): void {
    const { stats } = this.context.parts;
    if (this.isLingering) {
      stats.cxDestroyLocal.inc();
    } else {
      stats.cxDestroyRemote.inc();
      if (this.stream !== null) stats.cxDestroyRemoteActiveRq.inc();
    }
    this.terminate(ResetReason.connectionTermination);
  }

  onConnectionError(_error: number): void {
    this.onRemoteClose();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.codec.onBelowWriteBufferLowWatermark();
  }

  /** An exception escaped a callback of this connection: its stream is reset, nothing else. */
  onException(_error: unknown): void {
    const stream = this.stream;
    if (stream !== null && !stream.isDestroyed) stream.onException();
    if (this.connection.isOpen && !this.isLingering) this.closeNow(true);
  }

  // === timeouts ===

  onTimeout(timer: Timer): void {
    if (this.isClosed) return;
    const { stats } = this.context.parts;
    if (this.isLingering) {
      stats.cxDelayedCloseTimeout.inc();
      stats.cxDestroyLocal.inc();
      // What a slow reader has not taken yet still goes out.
      this.connection.close(CloseMode.flush);
      this.settle();
      return;
    }
    if (timer === this.idleTimer) {
      if (this.stream !== null) return;
      stats.cxIdleTimeout.inc();
      if (this.requestNumber === 0) this.closeNow(true);
      else this.startDrain();
      return;
    }
    if (this.isDraining) {
      if (this.stream !== null) return;
      this.closesDelayed = true;
      this.closeAfterFlush();
      return;
    }
    stats.cxMaxDurationReached.inc();
    if (this.requestNumber === 0) this.closeNow(true);
    else if (this.context.parts.config.isMaxConnectionDurationSafe) {
      this.isExpired = true;
      stats.cxHttp1SoftDrain.inc();
    } else this.startDrain();
  }

  /** Drain sequence: responses say `connection: close`; after drain_timeout an idle connection is closed. */
  private startDrain(): void {
    this.closing = true;
    this.closesDelayed = true;
    this.isDraining = true;
    this.durationTimer.enable(this.context.parts.config.drainTimeoutMs);
  }

  /** Closes the connection if it is idle, else after the running response (listener drain end). */
  drainClose(): void {
    this.closing = true;
    if (this.stream === null && !this.isLingering) this.closeNow(true);
  }

  /** Cuts the connection (shutdown). */
  closeNow(isLocal: boolean): void {
    if (this.isClosed) return;
    const { stats } = this.context.parts;
    if (isLocal) {
      stats.cxDestroyLocal.inc();
      if (this.stream !== null) stats.cxDestroyLocalActiveRq.inc();
    }
    this.terminate(ResetReason.localReset);
  }

  /** The last response is sent: FIN after it, then the peer's turn, bounded by delayed_close_timeout. */
  private closeAfterFlush(): void {
    const { config } = this.context.parts;
    const isUnread = this.codec.hasUnreadInput;
    if ((!this.closesDelayed && !isUnread) || config.delayedCloseTimeoutMs === 0) {
      this.context.parts.stats.cxDestroyLocal.inc();
      this.isLingering = true;
      this.connection.close(CloseMode.flush);
      this.settle();
      return;
    }
    // Unread request bytes would turn our close into a reset that may destroy the response on its way: the peer, told
    // `connection: close`, closes first, or the timer does. What it sent behind its last request is read and dropped meanwhile
    // (RFC 9112 §9.6).
    this.isLingering = true;
    this.codec.stopReading();
    if (isUnread) this.connection.shutdownWrite();
    this.durationTimer.enable(config.delayedCloseTimeoutMs);
  }

  private terminate(reason: ResetReason): void {
    if (this.isClosed) return;
    const { stats } = this.context.parts;
    if (this.stream !== null) stats.cxDestroyActiveRq.inc();
    this.isClosed = true;
    this.codec.onConnectionClosed(reason);
    stats.cxTxBytesTotal.add(this.connection.bytesSent);
    this.connection.bytesSent = 0;
    if (this.connection.isOpen) this.connection.close(CloseMode.now);
    this.isClosed = false;
    this.settle();
  }

  private settle(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const { stats, dispatcher } = this.context.parts;
    stats.cxActive.dec();
    if (this.sawBytes) stats.cxHttp1Active.dec();
    if (this.isExpired) stats.cxHttp1SoftDrain.dec();
    stats.cxDestroy.inc();
    stats.cxLengthMs.record(dispatcher.nowMs - this.connection.startMs);
    this.idleTimer.close();
    this.durationTimer.close();
    this.owner.onClosed(this);
  }
}
