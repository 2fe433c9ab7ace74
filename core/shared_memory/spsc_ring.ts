/**
 * A byte ring in a SharedArrayBuffer with one writing and one reading thread: how log lines leave a worker.
 *
 *     | 32 header words | data: capacity bytes (power of two) | staging area: one line being made |
 *
 * While there is room for the longest line, a line is made where it will stay, running on into the staging area at the end of the
 * data (what lies beyond is then copied to the beginning). In a ring that is small or nearly full it is made in the staging area
 * and copied, so that unread bytes are never written over.
 *
 * Invariants: consumed <= published <= consumed + capacity (as unsigned 32-bit counts that wrap). A line is published whole by one
 * store of `published`, so the reader never sees a part of it. The writer never waits: a line that does not fit is dropped and
 * counted. Who writes which word stands at `RingWord`.
 */

/** Header words (int32). */
export const RingWord = {
  /** Data bytes; set at creation. */
  capacity: 0,
  /** Unread bytes from which the writer wakes the reader. Reader. */
  wakeBytes: 1,
  /** Bytes published since creation, modulo 2^32. Writer. */
  published: 8,
  /** Lines published, lines dropped. Writer. */
  lines: 9,
  dropped: 10,
  /** Bytes consumed since creation, modulo 2^32. Reader. */
  consumed: 16,
  /** 1 = the reader was asked to come. Set by the writer, cleared by the reader, who may wait on it. */
  wake: 24,
} as const;

const HEADER_BYTES = 128;

// Looked up once: the global `Buffer` is an accessor.
const { copy: nativeCopy } = Buffer.prototype;

/** Default size of a ring's data: several thousand lines. */
export const DEFAULT_RING_BYTES = 1 << 20;
/** Longest line that can be made in the ring's own memory; longer ones are made elsewhere and copied. */
export const STAGING_BYTES = 32 << 10;
const STAGING_SHIFT = 15;
const WINDOW_BYTES = 2 * STAGING_BYTES;
/** Unread bytes from which the reader is woken, unless it says otherwise. */
export const DEFAULT_WAKE_BYTES = 64 << 10;

/** Makes a ring; `capacity` is rounded up to a power of two of at least 4 KiB. Pages are touched only when used. */
export function createRing(capacity: number): SharedArrayBuffer {
  let size = 4096;
  while (size < capacity && size < 1 << 30) size *= 2;
  const memory = new SharedArrayBuffer(HEADER_BYTES + size + STAGING_BYTES);
  const words = new Int32Array(memory, 0, HEADER_BYTES / 4);
  words[RingWord.capacity] = size;
  words[RingWord.wakeBytes] = Math.min(DEFAULT_WAKE_BYTES, size >>> 1);
  return memory;
}

/** Memory in which a line is made, twice. */
class LineMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

/** Window `i` begins at `i * STAGING_BYTES`; the last one ends with the staging area. */
function windowsOf(memory: Uint8Array, capacity: number): LineMemory[] {
  if (capacity < 2 * WINDOW_BYTES) return [];
  return Array.from({ length: capacity >>> STAGING_SHIFT }, (_, i) => new LineMemory(memory.subarray(i << STAGING_SHIFT, (i << STAGING_SHIFT) + WINDOW_BYTES)));
}

