/** What ring and Maglev tables have in common, and how they are made in pieces. Thread: any. */

/** From a hash to a place in the list of hosts. */
export interface HashTable {
  /** Index of a host; the hash is 64 bits in halves. */
  find(high: number, low: number): number;
  /** All that it consists of: `HashTableKind.open` makes the same table of it on another thread. */
  readonly memory: readonly ArrayBufferLike[];
  /** Entries of each host, in order of the hosts. */
  readonly counts: Uint32Array;
}

/** A table in the making. Each `next` does a part of the work, a millisecond's at most; the last one gives the table. */
export type HashTableBuild = Generator<undefined, HashTable, undefined>;

/** How one policy makes its tables. */
export interface HashTableKind {
  /** `keys` and `shares` (which sum up to 1) are in order of the hosts; there is at least one. `isShared`: in memory that threads share. */
  begin(keys: readonly string[], shares: Float64Array, isShared: boolean): HashTableBuild;
  /** The table that consists of this. */
  open(memory: readonly ArrayBufferLike[]): HashTable;
  /** How much work a table of these shares is; at most 1: so little that whoever needs it makes it at once. */
  cost(shares: Float64Array): number;
}

/** A table that main made: all workers look into the same memory. */
export interface SharedHashTable {
  /** Ids of the hosts that may be chosen, in the order of their priority's list. */
  readonly hostIds: Uint32Array;
  readonly memory: readonly SharedArrayBuffer[];
  readonly counts: Uint32Array;
}

/** Tables of one cluster that other threads made. */
export interface SharedTables {
  /** The table over these hosts; null: there is none (yet). */
  find(hosts: readonly { readonly config: { readonly id: number } }[]): SharedHashTable | null;
}

/** Makes a table in one go. */
export function buildAtOnce(build: HashTableBuild): HashTable {
  for (;;) {
    const result = build.next();
    if (result.done === true) return result.value;
  }
}

/** Zeroed memory, shared between threads or not. */
export function allocate(byteLength: number, isShared: boolean): ArrayBufferLike {
  return isShared ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength);
}

/** Looks a table up by its hosts in a list of tables. */
export function findTable(tables: readonly SharedHashTable[], hosts: readonly { readonly config: { readonly id: number } }[]): SharedHashTable | null {
  return tables.find(({ hostIds }) => hostIds.length === hosts.length && hosts.every((host, i) => host.config.id === hostIds[i])) ?? null;
}
