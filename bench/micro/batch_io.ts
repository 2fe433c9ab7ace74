import { type ConnectOptions, EVENT_WORDS, type Io, IoCommand, IoEvent, type ListenSource, type TurnHandler } from '../../core/io/io.ts';

const ARENA_BYTES = 1 << 20;
const STATIC_BYTES = 64 << 10;
const OUT_BYTES = 1 << 20;
const MAX_CONNECTIONS = 1024;
/** Bytes between two deliveries: room for a parser's sentinel. */
const GAP = 64;

/**
 * The I/O seam without sockets, for measuring what a worker itself costs: on every downstream connection the next request arrives as
 * soon as the response before it was sent, on every upstream connection a response as soon as a request was. Whatever is due arrives
 * in one turn, as it does from the ring under load.
 */
export class BatchIo implements Io {
  readonly backend = 'portable';
  readonly speaksTls = false;
  readonly maxConnections = MAX_CONNECTIONS;
  readonly slab: Uint8Array;
  readonly slabBuffer: Buffer;
  readonly staticOffset = ARENA_BYTES;
  readonly staticSize = STATIC_BYTES;
  readonly outOffset = ARENA_BYTES + STATIC_BYTES;
  readonly outSize = OUT_BYTES;
  readonly events = new Int32Array(EVENT_WORDS * MAX_CONNECTIONS);
  readonly commands = new Int32Array(1 << 15);
  readonly control = new Int32Array(2);
  readonly clock = new Float64Array([0, Date.now()]);
  readonly queued = new Int32Array(MAX_CONNECTIONS);
  readonly bytesRead = new Float64Array(MAX_CONNECTIONS);
  readonly bytesWritten = new Float64Array(MAX_CONNECTIONS);
  readonly counters = new Float64Array(16);
  /** Responses that went out downstream. */
  responses = 0;
  private readonly request: Uint8Array;
  private readonly response: Uint8Array;
  private readonly isUpstream = new Uint8Array(MAX_CONNECTIONS);
  private readonly due = new Int32Array(MAX_CONNECTIONS);
  private dueCount = 0;
  private readonly connecting: number[] = [];
  /** Downstream connections that the worker has closed: others take their numbers in the next turn. */
  private readonly closed: number[] = [];
  private listener = 0;
  /** Clients whose response is there, and which close when they were told that it is the last. */
  private readonly answered: number[] = [];
  private readonly clientsClose: boolean;
  private next = 0;
  private handler: TurnHandler = () => {};

  /** `clientsClose`: each client closes after its response. */
  constructor(request: string, response: string, clientsClose: boolean) {
    this.clientsClose = clientsClose;
    const memory = new ArrayBuffer(ARENA_BYTES + STATIC_BYTES + OUT_BYTES);
    this.slab = new Uint8Array(memory);
    this.slabBuffer = Buffer.from(memory);
    this.request = Buffer.from(request, 'latin1');
    this.response = Buffer.from(response, 'latin1');
  }

  /** Opens downstream connections; each has its first request due. */
  open(listener: number, count: number): void {
    this.listener = listener;
    for (let i = 0; i < count; i++) {
      const connection = this.next++;
      this.event(0, connection, IoEvent.accept, listener, 0);
      this.turn(1);
      this.due[this.dueCount++] = connection;
    }
  }

  /** Turns until so many more responses have gone out. `width`: events in a turn at most. */
  run(responses: number, width: number): void {
    const end = this.responses + responses;
    while (this.responses < end) this.step(width);
  }

  private step(width: number): void {
    let count = 0;
    for (const connection of this.connecting.splice(0)) this.event(count++, connection, IoEvent.connect, 0, 0);
    for (const connection of this.answered.splice(0)) this.event(count++, connection, IoEvent.eof, 0, 0);
    for (const connection of this.closed.splice(0)) {
      this.event(count++, connection, IoEvent.accept, this.listener, 0);
      this.bytesRead[connection] = 0;
      this.due[this.dueCount++] = connection;
    }
    let at = GAP;
    const taken = Math.min(this.dueCount, width);
    for (let i = 0; i < taken; i++) {
      const connection = this.due[i];
      const bytes = this.isUpstream[connection] === 1 ? this.response : this.request;
      this.slab.set(bytes, at);
      this.event(count++, connection, IoEvent.data, at, bytes.length);
      this.bytesRead[connection] += bytes.length;
      at = (at + bytes.length + GAP) & ~7;
    }
    this.due.copyWithin(0, taken, this.dueCount);
    this.dueCount -= taken;
    this.clock[0] += 0.05;
    this.clock[1] += 0.05;
    if (count === 0) throw new Error('nothing is due: a response or a request did not go out');
    this.turn(count);
  }

  private event(index: number, connection: number, kind: number, a: number, b: number): void {
    const p = index * EVENT_WORDS;
    this.events[p] = connection;
    this.events[p + 1] = kind;
    this.events[p + 2] = a;
    this.events[p + 3] = b;
  }

  private turn(count: number): void {
    this.control[1] = count;
    this.handler();
    this.flush();
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
    for (let p = 0; p < end; ) {
      const op = commands[p] & 255;
      const count = commands[p] >>> 8;
      const connection = commands[p + 1];
      p += 2;
      if (op === IoCommand.send) {
        p += 2 * count;
        // Heads and bodies of one message go out in one command here: they arrive whole.
        const isUpstream = this.isUpstream[connection] === 1;
        if (!isUpstream) this.responses++;
        if (isUpstream || !this.clientsClose) this.due[this.dueCount++] = connection;
        else this.answered.push(connection);
      } else if (op === IoCommand.close) {
        if (this.isUpstream[connection] === 1) throw new Error('an upstream connection was closed');
        this.closed.push(connection);
      }
    }
  }

  adoptListener(_source: ListenSource): number {
    return this.next++;
  }

  releaseListener(_listener: number): void {}

  connect(_address: string, _port: number, _options?: ConnectOptions): number {
    const connection = this.next++;
    this.isUpstream[connection] = 1;
    this.connecting.push(connection);
    return connection;
  }

  sendBytes(): void {
    throw new Error('not in this load');
  }

  setWatermarks(): void {}
  setTick(): void {}
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
  remoteAddress(): string {
    return '127.0.0.1:40000';
  }
  localAddress(): string {
    return '127.0.0.1:10000';
  }
  originalDestination(): string {
    return '';
  }
  close(): void {}
}
