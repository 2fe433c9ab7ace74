import { withoutPort } from '../base/cidr.ts';
import { CloseMode } from '../io/io.ts';
import type { MetadataStructs, ConnectionInfo } from '../stream_info/stream_info.ts';
import type { UpstreamTls } from '../stream_info/upstream_tls.ts';
import type { IoDispatcher, IoHandler } from './io_dispatcher.ts';

/** Who uses a connection: the connection manager downstream, a pool's client upstream. All calls run inside a turn. */
export interface ConnectionCallbacks {
  onConnected(): void;
  /** `error` is a positive errno. The connection is closed already. */
  onConnectFailed(error: number): void;
  /** Returns how many bytes at the end were not consumed: they are kept and redelivered with more. */
  onData(offset: number, length: number): number;
  /** The peer sent FIN. */
  onRemoteClose(): void;
  /** The connection failed (errno); it is closed already. */
  onConnectionError(error: number): void;
  /** The write queue fell to its low watermark after `isAboveHighWatermark` had been seen. */
  onBelowWriteBufferLowWatermark(): void;
  /** An exception escaped: end whatever was going on, close the connection. */
  onException(error: unknown): void;
}

/** State of the transport. */
export const ConnectionState = { connecting: 0, open: 1, closing: 2, closed: 3 } as const;

/**
 * One transport connection on its worker, either side.
 *
 *   connecting -> open -> closing (flushing what is queued) -> closed
 *
 * After `close` no callback comes. Reads are disabled by count, as several parties (pipelining, back-pressure) may ask.
 */
export class Connection implements IoHandler, ConnectionInfo {
  /** Number in the I/O layer; reused after close. Another one only while several addresses are tried (address_race.ts). */
  handle: number;
  /** Dense per worker, for logs. */
  readonly id: number;
  private readonly dispatcher: IoDispatcher;
  private readonly callbacks: ConnectionCallbacks;
  private readDisableCount: number;
  state: number;
  /** per_connection_buffer_limit_bytes; 0 = no limit. High watermark; the low one is half. */
  private readonly bufferLimit: number;
  private aboveHigh: boolean;
  private remote: string | undefined;
  private host: string | undefined;
  private local: string | undefined;
  /** '' = not restored. */
  originalDestination: string;
  readonly filterChainName: string;
  readonly requestedServerName: string;
  /** Of the listener that accepted it; undefined = none. */
  listenerMetadata: MetadataStructs | undefined;
  listenerDirection: number;
  /** Of an outgoing connection, once its handshake is done; null = it is plain. */
  upstreamTls: UpstreamTls | null;
  /** Bytes of bodies and heads commanded to be sent, and received. */
  bytesSent: number;
  bytesReceived: number;
  readonly startMs: number;

  constructor(
    dispatcher: IoDispatcher, handle: number, id: number, callbacks: ConnectionCallbacks, bufferLimit: number, isConnecting: boolean, filterChainName: string,
  ) {
    this.handle = handle;
    this.id = id;
    this.dispatcher = dispatcher;
    this.callbacks = callbacks;
    this.readDisableCount = 0;
    this.state = isConnecting ? ConnectionState.connecting : ConnectionState.open;
    this.bufferLimit = bufferLimit;
    this.aboveHigh = false;
    this.remote = undefined;
    this.host = undefined;
    this.local = undefined;
    this.originalDestination = '';
    this.filterChainName = filterChainName;
    this.requestedServerName = '';
    this.listenerMetadata = undefined;
    this.listenerDirection = 0;
    this.upstreamTls = null;
    this.bytesSent = 0;
    this.bytesReceived = 0;
    this.startMs = dispatcher.nowMs;
    dispatcher.setHandler(handle, this);
  }

  /** `ip:port` of the peer; one native call the first time. */
  get remoteAddress(): string {
    this.remote ??= this.dispatcher.io.remoteAddress(this.handle);
    return this.remote;
  }

  /** The peer's address without its port; made once. */
  get remoteHost(): string {
    this.host ??= withoutPort(this.remoteAddress);
    return this.host;
  }

