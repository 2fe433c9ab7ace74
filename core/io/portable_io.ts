import { isIP, type Socket } from 'node:net';
import { constants } from 'node:os';
import {
  CloseMode,
  ConnectFailure,
  type ConnectOptions,
  DEFAULT_IO_OPTIONS,
  EVENT_WORDS,
  type Io,
  IoCommand,
  IoEvent,
  type IoOptions,
  type ListenSource,
  type TurnHandler,
} from './io.ts';
import { addressText, errnoOf, fromPath } from './portable_address.ts';
import { bytesFor, copyOf, freeNow } from './portable_buffers.ts';
import { type CommandTarget, decodeCommands } from './portable_commands.ts';
import { openListener } from './portable_listener.ts';
import { Counter, PortableMemory } from './portable_memory.ts';
import { PortableSlot } from './portable_slot.ts';
import { endOf, openSocket } from './portable_socket.ts';
import { PortableTls, slotFailure } from './portable_tls.ts';
import type { TlsClientConfig, TlsFailure, TlsSession } from './tls.ts';

/** Keeps the thread alive while started; never fires in practice. */
const KEEP_ALIVE_MS = 2 ** 31 - 1;
const EINVAL = constants.errno.EINVAL;

/**
 * The I/O seam over `node:net`: same events, commands and order as the ring, for platforms and machines without the addon.
 * A turn runs in a `setImmediate` after sockets reported something. Bytes are copied twice and every event is a JavaScript
 * callback, so a request costs several times what it costs on the ring.
 *
 * What differs (core/io/README.md): a reset while paused or after eof shows only when it reads or writes again; keep-alive
 * takes no interval and probe count; a listener without free numbers refuses instead of letting clients wait.
 */
export class PortableIo implements Io {
  readonly backend = 'portable';
  readonly speaksTls = true;
  readonly maxConnections: number;
  readonly slab: Uint8Array;
  readonly slabBuffer: Buffer;
  readonly staticOffset: number;
  readonly staticSize: number;
  readonly outOffset: number;
  readonly outSize: number;
  readonly events: Int32Array;
  readonly commands: Int32Array;
  readonly control: Int32Array;
  readonly clock: Float64Array;
  readonly queued: Int32Array;
  readonly bytesRead: Float64Array;
  readonly bytesWritten: Float64Array;
  readonly counters: Float64Array;
  private readonly memory: PortableMemory;
  private readonly recvSize: number;
  private readonly slots: (PortableSlot | undefined)[];
  private readonly freeNumbers: number[];
  private freeAfterTurn: number[];
  private freshNumbers: number;
  private ready: PortableSlot[];
  private handler: TurnHandler | undefined;
  private keepAlive: NodeJS.Timeout | undefined;
  private tick: NodeJS.Timeout | undefined;
  private tickDue: boolean;
  private isScheduled: boolean;
  private isClosed: boolean;
  private complained: boolean;
  private readonly target: CommandTarget;
  private readonly tls: PortableTls;

  constructor(options: IoOptions = DEFAULT_IO_OPTIONS) {
    if (options.maxConnections < 1 || options.recvSize < 1 || options.arenaSize < 2 * options.recvSize + 128) {
      throw new RangeError('bad sizes for an io backend');
    }
    const memory = new PortableMemory(options);
    this.maxConnections = options.maxConnections;
    this.slab = memory.slab;
    this.slabBuffer = memory.slabBuffer;
    this.staticOffset = memory.arenaSize;
    this.staticSize = memory.staticSize;
    this.outOffset = memory.arenaSize + memory.staticSize;
    this.outSize = memory.outSize;
    this.events = memory.events;
    this.commands = memory.commands;
    this.control = memory.control;
    this.clock = memory.clock;
    this.queued = memory.queued;
    this.bytesRead = memory.bytesRead;
    this.bytesWritten = memory.bytesWritten;
    this.counters = memory.counters;
    this.memory = memory;
    this.recvSize = options.recvSize;
    this.slots = [];
    this.freeNumbers = [];
    this.freeAfterTurn = [];
    this.freshNumbers = 0;
    this.ready = [];
    this.handler = undefined;
    this.keepAlive = undefined;
    this.tick = undefined;
    this.tickDue = false;
    this.isScheduled = false;
    this.isClosed = false;
    this.complained = false;
    this.target = {
      execute: (connection, op, argument, pairs) => this.execute(connection, op, argument, pairs),
      bad: (what, connection) => this.badCommand(what, connection),
    };
    this.tls = new PortableTls();
    memory.beginTurn();
  }

