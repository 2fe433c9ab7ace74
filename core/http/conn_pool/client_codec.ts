import type { RequestEncoder, ResetReason, ResponseDecoder } from '../codec.ts';

/** What a pooled upstream connection asks of whatever speaks on it: HTTP/1, or plain TCP for a terminated CONNECT. */
export interface ClientCodec {
  /** Bytes of the exchange so far: heads (without start lines), everything. */
  readonly requestHeadBytes: number;
  readonly responseHeadBytes: number;
  readonly wireBytesSent: number;
  readonly wireBytesReceived: number;
  newStream(decoder: ResponseDecoder): RequestEncoder;
  dispatch(offset: number, length: number): number;
  onBelowWriteBufferLowWatermark(): void;
  /** The peer sent FIN. True when that was an orderly end, and the connection is closed. */
  onHalfClose(): boolean;
  /** The connection is gone; true when an exchange was cut. */
  onConnectionClosed(reason: ResetReason, transportFailure: string): boolean;
}
