import { CloseMode, type ConnectOptions, EVENT_WORDS, type Io, IoCommand, IoEvent, type ListenSource, type TurnHandler } from '../../core/io/io.ts';

const ARENA = 1 << 20;
const STATIC = 64 << 10;
const OUT = 1 << 20;
const CONNECTIONS = 256;

/** What became of one connection number. */
export class FakeSocket {
  readonly connection: number;
  readonly address: string;
  readonly port: number;
  readonly options: ConnectOptions | undefined;
  /** Everything sent on it, as Latin-1. */
  sent = '';
  /** How it was closed; -1 = open. */
  closed = -1;
  writeShut = false;
  paused = false;
  /** Sends pile up in `queued` instead of leaving. */
  stalled = false;
  low = 0;
  high = 0;
  wasAbove = false;
  held: Buffer = Buffer.alloc(0);
  wantsRedelivery = false;

  constructor(connection: number, address: string, port: number, options: ConnectOptions | undefined) {
    this.connection = connection;
    this.address = address;
    this.port = port;
    this.options = options;
  }
}

/**
 * The I/O seam without a kernel: a test says what happens on each connection and reads what was sent. Keeps the seam's rules:
 * unconsumed bytes come again in front of the next ones at another offset, and all memory of a turn is overwritten after it.
 */
export class FakeIo implements Io {
  readonly backend = 'ring' as const;
  readonly speaksTls = false;
  readonly maxConnections = CONNECTIONS;
  readonly slab: Uint8Array;
  readonly slabBuffer: Buffer;
  readonly staticOffset = ARENA;
  readonly staticSize = STATIC;
  readonly outOffset = ARENA + STATIC;
  readonly outSize = OUT;
  readonly events = new Int32Array(EVENT_WORDS * 1024);
  readonly commands = new Int32Array(32768);
  readonly control = new Int32Array(2);
  readonly clock = new Float64Array([1000, 1_700_000_000_000]);
  readonly queued = new Int32Array(CONNECTIONS);
  readonly bytesRead = new Float64Array(CONNECTIONS);
  readonly bytesWritten = new Float64Array(CONNECTIONS);
  readonly counters = new Float64Array(16);
  readonly sockets: FakeSocket[] = [];
  /** Where connections were going before they were redirected, by number. */
  readonly originalDestinations = new Map<number, string>();
  tickMs = 0;
  /** Errno that the next `connect` returns; 0 = it works. */
  connectError = 0;
  /** Number of flushes in the middle of a turn. */
  flushes = 0;
  private handler: TurnHandler = () => {};
  private arena = 64;
  private nextNumber = 1;
  private isInTurn = false;

  constructor() {
    const memory = new ArrayBuffer(ARENA + STATIC + OUT);
    this.slab = new Uint8Array(memory);
    this.slabBuffer = Buffer.from(memory);
  }

  // === what the test does ===

  socket(connection: number): FakeSocket {
    const socket = this.sockets[connection];
    if (socket === undefined) throw new Error(`no connection ${connection}`);
    return socket;
  }

  /** The connection made last. */
  get latest(): FakeSocket {
    return this.socket(this.nextNumber - 1);
  }

  get socketCount(): number {
    return this.nextNumber - 1;
  }

  open(address = '127.0.0.1', port = 1): number {
    const connection = this.nextNumber++;
    this.sockets[connection] = new FakeSocket(connection, address, port, undefined);
    return connection;
  }

  /** A connection arrives at a listener. */
  accept(listener: number): number {
    const connection = this.open();
    this.turn([connection, IoEvent.accept, listener, 0]);
    return connection;
  }

  connected(connection: number, error = 0): void {
    this.turn([connection, IoEvent.connect, error, 0]);
    this.settle();
  }

  /** Bytes arrive: as one event, behind what was held. Kept while the connection is paused. */
  data(connection: number, text: string | Uint8Array): void {
    const socket = this.socket(connection);
    if (socket.closed >= 0) return;
    const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : Buffer.from(text);
    socket.held = Buffer.concat([socket.held, bytes]);
    if (!socket.paused) this.deliver(socket);
    this.settle();
  }

  eof(connection: number): void {
    this.turn([connection, IoEvent.eof, 0, 0]);
    this.settle();
  }

  error(connection: number, errno = 104): void {
    this.turn([connection, IoEvent.error, errno, 0]);
    this.settle();
  }

  /** What piled up leaves; `drain` comes when the queue had been above its high mark. */
  drain(connection: number): void {
    const socket = this.socket(connection);
    socket.stalled = false;
    this.queued[connection] = 0;
    if (!socket.wasAbove && socket.high > 0) return;
    socket.wasAbove = false;
    this.turn([connection, IoEvent.drain, 0, 0]);
    this.settle();
  }

  /** Time passes, in steps of one tick as a worker would be woken. */
  advance(ms: number, stepMs = 8): void {
    for (let left = ms; left > 0; left -= stepMs) {
      const step = Math.min(left, stepMs);
      this.clock[0] += step;
      this.clock[1] += step;
      this.turn([-1, IoEvent.tick, 0, 0]);
    }
    this.settle();
  }

