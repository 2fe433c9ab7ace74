import type { RequestEncoder, ResetReason, ResponseDecoder } from '../http/codec.ts';
import type { Connection } from '../network/connection.ts';
import type { Host } from '../upstream/host.ts';

/** Instead of the id of a downstream connection: it does not matter, or there is none (copies of requests: they share a pool). */
export const NO_DOWNSTREAM = -1;

/** What a request that waits for a connection is to its pool. Intrusive list links, so that waiting allocates nothing. */
export interface PoolRequest {
  poolNext: PoolRequest | null;
  poolPrevious: PoolRequest | null;
  /** The pool it waits in; null when it does not wait. */
  waitingIn: ConnPool | null;
  /** A connection is there: send. */
  onPoolReady(stream: PooledStream): void;
  /** No connection will come. `transportFailure` says why a connect failed, '' otherwise; `isHostAsked`: it failed at the host's connections, not before. */
  onPoolFailure(reason: ResetReason, transportFailure: string, isHostAsked: boolean): void;
}

/** A stream on a pooled connection. */
export interface PooledStream {
  /** Begins an exchange whose response goes to `decoder`. */
  open(decoder: ResponseDecoder): RequestEncoder;
  /** Wire bytes of the exchange's heads so far. */
  requestHeadBytes(): number;
  responseHeadBytes(): number;
  /** All bytes of the exchange so far. */
  wireBytesSent(): number;
  wireBytesReceived(): number;
  readonly connection: Connection;
  /** False: bytes go out unframed (a terminated CONNECT). */
  readonly isHttp: boolean;
  readonly connectStartMs: number;
  readonly connectEndMs: number;
}

/** The pool without a protocol: all connections of one worker to one host and priority. */
export interface ConnPool {
  readonly host: Host;
  /** Gives `request` a stream at once, or queues it, or fails it. May call back before it returns. */
  newStream(request: PoolRequest): void;
  /** Takes a waiting request out. */
  cancel(request: PoolRequest): void;
  /** The host is gone: closes idle connections, lets busy ones finish; no new streams are asked for. */
  drain(): void;
  /** The host's health failed: connections that are there take no further request; new ones may. */
  renew(): void;
  /** Closes every connection at once; new streams make new ones. */
  cut(): void;
  /** Closes everything at once. */
  close(): void;
}
