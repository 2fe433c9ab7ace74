import type { HeaderMap } from '../../headers/header_map.ts';
import type { Connection } from '../../network/connection.ts';
import { type RequestEncoder, ResetReason, type ResponseDecoder } from '../codec.ts';
import type { Http1ClientCallbacks } from '../http1/client_connection.ts';
import type { ClientCodec } from './client_codec.ts';

/** What either direction of the tunnel is doing. */
const Side = { idle: 0, open: 1, done: 2 } as const;

/**
 * The upstream end of a terminated CONNECT (RouteAction.UpgradeConfig.connect_config): the request's data goes out as bytes
 * without any framing, bytes that come are the response's body, and the 200 is made here. One exchange per connection.
 *
 *   reading: idle -> open (request headers) -> done (FIN)
 *   writing: idle -> open -> done (the request ended: FIN after what is queued)
 */
export class TcpClientConnection implements RequestEncoder, ClientCodec {
  private readonly connection: Connection;
  private readonly callbacks: Http1ClientCallbacks;
  private readonly slab: Uint8Array;
  private decoder: ResponseDecoder | null;
  private reading: number;
  private writing: number;
  /** No heads are sent or read. */
  readonly requestHeadBytes: number;
  readonly responseHeadBytes: number;
  wireBytesSent: number;
  wireBytesReceived: number;

  constructor(connection: Connection, callbacks: Http1ClientCallbacks, slab: Uint8Array) {
    this.connection = connection;
    this.callbacks = callbacks;
    this.slab = slab;
    this.decoder = null;
    this.reading = Side.idle;
    this.writing = Side.idle;
    this.requestHeadBytes = 0;
    this.responseHeadBytes = 0;
    this.wireBytesSent = 0;
    this.wireBytesReceived = 0;
  }

  newStream(decoder: ResponseDecoder): RequestEncoder {
    this.decoder = decoder;
    this.reading = Side.idle;
    this.writing = Side.open;
    return this;
  }

  /** The connection stands: that is the answer. */
  encodeHeaders(_headers: HeaderMap, endStream: boolean): void {
    const decoder = this.decoder;
    if (decoder === null) return;
    this.reading = Side.open;
    if (endStream) this.endRequest();
    const headers = decoder.responseHeaders;
    headers.clear();
    headers.status = 200;
    decoder.decodeHeaders(headers, false);
  }

  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void {
    if (this.writing !== Side.open) return;
    if (length > 0) {
      this.connection.sendBytes(bytes, offset, length);
      this.wireBytesSent += length;
    }
    if (endStream) this.endRequest();
  }

  /** TCP has no trailers: they are the end. */
  encodeTrailers(_trailers: HeaderMap): void {
    this.encodeData(this.slab, 0, 0, true);
  }

  private endRequest(): void {
    this.writing = Side.done;
    this.connection.shutdownWrite();
  }

  resetStream(reason: ResetReason): void {
    if (this.writing === Side.idle) return;
    this.end();
    this.callbacks.onReset(reason === ResetReason.connectionTermination);
  }

  readDisable(disable: boolean): void {
    this.connection.readDisable(disable);
  }

  isAboveHighWatermark(): boolean {
    return this.connection.isAboveHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.decoder?.onBelowWriteBufferLowWatermark();
  }

  /** Bytes before the first exchange belong to nobody: such a connection is of no use. */
  dispatch(offset: number, length: number): number {
    if (this.reading !== Side.open) {
      this.callbacks.onUnexpectedData();
      return 0;
    }
    this.wireBytesReceived += length;
    this.decoder?.decodeData(offset, length, false);
    return 0;
  }

  /** The upstream sent FIN: the response is complete. */
  onHalfClose(): boolean {
    const decoder = this.decoder;
    if (decoder === null || this.reading !== Side.open) return false;
    this.reading = Side.done;
    decoder.decodeData(0, 0, true);
    // An incomplete request was cut with the connection meanwhile.
    return !this.connection.isOpen;
  }

  onConnectionClosed(reason: ResetReason, transportFailure: string): boolean {
    const decoder = this.decoder;
    const isCut = this.reading === Side.open;
    this.end();
    if (isCut) decoder?.onResetStream(reason, transportFailure);
    return isCut;
  }

  private end(): void {
    this.decoder = null;
    this.reading = Side.done;
    this.writing = Side.idle;
  }
}