  /** Runs one turn with the given events, executes its commands, spoils its memory. */
  turn(words: readonly number[]): void {
    this.events.set(words);
    this.control[1] = words.length / EVENT_WORDS;
    this.isInTurn = true;
    this.handler();
    this.isInTurn = false;
    this.execute();
    this.slab.fill(0xa5, this.outOffset, this.outOffset + 4096);
  }

  /** Redelivers held bytes that were asked for, until nobody asks. */
  settle(): void {
    for (let rounds = 0; rounds < 100_000; rounds++) {
      const socket = this.sockets.find((candidate) => candidate?.wantsRedelivery && candidate.closed < 0);
      if (socket === undefined) return;
      socket.wantsRedelivery = false;
      if (!socket.paused && socket.held.length > 0) this.deliver(socket);
    }
    throw new Error('bytes are redelivered for ever');
  }

  private deliver(socket: FakeSocket): void {
    const bytes = socket.held;
    socket.wantsRedelivery = false;
    // Another place each time, aligned differently.
    this.arena = this.arena > ARENA / 2 ? 64 + (this.arena & 7) : this.arena + 13;
    const at = this.arena;
    if (at + bytes.length + 8 > ARENA) throw new Error('too many bytes for the arena');
    this.slab.set(bytes, at);
    this.slab.fill(0x41, at + bytes.length, at + bytes.length + 8);
    socket.held = Buffer.alloc(0);
    this.bytesRead[socket.connection] += bytes.length;
    this.events.set([socket.connection, IoEvent.data, at, bytes.length]);
    this.control[1] = 1;
    this.isInTurn = true;
    this.handler();
    this.isInTurn = false;
    const left = this.events[3];
    if (left > 0) {
      if (this.events[2] + left !== at + bytes.length) throw new Error('what is held is not the end of what came');
      socket.held = Buffer.from(this.slab.subarray(this.events[2], this.events[2] + left));
    }
    this.execute();
    this.slab.fill(0xa5, at, at + bytes.length + 8);
    this.slab.fill(0xa5, this.outOffset, this.outOffset + 4096);
  }

  // === Io ===

  start(handler: TurnHandler): void {
    this.handler = handler;
  }

  /** The fake clock moves only when the test says so. */
  updateClock(): void {}

  flush(): void {
    if (this.isInTurn) this.flushes++;
    this.execute();
  }

  adoptListener(_source: ListenSource): number {
    return this.open();
  }

  releaseListener(listener: number): void {
    this.socket(listener).closed = CloseMode.now;
  }

  connect(address: string, port: number, options?: ConnectOptions): number {
    if (this.connectError !== 0) return -this.connectError;
    const connection = this.nextNumber++;
    this.sockets[connection] = new FakeSocket(connection, address, port, options);
    return connection;
  }

  sendBytes(connection: number, bytes: Uint8Array, offset: number, length: number): void {
    this.flush();
    this.take(this.socket(connection), Buffer.from(bytes.subarray(offset, offset + length)));
  }

  setWatermarks(connection: number, low: number, high: number): void {
    const socket = this.socket(connection);
    socket.low = low;
    socket.high = high;
    if (this.queued[connection] > high) socket.wasAbove = true;
  }

  remoteAddress(connection: number): string {
    const socket = this.socket(connection);
    return `${socket.address}:${socket.port}`;
  }

  localAddress(_connection: number): string {
    return '127.0.0.1:9999';
  }

  originalDestination(connection: number): string {
    return this.originalDestinations.get(connection) ?? '';
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

  setTick(ms: number): void {
    this.tickMs = ms;
  }

  close(): void {}

  private take(socket: FakeSocket, bytes: Buffer): void {
    if (socket.closed >= 0) throw new Error(`sent on connection ${socket.connection}, which is closed`);
    socket.sent += bytes.toString('latin1');
    this.bytesWritten[socket.connection] += bytes.length;
    if (socket.stalled) {
      this.queued[socket.connection] += bytes.length;
      if (socket.high > 0 && this.queued[socket.connection] > socket.high) socket.wasAbove = true;
    }
  }

  private execute(): void {
    const { commands } = this;
    const end = this.control[0];
    this.control[0] = 0;
    for (let p = 0; p < end; ) {
      const op = commands[p] & 255;
      const count = commands[p] >>> 8;
      const socket = this.socket(commands[p + 1]);
      p += 2;
      switch (op) {
        case IoCommand.send:
          for (let i = 0; i < count; i++, p += 2) this.take(socket, Buffer.from(this.slab.subarray(commands[p], commands[p] + commands[p + 1])));
          break;
        case IoCommand.close:
          socket.closed = count;
          break;
        case IoCommand.pause:
          socket.paused = true;
          break;
        case IoCommand.resume:
          socket.paused = false;
          socket.wantsRedelivery = true;
          break;
        case IoCommand.shutdownWrite:
          socket.writeShut = true;
          break;
        default:
          throw new Error(`unknown command ${op}`);
      }
    }
  }
}
