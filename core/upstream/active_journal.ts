const ENTRIES = 4096;

/**
 * Which hosts of a cluster this worker's request counts changed of, most recent last: balancers that keep hosts in order of their
 * requests read on from where they were. One per cluster and worker, of clusters with such a balancer only; the last 4,096 are kept.
 */
export class ActiveJournal {
  /** Where the entries are: number `i` at `i & (capacity - 1)`. */
  readonly entries: Int32Array;
  /** Number of the next entry; wraps around at 2^31. */
  next: number;

  constructor() {
    this.entries = new Int32Array(ENTRIES);
    this.next = 0;
  }

  get capacity(): number {
    return ENTRIES;
  }

  /** `index`: the host's `activeRequestsIndex`. */
  add(index: number): void {
    const { next } = this;
    this.entries[next & (ENTRIES - 1)] = index;
    this.next = (next + 1) | 0;
  }
}
