import { MurmurHash2 } from '../../base/murmur_hash2.ts';
import { XxHash64 } from '../../base/xxhash64.ts';
import type { RingHashConfig } from './config.ts';
import { planRing } from './entries.ts';
import { allocate, type HashTable, type HashTableKind } from './hash_table.ts';

/** Where the digits of a hash begin for the passes of a radix sort, lower half first: 11 bits each, 10 at the top. */
const DIGIT_SHIFTS = [0, 11, 22];
const DIGITS = 0x800;
/** Entries hashed between two pauses: less than 1 ms. */
const HASHES_PER_STEP = 2048;
/** Entries moved between two pauses: about 1 ms. */
const MOVES_PER_STEP = 32_768;
/** Rings of at most this many entries are made by whoever needs them: 3 ms. */
const SMALL_RING = 8192;

/** Hashes in ascending order, each with the host that has it. A hash belongs to the first entry that is not below it. */
export class HashRing implements HashTable {
  readonly memory: readonly ArrayBufferLike[];
  readonly counts: Uint32Array;
  private readonly highs: Uint32Array;
  private readonly lows: Uint32Array;
  private readonly owners: Uint16Array;

  /** Ordered by the hash. */
  constructor(highs: Uint32Array, lows: Uint32Array, owners: Uint16Array, counts: Uint32Array) {
    this.highs = highs;
    this.lows = lows;
    this.owners = owners;
    this.counts = counts;
    this.memory = [highs.buffer, lows.buffer, owners.buffer, counts.buffer];
  }

  get size(): number {
    return this.owners.length;
  }

  find(high: number, low: number): number {
    const { highs, lows } = this;
    const wantedHigh = high >>> 0;
    const wantedLow = low >>> 0;
    let from = 0;
    let to = highs.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const entry = highs[middle];
      if (entry < wantedHigh || (entry === wantedHigh && lows[middle] < wantedLow)) from = middle + 1;
      else to = middle;
    }
    return this.owners[from === highs.length ? 0 : from];
  }
}

/** Rings as this configuration wants them. */
export function ringTables(config: RingHashConfig): HashTableKind {
  return {
    begin: (keys, shares, isShared) => buildRing(config, keys, shares, isShared),
    open: ([highs, lows, owners, counts]) => new HashRing(new Uint32Array(highs), new Uint32Array(lows), new Uint16Array(owners), new Uint32Array(counts)),
    cost: (shares) => planRing(shares, config.minimumRingSize, config.maximumRingSize).size / SMALL_RING,
  };
}

/** A host has the hashes of `<key>_0`, `<key>_1`, and so on, as many as its share gives. */
export function* buildRing(config: RingHashConfig, keys: readonly string[], shares: Float64Array, isShared = false): Generator<undefined, HashRing, undefined> {
  const { counts } = planRing(shares, config.minimumRingSize, config.maximumRingSize);
  let size = 0;
  for (const count of counts) size += count;
  const highs = new Uint32Array(size);
  const lows = new Uint32Array(size);
  const owners = new Uint16Array(size);
  const hash = config.isMurmur ? new MurmurHash2() : new XxHash64();
  let entry = 0;
  let sincePause = 0;
  for (let host = 0; host < keys.length; host++) {
    const key = Buffer.from(`${keys[host]}_`);
    const bytes = new Uint8Array(key.length + 10);
    bytes.set(key);
    for (let i = 0; i < counts[host]; i++, entry++) {
      hash.hash(bytes, 0, appendDecimal(bytes, key.length, i));
      highs[entry] = hash.high;
      lows[entry] = hash.low;
      owners[entry] = host;
      if (++sincePause < HASHES_PER_STEP) continue;
      sincePause = 0;
      yield;
    }
  }
  const order = yield* sortedOrder(highs, lows);
  const ring = new HashRing(
    new Uint32Array(allocate(size * 4, isShared)), new Uint32Array(allocate(size * 4, isShared)), new Uint16Array(allocate(size * 2, isShared)), copyOf(counts, isShared),
  );
  const [sortedHighs, sortedLows, sortedOwners] = [new Uint32Array(ring.memory[0]), new Uint32Array(ring.memory[1]), new Uint16Array(ring.memory[2])];
  for (let from = 0; from < size; from += MOVES_PER_STEP) {
    if (from > 0) yield;
    const to = Math.min(size, from + MOVES_PER_STEP);
    for (let i = from; i < to; i++) {
      sortedHighs[i] = highs[order[i]];
      sortedLows[i] = lows[order[i]];
      sortedOwners[i] = owners[order[i]];
    }
  }
  return ring;
}

function copyOf(counts: Uint32Array, isShared: boolean): Uint32Array {
  const copy = new Uint32Array(allocate(counts.byteLength, isShared));
  copy.set(counts);
  return copy;
}

/** Writes `value` at `start` and returns where it ends. */
function appendDecimal(bytes: Uint8Array, start: number, value: number): number {
  let end = start + 1;
  for (let rest = value; rest >= 10; rest = (rest / 10) | 0) end++;
  let rest = value;
  for (let i = end - 1; i >= start; i--) {
    bytes[i] = 48 + (rest % 10);
    rest = (rest / 10) | 0;
  }
  return end;
}

/** Indexes by ascending hash: a radix sort, linear and stable. */
function* sortedOrder(highs: Uint32Array, lows: Uint32Array): Generator<undefined, Uint32Array, undefined> {
  const size = highs.length;
  let order = new Uint32Array(size);
  for (let from = 0; from < size; from += MOVES_PER_STEP) {
    yield;
    const to = Math.min(size, from + MOVES_PER_STEP);
    for (let i = from; i < to; i++) order[i] = i;
  }
  let next = new Uint32Array(size);
  for (const words of [lows, highs]) {
    for (const shift of DIGIT_SHIFTS) {
      const starts = new Uint32Array(DIGITS + 1);
      for (let from = 0; from < size; from += MOVES_PER_STEP) {
        if (from > 0) yield;
        countDigits(words, shift, starts, from, Math.min(size, from + MOVES_PER_STEP));
      }
      for (let digit = 0; digit < DIGITS; digit++) starts[digit + 1] += starts[digit];
      for (let from = 0; from < size; from += MOVES_PER_STEP) {
        if (from > 0) yield;
        moveByDigit(words, shift, starts, order, next, from, Math.min(size, from + MOVES_PER_STEP));
      }
      [order, next] = [next, order];
    }
  }
  return order;
}

function countDigits(words: Uint32Array, shift: number, starts: Uint32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) starts[((words[i] >>> shift) & (DIGITS - 1)) + 1]++;
}

function moveByDigit(words: Uint32Array, shift: number, starts: Uint32Array, order: Uint32Array, next: Uint32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const index = order[i];
    next[starts[(words[index] >>> shift) & (DIGITS - 1)]++] = index;
  }
}
