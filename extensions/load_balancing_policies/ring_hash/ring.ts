import { MurmurHash2 } from '../../../core/base/murmur_hash2.ts';
import { XxHash64 } from '../../../core/base/xxhash64.ts';
import { planRing } from '../../../core/upstream/consistent_hash/entries.ts';
import type { RingHashConfig } from '../../../core/upstream/consistent_hash/config.ts';
import type { HashTable } from '../../../core/upstream/consistent_hash/hash_table_balancer.ts';

/** Where the digits of a hash begin for the passes of a radix sort, lower half first: 11 bits each, 10 at the top. */
const DIGIT_SHIFTS = [0, 11, 22];
const DIGIT_MASK = 0x7ff;

/** Hashes in ascending order, each with the host that has it. A hash belongs to the first entry that is not below it. */
export class HashRing implements HashTable {
  private readonly highs: Uint32Array;
  private readonly lows: Uint32Array;
  private readonly owners: Uint16Array;

  /** The entries in any order; the arrays become the ring's. */
  constructor(highs: Uint32Array, lows: Uint32Array, owners: Uint16Array) {
    const order = sortedOrder(highs, lows);
    this.highs = highs.map((_, i) => highs[order[i]]);
    this.lows = lows.map((_, i) => lows[order[i]]);
    this.owners = owners.map((_, i) => owners[order[i]]);
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

/** A host has the hashes of `<key>_0`, `<key>_1`, and so on, as many as its share gives. */
export function buildRing(config: RingHashConfig, keys: readonly string[], shares: Float64Array): HashRing {
  const { counts } = planRing(shares, config.minimumRingSize, config.maximumRingSize);
  let size = 0;
  for (const count of counts) size += count;
  const highs = new Uint32Array(size);
  const lows = new Uint32Array(size);
  const owners = new Uint16Array(size);
  const hash = config.isMurmur ? new MurmurHash2() : new XxHash64();
  let entry = 0;
  for (let host = 0; host < keys.length; host++) {
    const key = Buffer.from(`${keys[host]}_`);
    const bytes = new Uint8Array(key.length + 10);
    bytes.set(key);
    for (let i = 0; i < counts[host]; i++, entry++) {
      hash.hash(bytes, 0, appendDecimal(bytes, key.length, i));
      highs[entry] = hash.high;
      lows[entry] = hash.low;
      owners[entry] = host;
    }
  }
  return new HashRing(highs, lows, owners);
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
function sortedOrder(highs: Uint32Array, lows: Uint32Array): Uint32Array {
  let order = Uint32Array.from(highs, (_, i) => i);
  let next = new Uint32Array(highs.length);
  for (const words of [lows, highs]) {
    for (const shift of DIGIT_SHIFTS) {
      const starts = new Uint32Array(DIGIT_MASK + 2);
      for (const word of words) starts[((word >>> shift) & DIGIT_MASK) + 1]++;
      for (let digit = 0; digit <= DIGIT_MASK; digit++) starts[digit + 1] += starts[digit];
      for (const index of order) next[starts[(words[index] >>> shift) & DIGIT_MASK]++] = index;
      [order, next] = [next, order];
    }
  }
  return order;
}
