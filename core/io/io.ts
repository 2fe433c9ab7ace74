/**
 * The I/O seam: what a worker thread may ask of its sockets, and what it is told.
 *
 * Two backends implement it with identical behaviour: `ring_io.ts` (the native addon, Linux) and `portable_io.ts`
 * (`node:net`). Everything above this file is one code for both. Nothing here parses peer bytes.
 *
 * One *turn* = one call of the handler with a batch of events. During a turn all peer bytes lie in `slab` as
 * (offset, length) ranges, and everything JavaScript wants done is appended to `commands` as integers; the backend
 * executes the commands after the handler returns. Bytes in the read arena and in the out area are valid only until
 * this turn's commands have run.
 *
 * Thread: the worker that created it. Nothing here is shared but what `slab.ts` says.
 */

import type { TlsClientConfig, TlsConnect, TlsFailure, TlsSession } from './tls.ts';

/** What happened. Four int32 per event: connection, kind, a, b (see each kind). */
export const IoEvent = {
  /** A listener accepted `connection`. a = listener's connection number, b = 0. */
  accept: 1,
  /** An outgoing connect ended. a = 0 on success, else the positive errno (with a ConnectFailure when it was not the connect that failed). On failure the connection must still be closed by us. */
  connect: 2,
  /** Bytes arrived. a = offset into slab, b = length. A reader that cannot finish writes the unconsumed (offset, length)
   *  back into words 2 and 3 of the event: the backend keeps a copy and puts it in front of the next read (or redelivers
   *  it alone on `resume`). A reader that consumed everything writes 0 into word 3. `slab[offset+length .. +8)` is writable
   *  scratch, so a parser may put a sentinel there. */
  data: 3,
  /** The peer half-closed (FIN): no more data events will come. Sent once. Held bytes are kept. */
  eof: 4,
  /** The connection failed (a = positive errno, e.g. 104 ECONNRESET, 32 EPIPE). Sent once; the connection must still be closed by us. */
  error: 5,
  /** The send queue fell to or below the connection's low watermark after having been above it. a = bytes still queued. */
  drain: 6,
  /** The coarse timer tick asked for with `setTick` is due. connection = -1. */
  tick: 7,
} as const;

/** What to do. The first word of a command is `op | count << 8`, the second the connection, then the arguments. */
export const IoCommand = {
  /** count = number of (offset, length) pairs that follow: send these slab ranges in order. While connecting, queues. */
  send: 1,
  /** count = 0: close after the queue is flushed (FIN); 1: close at once, dropping the queue (still FIN where nothing is
   *  unread); 2: reset (RST). After it no event of this connection is delivered, and the number is reused only after this turn. */
  close: 2,
  /** Stop reading from it. Bytes already in this batch are still delivered. */
  pause: 3,
  /** Read again; held bytes are redelivered in the next batch even when nothing new arrives. Idempotent: on a connection that
   *  is not paused but holds bytes, redelivers them. */
  resume: 4,
  /** Flush the queue, then shut down our write side (FIN), keep reading. */
  shutdownWrite: 5,
} as const;

/** Bytes in one event record (in int32 words). */
export const EVENT_WORDS = 4;

/** How `close` ends a connection (the `count` of the close command). */
export const CloseMode = { flush: 0, now: 1, reset: 2 } as const;
export type CloseMode = (typeof CloseMode)[keyof typeof CloseMode];

/** Added to the errno of a failed connect: what failed was to bind the local address, to set a socket option, or the TLS handshake (`tlsFailure` says why; errno 71). */
export const ConnectFailure = { bind: 1 << 16, option: 1 << 17, tls: 1 << 18, errno: 0xffff } as const;

/** Options for one outgoing connection. */
export interface ConnectOptions {
  /** TCP_NODELAY, default true. */
  noDelay?: boolean;
  /** SO_KEEPALIVE with these seconds; absent = off. */
  keepAlive?: { idleSec?: number; intervalSec?: number; probes?: number };
  /** Local address to bind before connecting. */
  bind?: { address: string; port: number };
  /** Socket options by number, packed (socket_options.ts); the portable backend has none, so the connect fails with them. */
  socketOptions?: Int32Array;
  /** Absent: plain text. */
  tls?: TlsConnect;
}

/** Where a worker's listen socket comes from. */
export type ListenSource = { readonly fd: number } | { readonly address: string; readonly port: number; readonly backlog?: number };

/** The handler the backend calls once per turn. It must not throw: the dispatcher above catches per event. */
export type TurnHandler = () => void;

/**
 * One thread's sockets.
 *
 * Capacity: `maxConnections` numbers (listeners included). Cost: `connect` one system call (plus socket options), commands
 * none until the end of the turn.
 */
export interface Io {
  /** 'ring' or 'portable'. */
  readonly backend: 'ring' | 'portable';
  /** false: its connections are not real, and `ConnectOptions.tls` is nothing to it (dry runs, tests). */
  readonly speaksTls: boolean;
  readonly maxConnections: number;

  /** The whole region: read arena, static literals, out area. */
  readonly slab: Uint8Array;
  /** The same bytes as a Buffer (for latin1Slice and copy). */
  readonly slabBuffer: Buffer;

