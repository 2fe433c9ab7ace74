import { EVENT_WORDS, type IoEvent, type IoOptions } from './io.ts';

/** Same capacities as the ring (native/src/abi.h). */
export const EVENT_CAPACITY = 1024;
const COMMAND_CAPACITY = 1 << 18;
const COUNTERS = 16;
const ALIGNMENT = 64;
/** Writable bytes after every data range, for a parser's sentinel. */
const GAP = 8;
/** Event records that one connection may need in one turn. */
const EVENTS_PER_CONNECTION = 8;

/** Indexes into `counters`: see native/src/abi.h. */
export const Counter = {
  turns: 0,
  receives: 1,
  sends: 2,
  waits: 3,
  accepts: 4,
  connects: 5,
  closes: 6,
  shortSends: 7,
  heldCopies: 8,
  badCommands: 9,
  staleCommands: 10,
  acceptStalls: 12,
} as const;

function alignUp(bytes: number): number {
  return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

/**
 * The memory of the portable backend: the slab with the ring's layout, the typed arrays of the `Io` contract, and the
 * bump allocation of one turn. Owned by one `PortableIo`.
 */
export class PortableMemory {
  readonly slab: Uint8Array;
  readonly slabBuffer: Buffer;
  readonly arenaSize: number;
  readonly staticSize: number;
  readonly outSize: number;
  readonly events: Int32Array;
  readonly commands: Int32Array;
  readonly control: Int32Array;
  readonly clock: Float64Array;
  readonly queued: Int32Array;
  readonly bytesRead: Float64Array;
  readonly bytesWritten: Float64Array;
  readonly counters: Float64Array;
  eventCount: number;
  private arenaUsed: number;

  constructor(options: IoOptions) {
    this.arenaSize = alignUp(options.arenaSize);
    this.staticSize = alignUp(options.staticSize);
    this.outSize = alignUp(options.outSize);
    const slab = new ArrayBuffer(this.arenaSize + this.staticSize + this.outSize);
    this.slab = new Uint8Array(slab);
    this.slabBuffer = Buffer.from(slab);
    this.events = new Int32Array(EVENT_CAPACITY * EVENT_WORDS);
    this.commands = new Int32Array(COMMAND_CAPACITY);
    this.control = new Int32Array(2);
    this.clock = new Float64Array(2);
    this.queued = new Int32Array(options.maxConnections);
    this.bytesRead = new Float64Array(options.maxConnections);
    this.bytesWritten = new Float64Array(options.maxConnections);
    this.counters = new Float64Array(COUNTERS);
    this.eventCount = 0;
    this.arenaUsed = 0;
  }

  beginTurn(): void {
    this.eventCount = 0;
    this.arenaUsed = 0;
    this.updateClock();
  }

  updateClock(): void {
    const now = process.hrtime();
    this.clock[0] = now[0] * 1e3 + now[1] / 1e6;
    this.clock[1] = Date.now();
  }

  push(connection: number, kind: (typeof IoEvent)[keyof typeof IoEvent], a: number, b: number): void {
    const at = this.eventCount++ * EVENT_WORDS;
    this.events[at] = connection;
    this.events[at + 1] = kind;
    this.events[at + 2] = a;
    this.events[at + 3] = b;
  }

  /** Whether one connection's events and `bytes` more of arena fit into this turn. */
  hasRoom(bytes: number): boolean {
    return this.eventCount + EVENTS_PER_CONNECTION <= EVENT_CAPACITY && this.arenaUsed + this.cost(bytes) <= this.arenaSize;
  }

  /** Whether `bytes` fit into any turn at all. */
  fitsArena(bytes: number): boolean {
    return this.cost(bytes) <= this.arenaSize;
  }

  /** Takes `bytes` of arena and returns their offset; only after `hasRoom`. */
  take(bytes: number): number {
    const offset = this.arenaUsed;
    this.arenaUsed = alignUp(offset + bytes + GAP);
    return offset;
  }

  isRange(offset: number, length: number): boolean {
    return offset >= 0 && length >= 0 && offset + length <= this.slab.length;
  }

  private cost(bytes: number): number {
    return bytes + GAP + ALIGNMENT;
  }
}