  start(handler: TurnHandler): void {
    this.assertOpen();
    if (this.handler !== undefined) throw new Error('the io backend is started already');
    this.handler = handler;
    this.keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
    if (this.ready.length > 0) this.schedule();
  }

  updateClock(): void {
    this.memory.updateClock();
  }

  flush(): void {
    this.assertOpen();
    this.runCommands();
  }

  adoptListener(source: ListenSource): number {
    this.assertOpen();
    if ('fd' in source) throw new TypeError('the portable backend listens itself: give it an address');
    const slot = this.allocate();
    if (slot === undefined) throw new Error('no free connection number');
    try {
      slot.server = openListener(source, {
        onAccept: (socket) => this.onAccept(slot, socket),
        onError: (error) => this.fail(slot, errnoOf(error)),
        onAddress: (text) => {
          slot.local = text;
        },
      });
    } catch (error) {
      this.release(slot);
      throw error;
    }
    return slot.id;
  }

  releaseListener(listener: number): void {
    this.assertOpen();
    const slot = this.slots[listener];
    if (slot?.server === undefined) throw new Error(`not a listener: ${listener}`);
    this.release(slot);
  }

  connect(address: string, port: number, options?: ConnectOptions): number {
    this.assertOpen();
    const isUnix = address.startsWith('/') || address.startsWith('@');
    if (!isUnix && (isIP(address) === 0 || !(port >= 0 && port <= 65535))) return -EINVAL;
    const tls = options?.tls;
    if (tls !== undefined && !this.tls.has(tls.context)) return -EINVAL;
    const slot = this.allocate();
    if (slot === undefined) return -constants.errno.EMFILE;
    this.counters[Counter.connects] += 1;
    slot.isConnecting = true;
    const socket = openSocket(address, port, options);
    slot.remote = isUnix ? address : addressText(address, port);
    const onDone = (): void => {
      slot.connectDone = true;
      this.markReady(slot);
    };
    const used = tls === undefined ? socket : this.tls.secure(slot, socket, tls, onDone);
    this.attach(slot, used);
    if (options?.socketOptions !== undefined) this.fail(slot, constants.errno.EOPNOTSUPP | ConnectFailure.option);
    socket.once('connect', () => {
      if (slot.socket !== used) return;
      slot.isTcpConnected = true;
      slot.local = isUnix ? '' : addressText(socket.localAddress, socket.localPort);
      if (!isUnix) slot.remote = addressText(socket.remoteAddress, socket.remotePort);
      if (tls === undefined) onDone();
    });
    return slot.id;
  }

  sendBytes(connection: number, bytes: Uint8Array, offset: number, length: number): void {
    this.assertOpen();
    if (offset < 0 || length < 0 || offset + length > bytes.length) throw new RangeError('sendBytes: range outside the bytes');
    this.runCommands();
    const slot = this.slots[connection];
    if (slot?.socket === undefined) {
      this.counters[Counter.staleCommands] += 1;
    } else if (length > 0 && slot.failure === 0) {
      this.write(slot, slot.socket, copyOf(bytes, offset, length));
    }
  }

  setWatermarks(connection: number, low: number, high: number): void {
    const slot = this.slots[connection];
    if (slot === undefined) return;
    slot.low = low;
    slot.high = high;
    if (this.queued[connection] > high) slot.isAboveHigh = true;
  }

  remoteAddress(connection: number): string {
    return this.slots[connection]?.remote ?? '';
  }

  localAddress(connection: number): string {
    return this.slots[connection]?.local ?? '';
  }

  /** node:net does not tell. */
  originalDestination(): string {
    return '';
  }

  addTlsContext(config: TlsClientConfig): number {
    this.assertOpen();
    return this.tls.add(config);
  }