  /** First byte of the static-literal area (written at start and config time, never moved). */
  readonly staticOffset: number;
  readonly staticSize: number;
  /** First byte and size of the per-turn bump area for what JavaScript writes. */
  readonly outOffset: number;
  readonly outSize: number;

  /** This turn's events, `EVENT_WORDS` each; `eventCount()` of them. */
  readonly events: Int32Array;
  /** Commands to execute at the end of the turn; `control[0]` is the number of words written. */
  readonly commands: Int32Array;
  /** [0] command words written by JavaScript · [1] number of events in this turn. */
  readonly control: Int32Array;
  /** [0] monotonic milliseconds (fractional, µs resolution) read once at the start of this turn · [1] wall-clock milliseconds since the
   *  epoch (fractional), same instant. */
  readonly clock: Float64Array;
  /** Bytes accepted by `send` but not yet taken by the kernel, per connection number; with TLS in part records. */
  readonly queued: Int32Array;
  /** Totals of bytes read / written per connection since accept or connect (wraps never in practice); with TLS of plain text. Index = connection number. */
  readonly bytesRead: Float64Array;
  readonly bytesWritten: Float64Array;
  /** Backend counters for benchmarks and tests: [0] turns [1] recv calls [2] send calls [3] poll waits [4] accepts
   *  [5] connects [6] closes [7] short sends [8] held copies [9] bad commands (our bug, counted and that connection closed). */
  readonly counters: Float64Array;

  /** Starts delivering turns. The process stays alive while started. */
  start(handler: TurnHandler): void;
  /** Brings `clock` up to date outside a turn (a message, a completed promise), where it still shows the last turn's. About 0.1 µs. */
  updateClock(): void;
  /** Executes the commands written so far now, outside or inside a turn (a filter that writes more than the out area holds;
   *  a callback of a timer or MessagePort). Does not reset the out area: whoever owns the turn does. */
  flush(): void;
  /** Starts accepting on a listen socket and returns its connection number. The ring takes `{ fd }`: a descriptor that the main
   *  thread owns and this thread never closes. The portable backend takes `{ address, port }` and listens itself with
   *  SO_REUSEPORT where the platform has it. Throws on a bad descriptor or a refused bind (portable: the failure arrives
   *  asynchronously as an `error` event of that number). */
  adoptListener(source: ListenSource): number;
  /** Stops accepting on that listener (the descriptor stays open). */
  releaseListener(listener: number): void;
  /** Begins a non-blocking connect to a numeric IPv4/IPv6 address, or (port 0 and address begins with '/' or '@') a Unix
   *  socket. Returns the connection number, or a negative errno when the socket could not be made (-24 EMFILE …) .
   *  The result arrives as a `connect` event. */
  connect(address: string, port: number, options?: ConnectOptions): number;
  /** Sends bytes that do not lie in the slab (a buffered body), after everything already commanded; copies what the kernel
   *  does not take. Flushes pending commands first. */
  sendBytes(connection: number, bytes: Uint8Array, offset: number, length: number): void;
  /** The backend emits `drain` when `queued` falls to this after having been above `high`. Default 0 for both: drain when
   *  the queue becomes empty. */
  setWatermarks(connection: number, low: number, high: number): void;
  /** Remote/local address as text: '127.0.0.1:1234', '[::1]:80', a path for Unix sockets, '' if unknown. Cached by callers. */
  remoteAddress(connection: number): string;
  localAddress(connection: number): string;
  /** Where an accepted connection was going before the system redirected it here (SO_ORIGINAL_DST), as text; '' = nobody knows. */
  originalDestination(connection: number): string;
  /**
   * Makes a context for TLS client connections and returns its number. Throws an Error with the library's words on material it
   * does not take. Cost: parses certificates, about a millisecond. A number stays valid until `removeTlsContext`.
   */
  addTlsContext(config: TlsClientConfig): number;
  /** Connections that were made with it live on; the number is not to be used again by the caller. */
  removeTlsContext(context: number): void;
  /** What the handshake came to, from the `connect` event until the connection is closed; null = no TLS, or not done. Makes objects. */
  tlsSession(connection: number): TlsSession | null;
  /** Why TLS failed, in the turn of the failed `connect` or of an `error` event; null = it did not. */
  tlsFailure(connection: number): TlsFailure | null;
  /** Wanted interval of `tick` events in milliseconds; 0 = none. Coarse: a tick may be late by one turn. */
  setTick(ms: number): void;
  /** Closes every socket it made and stops. Idempotent. Adopted descriptors stay open. */
  close(): void;
}

/** Sizes a backend is made with. */
export interface IoOptions {
  /** Connection numbers, listeners included. Memory: about 100 bytes each. */
  maxConnections: number;
  /** Read arena in bytes; at least 2 x recvSize. */
  arenaSize: number;
  staticSize: number;
  outSize: number;
  /** Largest single recv in bytes (fairness: at most one per connection and turn). */
  recvSize: number;
}

export const DEFAULT_IO_OPTIONS: IoOptions = {
  maxConnections: 65536,
  arenaSize: 2 << 20,
  staticSize: 256 << 10,
  // Far more than a turn uses: the system gives memory only for what is touched.
  outSize: 8 << 20,
  recvSize: 65536,
};
