import { remainder64 } from '../../../core/base/product64.ts';
import { XxHash64 } from '../../../core/base/xxhash64.ts';
import { orderByKey, takeTurns } from '../../../core/upstream/consistent_hash/entries.ts';
import type { HashTable } from '../../../core/upstream/consistent_hash/hash_table_balancer.ts';

/** Maglev's look-up table (Eisenbud and others, NSDI 2016, section 3.4): the hash modulo its size is the place of the host. */
export class MaglevTable implements HashTable {
  readonly owners: Uint16Array;

  constructor(owners: Uint16Array) {
    this.owners = owners;
  }

  find(high: number, low: number): number {
    return this.owners[remainder64(high, low, this.owners.length)];
  }
}

/**
 * Each host prefers the places of the table in an order of its own (an offset and a step, both hashes of its key); hosts take the
 * best place that is left in turns, in the order of their keys, the more often the larger their share.
 */
export function buildMaglevTable(keys: readonly string[], shares: Float64Array, size: number): MaglevTable {
  const order = orderByKey(keys);
  const next = new Uint32Array(keys.length);
  const steps = new Uint32Array(keys.length);
  const hash = new XxHash64();
  for (let i = 0; i < order.length; i++) {
    const bytes = Buffer.from(keys[order[i]]);
    hash.hash(bytes, 0, bytes.length);
    next[i] = remainder64(hash.high, hash.low, size);
    hash.hash(bytes, 0, bytes.length, 0, 1);
    steps[i] = remainder64(hash.high, hash.low, size - 1) + 1;
  }
  const owners = new Uint16Array(size);
  const isTaken = new Uint8Array(size);
  const turns = takeTurns(Float64Array.from(order, (host) => shares[host]), size);
  for (let turn = 0; turn < size; turn++) {
    const i = turns[turn];
    const step = steps[i];
    let place = next[i];
    while (isTaken[place] !== 0) {
      place += step;
      if (place >= size) place -= size;
    }
    isTaken[place] = 1;
    owners[place] = order[i];
    place += step;
    next[i] = place >= size ? place - size : place;
  }
  return new MaglevTable(owners);
}
