/** Used bytes from which commands are flushed at the next point where nobody holds a range; at most half of the area. */
const FLUSH_BYTES = 512 << 10;

/**
 * The per-turn bump area: where JavaScript writes bytes that a command of this turn sends, or that live no longer than this
 * turn. One per worker; `reset()` at the start of each event, when nobody holds a range any more.
 *
 * Invariant: outOffset <= position <= limit; ranges handed out are valid until the commands of this turn have run.
 */
export class TurnBuffer {
  readonly slab: Uint8Array;
  /** The slab again, for copies of several bytes at a time. */
  readonly view: DataView;
  /** Next free byte; written directly by encoders. */
  position: number;
  private readonly start: number;
  private readonly limit: number;
  /** Position from which the area wants to be flushed. */
  private readonly flushFrom: number;
  private staticPosition: number;
  private readonly staticLimit: number;

  constructor(slab: Uint8Array, outOffset: number, outSize: number, staticOffset: number, staticSize: number) {
    this.slab = slab;
    this.view = new DataView(slab.buffer, slab.byteOffset, slab.length);
    this.position = outOffset;
    this.start = outOffset;
    this.limit = outOffset + outSize;
    this.flushFrom = outOffset + Math.min(outSize >>> 1, FLUSH_BYTES);
    this.staticPosition = staticOffset;
    this.staticLimit = staticOffset + staticSize;
  }

  /** Forgets all ranges; the commands that used them must have been executed. */
  reset(): void {
    this.position = this.start;
  }

  /** Bytes free until the end of the area. */
  remaining(): number {
    return this.limit - this.position;
  }

  /** Up to how many bytes from elsewhere are copied in; more are better sent from where they lie. Less the fuller it is. */
  copyLimit(): number {
    return (2 * this.flushFrom - this.start - this.position) >> 2;
  }

  /** Whether so much is used that commands should be flushed as soon as nobody holds a range. */
  wantsFlush(): boolean {
    return this.position > this.flushFrom;
  }

  /**
   * Offset of `length` bytes to write now. Between two points where it can be flushed (see `IoDispatcher.flushIfFull`) the area
   * grows to its end, of which the system gives memory only for what is used; throws beyond that.
   */
  reserve(length: number): number {
    const at = this.position;
    if (at + length > this.limit) throw new Error('turn buffer is full');
    this.position = at + length;
    return at;
  }

  /** Writes a Latin-1 string and returns its offset; its length is `text.length`. */
  writeLatin1(text: string): number {
    const length = text.length;
    const at = this.reserve(length);
    const slab = this.slab;
    for (let i = 0; i < length; i++) slab[at + i] = text.charCodeAt(i);
    return at;
  }

  /** Copies bytes in and returns their offset. */
  writeBytes(bytes: Uint8Array, offset: number, length: number): number {
    const at = this.reserve(length);
    const slab = this.slab;
    if (length < 64) for (let i = 0; i < length; i++) slab[at + i] = bytes[offset + i];
    else slab.set(offset === 0 && length === bytes.length ? bytes : bytes.subarray(offset, offset + length), at);
    return at;
  }

  /** Puts a process-lifetime literal into the static area (start-up only) and returns its offset. */
  literal(text: string): number {
    const at = this.staticPosition;
    if (at + text.length > this.staticLimit) throw new Error('static literal area is full');
    for (let i = 0; i < text.length; i++) this.slab[at + i] = text.charCodeAt(i);
    this.staticPosition = at + text.length;
    return at;
  }
}

/** Writes a non-negative integer (at most 2^53-1) in decimal at `at`; returns the offset after it. */
export function writeDecimal(bytes: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    bytes[at] = 48 + value;
    return at + 1;
  }
  let digits = 1;
  for (let v = value; v >= 10; v = Math.floor(v / 10)) digits++;
  let p = at + digits;
  const end = p;
  let rest = value;
  while (rest > 0x7fffffff) {
    const q = Math.floor(rest / 10);
    bytes[--p] = 48 + (rest - q * 10);
    rest = q;
  }
  let small = rest | 0;
  while (p > at) {
    const q = (small / 10) | 0;
    bytes[--p] = 48 + (small - q * 10);
    small = q;
  }
  return end;
}