  removeTlsContext(context: number): void {
    this.assertOpen();
    this.tls.remove(context);
  }

  tlsSession(connection: number): TlsSession | null {
    return this.slots[connection]?.tlsSession ?? null;
  }

  tlsFailure(connection: number): TlsFailure | null {
    return this.slots[connection]?.tlsFailure ?? null;
  }

  setTick(ms: number): void {
    this.assertOpen();
    clearInterval(this.tick);
    this.tick = undefined;
    this.tickDue = false;
    if (ms <= 0) return;
    this.tick = setInterval(() => {
      this.tickDue = true;
      this.schedule();
    }, ms);
    this.tick.unref();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.keepAlive);
    clearInterval(this.tick);
    for (const slot of this.slots) {
      if (slot === undefined) continue;
      const socket = slot.socket;
      this.release(slot);
      socket?.destroy();
    }
    this.ready = [];
  }

  // -- numbers --------------------------------------------------------------------------------------------------------

  private assertOpen(): void {
    if (this.isClosed) throw Object.assign(new Error('the io backend is closed'), { code: 'ERR_IO_CLOSED' });
  }

  private allocate(): PortableSlot | undefined {
    const id = this.freeNumbers.pop() ?? (this.freshNumbers < this.maxConnections ? this.freshNumbers++ : -1);
    if (id < 0) return undefined;
    const slot = new PortableSlot(id);
    this.slots[id] = slot;
    this.queued[id] = 0;
    this.bytesRead[id] = 0;
    this.bytesWritten[id] = 0;
    return slot;
  }

  /** Forgets a number; the socket, if any, is the caller's to end. It can be given out again after the turn. */
  private release(slot: PortableSlot): void {
    slot.server?.close();
    if (slot.socket !== undefined) this.counters[Counter.closes] += 1;
    slot.server = undefined;
    slot.socket = undefined;
    this.slots[slot.id] = undefined;
    this.queued[slot.id] = 0;
    this.freeAfterTurn.push(slot.id);
    this.schedule();
  }

  // -- what node:net tells --------------------------------------------------------------------------------------------

  private onAccept(listener: PortableSlot, socket: Socket): void {
    const slot = listener.server === undefined ? undefined : this.allocate();
    if (slot === undefined) {
      this.counters[Counter.acceptStalls] += 1;
      socket.destroy();
      return;
    }
    this.counters[Counter.accepts] += 1;
    slot.acceptedBy = listener.id;
    slot.remote = addressText(socket.remoteAddress, socket.remotePort);
    slot.local = addressText(socket.localAddress, socket.localPort) || fromPath(listener.local);
    this.attach(slot, socket);
    this.markReady(slot);
  }

  private attach(slot: PortableSlot, socket: Socket): void {
    slot.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (slot.socket !== socket) return;
      this.counters[Counter.receives] += 1;
      this.bytesRead[slot.id] += chunk.length;
      slot.inbox.push(chunk);
      slot.inboxBytes += chunk.length;
      if (slot.inboxBytes >= this.recvSize) socket.pause();
      this.markReady(slot);
    });
    socket.on('end', () => {
      slot.eofSeen = true;
      this.markReady(slot);
    });
    // Also keeps an error after our close from being uncaught.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (slot.socket === socket) this.fail(slot, slotFailure(slot, error));
    });
  }

  private fail(slot: PortableSlot, error: number): void {
    if (slot.failure === 0) slot.failure = error;
    this.queued[slot.id] = 0;
    this.markReady(slot);
  }

  private onWritten(slot: PortableSlot, socket: Socket): void {
    if (slot.socket !== socket) return;
    this.updateQueued(slot, socket);
    if (slot.isAboveHigh && this.queued[slot.id] <= slot.low && slot.failure === 0) {
      slot.isAboveHigh = false;
      slot.drainDue = true;
      this.markReady(slot);
    }
  }

  private updateQueued(slot: PortableSlot, socket: Socket): void {
    const queued = slot.failure === 0 ? socket.writableLength : 0;
    this.queued[slot.id] = queued;
    this.bytesWritten[slot.id] = slot.accepted - queued;
    if (queued > slot.high) slot.isAboveHigh = true;
  }

  // -- the turn -------------------------------------------------------------------------------------------------------

  private markReady(slot: PortableSlot): void {
    if (slot.isReady || this.slots[slot.id] !== slot) return;
    slot.isReady = true;
    this.ready.push(slot);
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled || this.isClosed || this.handler === undefined) return;
    this.isScheduled = true;
    setImmediate(() => this.runTurn());
  }

  private runTurn(): void {
    this.isScheduled = false;
    const handler = this.handler;
    if (this.isClosed || handler === undefined) return;
    const memory = this.memory;
    if (this.control[0] !== 0) this.runCommands();
    this.counters[Counter.waits] += 1;
    memory.beginTurn();
    const ready = this.ready;
    this.ready = [];
    for (const slot of ready) {
      if (!slot.isReady || this.slots[slot.id] !== slot) continue;
      slot.isReady = false;
      if (memory.hasRoom(0)) this.service(slot);
      else this.markReady(slot);
    }
    if (this.tickDue) {
      this.tickDue = false;
      memory.push(-1, IoEvent.tick, 0, 0);
    }
    try {
      if (memory.eventCount > 0) this.deliver(handler);
    } finally {
      for (const id of this.freeAfterTurn) this.freeNumbers.push(id);
      this.freeAfterTurn = [];
    }
  }

  private deliver(handler: TurnHandler): void {
    this.counters[Counter.turns] += 1;
    this.control[1] = this.memory.eventCount;
    try {
      handler();
    } finally {
      // Also after an exception: what was commanded before it stands, what was not consumed is kept.
      if (!this.isClosed) {
        this.runCommands();
        this.holdUnconsumed();
      }
      this.control[1] = 0;
    }
  }

  private service(slot: PortableSlot): void {
    const memory = this.memory;
    if (slot.acceptedBy >= 0) {
      memory.push(slot.id, IoEvent.accept, slot.acceptedBy, 0);
      slot.acceptedBy = -1;
      // Its bytes come in the next turn, as on the ring.
      if (slot.inboxBytes > 0 || slot.eofSeen || slot.failure !== 0) this.markReady(slot);
      return;
    }
    if (slot.isFailed) return;
    if (slot.isConnecting) {
      if (!slot.connectDone && slot.failure === 0) return;
      slot.isConnecting = false;
      slot.isFailed = !slot.connectDone;
      memory.push(slot.id, IoEvent.connect, slot.connectDone ? 0 : slot.failure, 0);
      if (slot.isFailed) return;
    }
    if (slot.drainDue) {
      slot.drainDue = false;
      memory.push(slot.id, IoEvent.drain, this.queued[slot.id], 0);
    }
    if (!slot.isPaused) this.serviceInput(slot);
    if (slot.failure !== 0 && (slot.isPaused || slot.inboxBytes === 0) && !slot.isReady) {
      slot.isFailed = true;
      memory.push(slot.id, IoEvent.error, slot.failure, 0);
    }
  }

  private serviceInput(slot: PortableSlot): void {
    const held = slot.held?.length ?? 0;
    const fresh = Math.min(slot.inboxBytes, this.recvSize);
    if (fresh > 0 || (slot.redeliver && held > 0)) {
      if (!this.memory.hasRoom(held + fresh)) {
        if (this.memory.fitsArena(held + fresh)) {
          this.markReady(slot);
          return;
        }
        // A reader that holds more than the arena will never get further.
        slot.dropInput();
        slot.failure = constants.errno.ENOBUFS;
        return;
      }
      this.deliverData(slot, held, fresh);
    }
    if (slot.inboxBytes > 0) {
      this.markReady(slot);
    } else {
      if (slot.socket?.isPaused() === true) slot.socket.resume();
      if (slot.eofSeen && !slot.eofSent && slot.failure === 0) {
        slot.eofSent = true;
        this.memory.push(slot.id, IoEvent.eof, 0, 0);
      }
    }
  }

  private deliverData(slot: PortableSlot, held: number, fresh: number): void {
    const offset = this.memory.take(held + fresh);
    if (slot.held !== undefined) this.slab.set(slot.held, offset);
    slot.held = undefined;
    slot.redeliver = false;
    slot.readInto(this.slab, offset + held, fresh);
    this.memory.push(slot.id, IoEvent.data, offset, held + fresh);
  }

  private holdUnconsumed(): void {
    const events = this.events;
    const end = this.memory.eventCount * EVENT_WORDS;
    for (let at = 0; at < end; at += EVENT_WORDS) {
      const length = events[at + 3];
      if (events[at + 1] !== IoEvent.data || length === 0) continue;
      if (!this.memory.isRange(events[at + 2], length)) {
        this.badCommand('unconsumed bytes outside the slab', events[at]);
        continue;
      }
      const slot = this.slots[events[at]];
      if (slot?.socket === undefined) continue;
      slot.held = Buffer.from(this.slab.subarray(events[at + 2], events[at + 2] + length));
      this.counters[Counter.heldCopies] += 1;
      if (slot.redeliver) this.markReady(slot);
    }
  }

  // -- commands -------------------------------------------------------------------------------------------------------

  /** A bug of ours above the seam: count it, say it once, and give up that connection (it gets an `error` event). */
  private badCommand(what: string, connection: number): void {
    this.counters[Counter.badCommands] += 1;
    if (!this.complained) {
      this.complained = true;
      process.stderr.write(`envoyts: portable io: bad command (${what}) for connection ${connection}; further ones are only counted\n`);
    }
    const slot = this.slots[connection];
    if (slot?.socket === undefined) return;
    slot.socket.destroy();
    slot.dropInput();
    this.fail(slot, EINVAL);
  }

  private runCommands(): void {
    const words = this.control[0];
    this.control[0] = 0;
    if (words !== 0) decodeCommands(this.commands, words, this.maxConnections, this.target);
  }

  private execute(connection: number, op: number, argument: number, pairs: number): void {
    const slot = this.slots[connection];
    const socket = slot?.socket;
    if (slot === undefined || socket === undefined) {
      this.counters[Counter.staleCommands] += 1;
      return;
    }
    switch (op) {
      case IoCommand.send:
        this.sendRanges(slot, socket, argument, pairs);
        break;
      case IoCommand.close:
        this.executeClose(slot, socket, argument);
        break;
      case IoCommand.pause:
        slot.isPaused = true;
        socket.pause();
        break;
      case IoCommand.resume:
        slot.isPaused = false;
        slot.redeliver = true;
        if (slot.inboxBytes < this.recvSize) socket.resume();
        this.markReady(slot);
        break;
      default:
        if (slot.failure === 0) socket.end();
    }
  }

  private sendRanges(slot: PortableSlot, socket: Socket, count: number, pairs: number): void {
    const commands = this.commands;
    let total = 0;
    for (let i = pairs; i < pairs + count * 2; i += 2) {
      if (!this.memory.isRange(commands[i], commands[i + 1])) {
        this.badCommand('send outside the slab', slot.id);
        return;
      }
      total += commands[i + 1];
    }
    if (total === 0 || slot.failure !== 0) return;
    const bytes = bytesFor(total);
    let at = 0;
    for (let i = pairs; i < pairs + count * 2; i += 2) {
      bytes.set(this.slab.subarray(commands[i], commands[i] + commands[i + 1]), at);
      at += commands[i + 1];
    }
    this.write(slot, socket, bytes);
  }

  private write(slot: PortableSlot, socket: Socket, bytes: Buffer): void {
    this.counters[Counter.sends] += 1;
    slot.accepted += bytes.length;
    socket.write(bytes, (error) => {
      // After an error the system may still be at it.
      if (!error) freeNow(bytes);
      this.onWritten(slot, socket);
    });
    this.updateQueued(slot, socket);
    if (this.queued[slot.id] > 0) this.counters[Counter.shortSends] += 1;
  }

  private executeClose(slot: PortableSlot, socket: Socket, mode: number): void {
    if (mode > CloseMode.reset) {
      this.badCommand('unknown close mode', slot.id);
      return;
    }
    const end = endOf(slot, socket, mode);
    this.release(slot);
    end();
  }
}
