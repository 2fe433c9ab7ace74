import { type ConnectOptions, EVENT_WORDS, type Io, IoCommand, IoEvent, type ListenSource, type TurnHandler } from './io.ts';

const ARENA_BYTES = 1 << 20;
const STATIC_BYTES = 64 << 10;
const OUT_BYTES = 1 << 20;
const MAX_CONNECTIONS = 64;
const COMMAND_WORDS = 1 << 15;
const ECONNRESET = 104;
/** Bytes behind what is delivered that a parser may overwrite. */
const SENTINEL_ROOM = 8;

/** One connection, or listener, of an OfflineIo. */
export interface OfflineSocket {
  readonly connection: number;
  /** The peer's numeric address and port (a path with port 0). */
  readonly address: string;
  readonly port: number;
  /** Our side of an accepted connection, `ip:port`. */
  readonly ownAddress: string;
  /** Everything sent on it, as Latin-1. */
  sent: string;
  isClosed: boolean;
  isPaused: boolean;
  /** Bytes that the reader did not consume, or that came while it was paused. */
  held: Buffer;
}

/**
 * The I/O seam without a network: whoever owns it says what arrives and reads what was sent. For asking a worker what it would
 * do. The clock stands still unless it is advanced. Listeners are adopted before anything is accepted.
 */
export class OfflineIo implements Io {
  readonly backend = 'portable';
  readonly speaksTls = false;
  readonly maxConnections = MAX_CONNECTIONS;
  readonly slab: Uint8Array;
  readonly slabBuffer: Buffer;
  readonly staticOffset = ARENA_BYTES;
  readonly staticSize = STATIC_BYTES;
  readonly outOffset = ARENA_BYTES + STATIC_BYTES;
  readonly outSize = OUT_BYTES;
  readonly events = new Int32Array(EVENT_WORDS);
  readonly commands = new Int32Array(COMMAND_WORDS);
  readonly control = new Int32Array(2);
  readonly clock: Float64Array;
  readonly queued = new Int32Array(MAX_CONNECTIONS);
  readonly bytesRead = new Float64Array(MAX_CONNECTIONS);
  readonly bytesWritten = new Float64Array(MAX_CONNECTIONS);
  readonly counters = new Float64Array(16);
  /** Connections that were begun since the last `forget`, in order. */
  readonly outgoing: OfflineSocket[] = [];
  readonly listeners: OfflineSocket[] = [];
  private readonly sockets: OfflineSocket[] = [];
  private handler: TurnHandler = () => {};

  /** `wallMs`: the time that it is. */
  constructor(wallMs: number) {
    const memory = new ArrayBuffer(ARENA_BYTES + STATIC_BYTES + OUT_BYTES);
    this.slab = new Uint8Array(memory);
    this.slabBuffer = Buffer.from(memory);
    this.clock = new Float64Array([0, wallMs]);
  }

  // === what its owner does ===

  /** A peer connects to a listener; `ownAddress` is our side, `ip:port`. */
  accept(listener: OfflineSocket, address: string, port: number, ownAddress: string): OfflineSocket {
    const socket = this.open(address, port, ownAddress);
    this.turn(socket.connection, IoEvent.accept, listener.connection, 0);
    return socket;
  }

  /** A connect succeeds. */
  connected(socket: OfflineSocket): void {
    if (!socket.isClosed) this.turn(socket.connection, IoEvent.connect, 0, 0);
  }

  /** Bytes arrive, behind those that are held; at most half a MiB. */
  deliver(socket: OfflineSocket, bytes: Uint8Array): void {
    socket.held = Buffer.concat([socket.held, bytes]);
    this.deliverHeld(socket);
  }

  /** A connection breaks. */
  fail(socket: OfflineSocket): void {
    if (!socket.isClosed) this.turn(socket.connection, IoEvent.error, ECONNRESET, 0);
  }

  /** Makes the numbers of all connections free again. False: some are not closed yet. */
  forget(): boolean {
    if (this.sockets.some((socket) => !socket.isClosed && !this.listeners.includes(socket))) return false;
    this.sockets.length = this.listeners.length;
    this.outgoing.length = 0;
    this.bytesRead.fill(0);
    this.bytesWritten.fill(0);
    return true;
  }