  get localAddress(): string {
    this.local ??= this.dispatcher.io.localAddress(this.handle);
    return this.local;
  }

  /** What counts as our side: where it was going before it was redirected here. */
  restoreDestination(address: string): void {
    this.originalDestination = address;
    this.local = address;
  }

  get isOpen(): boolean {
    return this.state <= ConnectionState.open;
  }

  /** Sends a range of the slab. */
  send(offset: number, length: number): void {
    this.bytesSent += length;
    this.dispatcher.commands.send(this.handle, offset, length);
  }

  /** Sends bytes from other memory: small ones are copied into the turn's area, large ones go out at once. */
  sendBytes(bytes: Uint8Array, offset: number, length: number): void {
    const turn = this.dispatcher.turn;
    this.bytesSent += length;
    if (bytes === turn.slab) this.dispatcher.commands.send(this.handle, offset, length);
    else if (length <= turn.copyLimit()) this.dispatcher.commands.send(this.handle, turn.writeBytes(bytes, offset, length), length);
    else this.dispatcher.commands.sendBytes(this.handle, bytes, offset, length);
  }

  /** A point where nobody holds a range of the turn's buffer: see `IoDispatcher`. */
  flushIfFull(): void {
    this.dispatcher.flushIfFull();
  }

  /** Whether more is queued than the buffer limit. Asking arms the drain callback. */
  isAboveHighWatermark(): boolean {
    if (this.bufferLimit === 0) return false;
    const io = this.dispatcher.io;
    if (io.queued[this.handle] <= this.bufferLimit) return false;
    if (!this.aboveHigh) {
      this.aboveHigh = true;
      io.setWatermarks(this.handle, this.bufferLimit >>> 1, this.bufferLimit);
    }
    return true;
  }

  /** Stops or resumes reading; calls must balance. */
  readDisable(disable: boolean): void {
    if (!this.isOpen) return;
    if (disable) {
      if (this.readDisableCount++ === 0) this.dispatcher.commands.pause(this.handle);
    } else if (this.readDisableCount > 0 && --this.readDisableCount === 0) {
      this.dispatcher.commands.resume(this.handle);
    }
  }

  get isReadDisabled(): boolean {
    return this.readDisableCount > 0;
  }

  /** Asks for held bytes to be delivered again in the next turn. */
  redeliver(): void {
    if (this.isOpen && this.readDisableCount === 0) this.dispatcher.commands.resume(this.handle);
  }

  /** Flushes and sends FIN, keeps reading. */
  shutdownWrite(): void {
    if (this.isOpen) this.dispatcher.commands.shutdownWrite(this.handle);
  }

  /** Ends it; no callback comes after. */
  close(mode: CloseMode): void {
    if (this.state >= ConnectionState.closing) return;
    // Made before the number is gone: log lines are written after.
    this.remote ??= '';
    this.state = ConnectionState.closed;
    this.dispatcher.commands.close(this.handle, mode);
    this.dispatcher.setHandler(this.handle, null);
  }

  // === IoHandler ===

  onAccept(_connection: number): void {}

  onConnect(error: number): void {
    if (error !== 0) {
      this.close(CloseMode.now);
      this.callbacks.onConnectFailed(error);
      return;
    }
    this.state = ConnectionState.open;
    this.callbacks.onConnected();
  }

  onData(offset: number, length: number): number {
    return this.callbacks.onData(offset, length);
  }

  onEof(): void {
    this.callbacks.onRemoteClose();
  }

  onError(error: number): void {
    // The log lines of what ends now still name the peer.
    this.remote ??= this.dispatcher.io.remoteAddress(this.handle);
    this.local ??= this.dispatcher.io.localAddress(this.handle);
    this.close(CloseMode.now);
    this.callbacks.onConnectionError(error);
  }

  onDrain(_queued: number): void {
    if (!this.aboveHigh) return;
    this.aboveHigh = false;
    this.callbacks.onBelowWriteBufferLowWatermark();
  }

  onException(error: unknown): void {
    this.callbacks.onException(error);
    if (this.isOpen) this.close(CloseMode.reset);
  }
}
