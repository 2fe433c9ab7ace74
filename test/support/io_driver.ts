import { connect as netConnect, type NetConnectOpts, type Socket } from 'node:net';
import { createIo } from '../../core/io/create_io.ts';
import { type CloseMode, EVENT_WORDS, type Io, IoCommand, IoEvent, type IoOptions } from '../../core/io/io.ts';
import { boundAddress, closeFd, createListenSocket, nativeAvailable, nativeUnavailableReason } from '../../native/index.ts';

/** Backends the I/O suites run over. Says loudly when the ring is not among them. */
export function backendsUnderTest(): ('ring' | 'portable')[] {
  if (nativeAvailable()) return ['ring', 'portable'];
  console.warn(`\n*** THE RING BACKEND IS NOT TESTED: ${nativeUnavailableReason()} ***\n`);
  return ['portable'];
}

/** One event with its bytes copied out. */
export interface SeenEvent {
  readonly turn: number;
  readonly connection: number;
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly bytes: Buffer;
}

/** How many of the bytes of a data event the reader takes; the rest is given back. */
export type Reader = (event: SeenEvent) => number;

const SMALL: Partial<IoOptions> = { maxConnections: 256, arenaSize: 512 << 10, staticSize: 4096, outSize: 256 << 10, recvSize: 65536 };

/**
 * Drives one `Io` in a test: records every event, lets a reader consume data, and writes commands. Commands given outside a
 * turn are flushed at once.
 */
export class IoDriver {
  readonly io: Io;
  readonly seen: SeenEvent[] = [];
  /** Consumes everything unless replaced. */
  reader: Reader = (event) => event.bytes.length;
  /** Called for every event inside the turn, after the reader. */
  onEvent: (event: SeenEvent) => void = () => {};
  turn = 0;
  private readonly listenFds: number[] = [];
  private inTurn = false;
  private words = 0;
  private out: number;

  constructor(backend: 'ring' | 'portable', options?: Partial<IoOptions>) {
    this.io = createIo(backend, { ...SMALL, ...options });
    this.out = this.io.outOffset;
    this.io.start(() => this.onTurn());
  }

  /** Starts a listener and resolves with its number and port (0 for Unix sockets). */
  async listen(address = '127.0.0.1', backlog?: number): Promise<{ listener: number; port: number; fd: number }> {
    if (this.io.backend === 'ring') {
      const fd = createListenSocket({ address, port: 0, ...(backlog !== undefined ? { backlog } : {}) });
      this.listenFds.push(fd);
      return { listener: this.io.adoptListener({ fd }), port: boundAddress(fd).port, fd };
    }
    const listener = this.io.adoptListener({ address, port: 0, ...(backlog !== undefined ? { backlog } : {}) });
    if (address.startsWith('/') || address.startsWith('@')) await settle();
    else await until(() => this.io.localAddress(listener) !== '', 'the listener has an address');
    return { listener, port: Number(this.io.localAddress(listener).split(':').pop() ?? 0) || 0, fd: -1 };
  }

  /** A listener, a `node:net` peer connected to it, and the number of the accepted connection. */
  async pair(address = '127.0.0.1'): Promise<{ peer: Peer; connection: number; listener: number; port: number }> {
    const { listener, port } = await this.listen(address);
    const before = this.of(IoEvent.accept).length;
    const isUnix = address.startsWith('/') || address.startsWith('@');
    const peer = new Peer(isUnix ? { path: address.replace(/^@/, '\0') } : { host: address, port });
    await until(() => this.of(IoEvent.accept).length > before, 'the connection is accepted');
    return { peer, connection: this.of(IoEvent.accept)[before].connection, listener, port };
  }

  of(kind: number, connection?: number): SeenEvent[] {
    return this.seen.filter((event) => event.kind === kind && (connection === undefined || event.connection === connection));
  }

  /** All data events of a connection as one text; with held bytes they may repeat. */
  text(connection: number): string {
    return Buffer.concat(this.of(IoEvent.data, connection).map((event) => event.bytes)).toString('latin1');
  }

  send(connection: number, ...parts: (string | Uint8Array)[]): void {
    const pairs: number[] = [];
    if (!this.inTurn) this.out = this.io.outOffset;
    for (const part of parts) {
      const bytes = typeof part === 'string' ? Buffer.from(part, 'latin1') : part;
      if (this.out + bytes.length > this.io.outOffset + this.io.outSize) throw new Error('the out area is full');
      this.io.slab.set(bytes, this.out);
      pairs.push(this.out, bytes.length);
      this.out += bytes.length;
    }
    this.sendRanges(connection, ...pairs);
  }

  sendRanges(connection: number, ...pairs: number[]): void {
    this.command(IoCommand.send | ((pairs.length / 2) << 8), connection, ...pairs);
  }

  close(connection: number, mode: CloseMode): void {
    this.command(IoCommand.close | (mode << 8), connection);
  }

  pause(connection: number): void {
    this.command(IoCommand.pause, connection);
  }

  resume(connection: number): void {
    this.command(IoCommand.resume, connection);
  }

  shutdownWrite(connection: number): void {
    this.command(IoCommand.shutdownWrite, connection);
  }

  command(...words: number[]): void {
    if (!this.inTurn) this.words = 0;
    this.io.commands.set(words, this.words);
    this.words += words.length;
    this.io.control[0] = this.words;
    if (!this.inTurn) this.io.flush();
  }

  stop(): void {
    this.io.close();
    for (const fd of this.listenFds) closeFd(fd);
    this.listenFds.length = 0;
  }

  private onTurn(): void {
    const { events, control } = this.io;
    this.turn += 1;
    this.inTurn = true;
    this.words = 0;
    this.out = this.io.outOffset;
    try {
      for (let at = 0; at < control[1] * EVENT_WORDS; at += EVENT_WORDS) this.onOne(events, at);
    } finally {
      this.inTurn = false;
    }
  }

  private onOne(events: Int32Array, at: number): void {
    const [connection, kind, a, b] = events.subarray(at, at + EVENT_WORDS);
    const isData = kind === IoEvent.data;
    const bytes = isData ? Buffer.from(this.io.slab.subarray(a, a + b)) : Buffer.alloc(0);
    const event: SeenEvent = { turn: this.turn, connection, kind, a, b, bytes };
    this.seen.push(event);
    if (isData) {
      const taken = this.reader(event);
      events[at + 2] = a + taken;
      events[at + 3] = b - taken;
    }
    this.onEvent(event);
  }
}

/** A plain `node:net` connection that remembers what happened to it. */
export class Peer {
  readonly socket: Socket;
  readonly chunks: Buffer[] = [];
  received = 0;
  ended = false;
  closed = false;
  error = '';

  constructor(options: NetConnectOpts | Socket) {
    this.socket = 'on' in options ? options : netConnect({ ...options, allowHalfOpen: true });
    this.socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.received += chunk.length;
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
    });
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
}

/** Waits until `condition` holds, letting the loop run; fails with `reason` after `limitMs`. */
export async function until(condition: () => boolean, reason: string, limitMs = 8000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never came true: ${reason}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Lets the loop go round often enough for everything that is due on loopback to have arrived. */
export async function settle(rounds = 20): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