  /** Time passes. */
  advance(ms: number): void {
    this.clock[0] += ms;
    this.clock[1] += ms;
    this.turn(-1, IoEvent.tick, 0, 0);
  }

  private turn(connection: number, kind: number, a: number, b: number): void {
    this.events[0] = connection;
    this.events[1] = kind;
    this.events[2] = a;
    this.events[3] = b;
    this.control[1] = 1;
    this.handler();
    this.flush();
  }

  private deliverHeld(socket: OfflineSocket): void {
    const { held } = socket;
    if (held.length === 0 || socket.isPaused || socket.isClosed) return;
    const at = 64;
    if (at + held.length + SENTINEL_ROOM > ARENA_BYTES) throw new Error('more bytes than an offline connection takes');
    this.slab.set(held, at);
    socket.held = EMPTY;
    this.bytesRead[socket.connection] += held.length;
    this.events[0] = socket.connection;
    this.events[1] = IoEvent.data;
    this.events[2] = at;
    this.events[3] = held.length;
    this.control[1] = 1;
    this.handler();
    const left = this.events[3];
    // What the commands below deliver goes behind it.
    if (left > 0) socket.held = Buffer.from(this.slab.subarray(this.events[2], this.events[2] + left));
    this.flush();
  }

  private open(address: string, port: number, ownAddress: string): OfflineSocket {
    const connection = this.sockets.length;
    if (connection >= MAX_CONNECTIONS) throw new Error('too many offline connections');
    const socket: OfflineSocket = { connection, address, port, ownAddress, sent: '', isClosed: false, isPaused: false, held: EMPTY };
    this.sockets.push(socket);
    return socket;
  }

  // === Io ===

  start(handler: TurnHandler): void {
    this.handler = handler;
  }

  updateClock(): void {}

  flush(): void {
    const { commands } = this;
    const end = this.control[0];
    this.control[0] = 0;
    const resumed: OfflineSocket[] = [];
    for (let p = 0; p < end; ) {
      const op = commands[p] & 255;
      const count = commands[p] >>> 8;
      const socket = this.sockets[commands[p + 1]];
      p += 2;
      switch (op) {
        case IoCommand.send:
          for (let i = 0; i < count; i++, p += 2) this.take(socket, this.slab.subarray(commands[p], commands[p] + commands[p + 1]));
          break;
        case IoCommand.close:
          socket.isClosed = true;
          break;
        case IoCommand.pause:
          socket.isPaused = true;
          break;
        case IoCommand.resume:
          socket.isPaused = false;
          resumed.push(socket);
          break;
        default:
          // shutdownWrite: nothing to see.
          break;
      }
    }
    for (const socket of resumed) this.deliverHeld(socket);
  }

  adoptListener(_source: ListenSource): number {
    const socket = this.open('', 0, '');
    this.listeners.push(socket);
    return socket.connection;
  }

  releaseListener(listener: number): void {
    this.sockets[listener].isClosed = true;
  }

  connect(address: string, port: number, _options?: ConnectOptions): number {
    const socket = this.open(address, port, '');
    this.outgoing.push(socket);
    return socket.connection;
  }

  sendBytes(connection: number, bytes: Uint8Array, offset: number, length: number): void {
    this.flush();
    this.take(this.sockets[connection], bytes.subarray(offset, offset + length));
  }

  setWatermarks(_connection: number, _low: number, _high: number): void {}

  remoteAddress(connection: number): string {
    const { address, port } = this.sockets[connection];
    return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  }

  localAddress(connection: number): string {
    return this.sockets[connection].ownAddress;
  }

  originalDestination(): string {
    return '';
  }

  /** There is no network to secure: a connect with it is as one without. */
  addTlsContext(): number {
    return 0;
  }

  removeTlsContext(): void {}

  tlsSession(): null {
    return null;
  }

  tlsFailure(): null {
    return null;
  }

  setTick(_ms: number): void {}

  close(): void {}

  private take(socket: OfflineSocket, bytes: Uint8Array): void {
    socket.sent += Buffer.from(bytes).toString('latin1');
    this.bytesWritten[socket.connection] += bytes.length;
  }
}

const EMPTY = Buffer.alloc(0);
