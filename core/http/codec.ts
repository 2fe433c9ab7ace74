/**
 * The codec contracts: what the connection manager and the pools ask of a protocol, whatever its version. A codec may carry
 * many streams at once (HTTP/2); HTTP/1 carries one. All calls run inside a turn, on the connection's worker.
 */
import type { HeaderMap } from '../headers/header_map.ts';

/** Why a stream ended abruptly. */
export const ResetReason = {
  none: 0,
  /** We reset it. */
  localReset: 1,
  /** The peer reset it. */
  remoteReset: 2,
  /** No connection could be made (refused, unreachable …). */
  remoteConnectionFailure: 3,
  localConnectionFailure: 4,
  /** The connection ended while the stream was on it. */
  connectionTermination: 5,
  /** A circuit breaker or the pending queue's limit. */
  overflow: 6,
  connectionTimeout: 7,
  /** The peer broke the protocol. */
  protocolError: 8,
  overloadManager: 9,
  httpResponseTooLarge: 10,
} as const;
export type ResetReason = (typeof ResetReason)[keyof typeof ResetReason];

/** As in `upstream_reset_before_response_started{…}` and the reply's body. */
export const RESET_REASON_TEXT: readonly string[] = [
  '', 'local reset', 'remote reset', 'remote connection failure', 'local connection failure', 'connection termination',
  'overflow', 'connection timeout', 'protocol error', 'overload manager reset', 'response too large',
];

/** Receives a request from a server codec: one per stream. */
export interface RequestDecoder {
  /** The map the codec parses into. */
  readonly requestHeaders: HeaderMap;
  readonly requestTrailers: HeaderMap;
  decodeHeaders(headers: HeaderMap, endStream: boolean): void;
  /** A range of the slab. */
  decodeData(offset: number, length: number, endStream: boolean): void;
  decodeTrailers(trailers: HeaderMap): void;
  /** The peer or the connection ended the stream. */
  onResetStream(reason: ResetReason): void;
  /** The request broke the protocol: answer with this status if nothing was answered yet, then close. */
  onProtocolError(status: number, details: string): void;
  /** Space in the write queue again. */
  onBelowWriteBufferLowWatermark(): void;
}

/** Sends a response: one per stream, made by the server codec. */
export interface ResponseEncoder {
  /** A 1xx other than 101. */
  encode1xxHeaders(headers: HeaderMap): void;
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** Ends the stream abruptly (HTTP/1: the connection). */
  resetStream(reason: ResetReason): void;
  /** Stops or resumes the request's body. Calls balance. */
  readDisable(disable: boolean): void;
  /** Whether more than the buffer limit waits to be sent; asking arms onBelowWriteBufferLowWatermark. */
  isAboveHighWatermark(): boolean;
}

/** The connection manager as a server codec sees it. */
export interface ServerConnectionCallbacks {
  /** A request begins. */
  newStream(encoder: ResponseEncoder): RequestDecoder;
}

/** Receives a response from a client codec: one per upstream request. */
export interface ResponseDecoder {
  /** The map the codec parses into, cleared by it. */
  readonly responseHeaders: HeaderMap;
  readonly responseTrailers: HeaderMap;
  decode1xxHeaders(headers: HeaderMap): void;
  decodeHeaders(headers: HeaderMap, endStream: boolean): void;
  decodeData(offset: number, length: number, endStream: boolean): void;
  decodeTrailers(trailers: HeaderMap): void;
  onResetStream(reason: ResetReason, transportFailure: string): void;
  onBelowWriteBufferLowWatermark(): void;
}

/** Sends a request: one per upstream request, made by a client codec. */
export interface RequestEncoder {
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Uint8Array, offset: number, length: number, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  resetStream(reason: ResetReason): void;
  readDisable(disable: boolean): void;
  isAboveHighWatermark(): boolean;
}

/** What HTTP/1 framing says of a body. */
export const BodyKind = { none: 0, length: 1, chunked: 2, untilClose: 3 } as const;
