import { remainder64 } from '../../base/product64.ts';
import { XxHash64 } from '../../base/xxhash64.ts';
import type { MaglevConfig } from './config.ts';
import { orderInPieces } from './key_order.ts';
import { allocate, type HashTable, type HashTableBuild, type HashTableKind } from './hash_table.ts';

/** Hosts hashed between two pauses: less than 1 ms. */
const KEYS_PER_STEP = 512;
/**
 * Places looked at between two pauses: some 10 us; but each of the first ones of a large table is on a page of memory that nobody has
 * touched yet, which takes hundreds of times longer.
 */
const PROBES_PER_STEP = 1024;
/**
 * Tables of at most this many places and hosts are made by whoever needs them: 2 to 4 ms, the first one of a thread 11 ms. (Places of
 * a table are found slower the more hosts there are, as each has an order of its own.)
 */
const SMALL_PLACES = 65_537;
const SMALL_HOSTS = 256;

/** Maglev's look-up table (Eisenbud and others, NSDI 2016, section 3.4): the hash modulo its size is the place of the host. */
export class MaglevTable implements HashTable {
  readonly owners: Uint16Array;
  readonly memory: readonly ArrayBufferLike[];
  readonly counts: Uint32Array;

  constructor(owners: Uint16Array, counts: Uint32Array) {
    this.owners = owners;
    this.memory = [owners.buffer, counts.buffer];
    this.counts = counts;
  }

  find(high: number, low: number): number {
    return this.owners[remainder64(high, low, this.owners.length)];
  }
}

/** Tables of `config.tableSize` places. */
export function maglevTables(config: MaglevConfig): HashTableKind {
  return {
    begin: (keys, shares, isShared) => buildMaglevTable(keys, shares, config.tableSize, isShared),
    open: ([owners, counts]) => new MaglevTable(new Uint16Array(owners), new Uint32Array(counts)),
    cost: (shares) => Math.max(config.tableSize / SMALL_PLACES, shares.length / SMALL_HOSTS),
  };
}

/**
 * Each host prefers the places of the table in an order of its own (an offset and a step, both hashes of its key); hosts take the
 * best place that is left in turns, in the order of their keys, the more often the larger their share.
 */
export function* buildMaglevTable(keys: readonly string[], shares: Float64Array, size: number, isShared = false): HashTableBuild {
  const filling = new Filling(yield* orderInPieces(keys), shares, size, isShared);
  for (let from = 0; from < keys.length; from += KEYS_PER_STEP) {
    yield;
    filling.prefer(keys, from, Math.min(keys.length, from + KEYS_PER_STEP));
  }
  yield;
  while (!filling.continue(PROBES_PER_STEP)) yield;
  return filling.table;
}

/** A table that is being filled. */
class Filling {
  readonly table: MaglevTable;
  /** Hosts in the order of their keys. */
  private readonly order: Uint32Array;
  private readonly shares: Float64Array;
  private readonly next: Uint32Array;
  private readonly steps: Uint32Array;
  private readonly isTaken: Uint8Array;
  /** In which round a host's next turn comes, times its share. */
  private readonly targets: Float64Array;
  private readonly hash = new XxHash64();
  private most = 0;
  private taken = 0;
  private round = 1;
  /** Whose turn it may be: index of `order`. */
  private position = 0;

  constructor(order: Uint32Array, shares: Float64Array, size: number, isShared: boolean) {
    const count = order.length;
    this.order = order;
    this.shares = Float64Array.from(order, (host) => shares[host]);
    for (const share of shares) this.most = Math.max(this.most, share);
    this.next = new Uint32Array(count);
    this.steps = new Uint32Array(count);
    this.targets = new Float64Array(count);
    this.isTaken = new Uint8Array(size);
    this.table = new MaglevTable(new Uint16Array(allocate(size * 2, isShared)), new Uint32Array(allocate(count * 4, isShared)));
  }

  /** Works out which places these hosts prefer: those at `from` to `to` of the order. */
  prefer(keys: readonly string[], from: number, to: number): void {
    const size = this.table.owners.length;
    for (let i = from; i < to; i++) {
      const bytes = Buffer.from(keys[this.order[i]]);
      this.hash.hash(bytes, 0, bytes.length);
      this.next[i] = remainder64(this.hash.high, this.hash.low, size);
      this.hash.hash(bytes, 0, bytes.length, 0, 1);
      this.steps[i] = remainder64(this.hash.high, this.hash.low, size - 1) + 1;
    }
  }

  /** Looks at so many places, or a few more; whether the table is full. */
  continue(probes: number): boolean {
    const { shares, next, steps, isTaken, targets, most, order } = this;
    const { owners, counts } = this.table;
    const size = owners.length;
    let { taken, round, position } = this;
    let left = probes;
    while (taken < size && left > 0) {
      left--;
      if (position === order.length) {
        position = 0;
        round++;
      }
      // The heaviest host has a turn in every round, others in every so many as their share says.
      if (round * shares[position] < targets[position]) {
        position++;
        continue;
      }
      const step = steps[position];
      let place = next[position];
      while (isTaken[place] !== 0 && left > 0) {
        left--;
        place += step;
        if (place >= size) place -= size;
      }
      if (isTaken[place] !== 0) {
        next[position] = place;
        break;
      }
      isTaken[place] = 1;
      owners[place] = order[position];
      counts[order[position]]++;
      targets[position] += most;
      place += step;
      next[position] = place >= size ? place - size : place;
      position++;
      taken++;
    }
    this.taken = taken;
    this.round = round;
    this.position = position;
    return taken === size;
  }
}