/** The writing end. One per ring, on one thread. No method allocates or waits. */
export class RingWriter {
  /** The next line may be made at `lineOffset` of `lineBytes`, up to its end; `commit` and `write` change them. At least `STAGING_BYTES`. */
  lineBytes: Uint8Array;
  /** The same memory as `lineBytes`. */
  lineView: DataView;
  lineOffset: number;
  /** Data and staging area. */
  private readonly memory: Uint8Array;
  /** Overlapping parts of `memory` of twice the staging size, one from each multiple of it; none in a ring too small for them. */
  private readonly windows: readonly LineMemory[];
  private readonly staging: LineMemory;
  private readonly words: Int32Array;
  private readonly capacity: number;
  /** Own count, and the last seen of the reader's (it only grows, so the free space is never overestimated). */
  private published: number;
  private consumed: number;
  /** `published` when the reader's need was last looked at: once per so many bytes, not per line. */
  private lookedAt: number;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.capacity = this.words[RingWord.capacity];
    this.memory = new Uint8Array(memory, HEADER_BYTES, this.capacity + STAGING_BYTES);
    this.staging = new LineMemory(this.memory.subarray(this.capacity));
    this.windows = windowsOf(this.memory, this.capacity);
    this.lineBytes = this.staging.bytes;
    this.lineView = this.staging.view;
    this.lineOffset = 0;
    this.published = this.words[RingWord.published];
    this.consumed = this.words[RingWord.consumed];
    this.lookedAt = this.published;
    this.placeNextLine();
  }

  /** Publishes the `length` bytes that were made at `lineOffset` as one line. False: no room, dropped and counted. */
  commit(length: number): boolean {
    if (this.lineBytes === this.staging.bytes) return this.write(this.staging.bytes, 0, length);
    const beyond = (this.published & (this.capacity - 1)) + length - this.capacity;
    if (beyond > 0) nativeCopy.call(this.staging.bytes, this.memory, 0, 0, beyond);
    this.publish(length);
    return true;
  }

  /** Publishes a copy of a range as one line. False: no room, dropped and counted. */
  write(source: Uint8Array, offset: number, length: number): boolean {
    if (!this.hasRoom(length)) return false;
    const at = (this.published & (this.capacity - 1)) >>> 0;
    const first = Math.min(length, this.capacity - at);
    nativeCopy.call(source, this.memory, at, offset, offset + first);
    if (first < length) nativeCopy.call(source, this.memory, 0, offset + first, offset + length);
    this.publish(length);
    return true;
  }

  private hasRoom(length: number): boolean {
    if (this.capacity - ((this.published - this.consumed) | 0) >= length || this.freeNow() >= length) return true;
    this.words[RingWord.dropped]++;
    this.placeNextLine();
    return false;
  }

  /** Chooses where the next line is made: in place while a whole window is free, else in the staging area. */
  private placeNextLine(): void {
    if (this.windows.length > 0) {
      const free = this.capacity - ((this.published - this.consumed) | 0);
      if (free >= WINDOW_BYTES || this.freeNow() >= WINDOW_BYTES) {
        const at = this.published & (this.capacity - 1);
        const memory = this.windows[at >>> STAGING_SHIFT];
        this.lineBytes = memory.bytes;
        this.lineView = memory.view;
        this.lineOffset = at & (STAGING_BYTES - 1);
        return;
      }
    }
    this.lineBytes = this.staging.bytes;
    this.lineView = this.staging.view;
    this.lineOffset = 0;
  }

  /** Free bytes of the data, after a look at what the reader has done. */
  private freeNow(): number {
    this.consumed = Atomics.load(this.words, RingWord.consumed);
    return this.capacity - ((this.published - this.consumed) | 0);
  }

  private publish(length: number): void {
    this.published = (this.published + length) | 0;
    this.words[RingWord.lines]++;
    // Sequentially consistent: the bytes and counts above are seen by whoever sees this.
    Atomics.store(this.words, RingWord.published, this.published);
    this.placeNextLine();
    if (((this.published - this.lookedAt) | 0) >= this.words[RingWord.wakeBytes]) this.wakeReader();
  }

  private wakeReader(): void {
    this.lookedAt = this.published;
    this.consumed = Atomics.load(this.words, RingWord.consumed);
    if (((this.published - this.consumed) | 0) < this.words[RingWord.wakeBytes]) return;
    if (Atomics.exchange(this.words, RingWord.wake, 1) === 0) Atomics.notify(this.words, RingWord.wake);
  }
}

/** The reading end. One per ring, on one thread. */
export class RingReader {
  readonly words: Int32Array;
  private readonly data: Uint8Array;
  private readonly capacity: number;
  private consumed: number;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.capacity = this.words[RingWord.capacity];
    this.data = new Uint8Array(memory, HEADER_BYTES, this.capacity);
    // After a reader that died: go on where it stopped.
    this.consumed = this.words[RingWord.consumed];
  }

  /** Asks to be woken from this many unread bytes on; at most half the ring, so that there is room while the reader comes. */
  setWakeBytes(bytes: number): void {
    Atomics.store(this.words, RingWord.wakeBytes, Math.max(1, Math.min(bytes, this.capacity >>> 1)));
  }

  /** Unread bytes. */
  available(): number {
    return (Atomics.load(this.words, RingWord.published) - this.consumed) | 0;
  }

  /**
   * Copies up to `room` unread bytes to `target` at `at`, frees their space, and returns how many. `room` smaller than what is
   * available may end in the middle of a line: the next call goes on from there.
   */
  read(target: Uint8Array, at: number, room: number): number {
    const count = Math.min(this.available(), room);
    const from = (this.consumed & (this.capacity - 1)) >>> 0;
    const first = Math.min(count, this.capacity - from);
    // Half the cost of `set`, which moves shared bytes word by word.
    nativeCopy.call(this.data, target, at, from, from + first);
    if (first < count) nativeCopy.call(this.data, target, at + first, 0, count - first);
    this.consumed = (this.consumed + count) | 0;
    Atomics.store(this.words, RingWord.consumed, this.consumed);
    return count;
  }

  /** Waits until the writer asks to be read (at once if it has). The promise does not keep the process alive. */
  whenWoken(): Promise<unknown> {
    const result = Atomics.waitAsync(this.words, RingWord.wake, 0);
    return result.async ? result.value : Promise.resolve();
  }

  /** Ends a `whenWoken` that nobody will answer any more. */
  cancelWait(): void {
    Atomics.store(this.words, RingWord.wake, 1);
    Atomics.notify(this.words, RingWord.wake);
  }

  /** Takes back the writer's wish to be read. Call before reading: a wish made while reading is then not lost. */
  clearWake(): void {
    Atomics.store(this.words, RingWord.wake, 0);
  }
}

/** What a ring has seen, for statistics; any thread. Counts wrap at 2^32: take differences. */
export class RingGauge {
  private readonly words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory, 0, HEADER_BYTES / 4);
  }

  lines(): number {
    return this.words[RingWord.lines] >>> 0;
  }

  dropped(): number {
    return this.words[RingWord.dropped] >>> 0;
  }

  /** Published and unread bytes. */
  buffered(): number {
    return Math.max(0, (Atomics.load(this.words, RingWord.published) - Atomics.load(this.words, RingWord.consumed)) | 0);
  }
}
