/**
 * Dense ids for hosts: a host's id is the index of its words in the shared slabs for as long as it lives. Fresh ids are given
 * out first and released ones are reused oldest first, so that a worker's last writes for a removed host do not land in a new
 * host's words. Thread: main.
 */
import { MAX_HOSTS } from '../../core/shared_memory/layout.ts';

export class HostIds {
  private readonly capacity: number;
  private readonly released: number[] = [];
  private firstReleased = 0;
  private nextFresh = 0;

  constructor(capacity = MAX_HOSTS) {
    this.capacity = capacity;
  }

  /** Every id ever given out is below this. */
  get end(): number {
    return this.nextFresh;
  }

  /** An unused id, or -1 when all are in use. */
  take(): number {
    if (this.nextFresh < this.capacity) return this.nextFresh++;
    if (this.firstReleased === this.released.length) return -1;
    const id = this.released[this.firstReleased++];
    if (this.firstReleased > 1024 && this.firstReleased * 2 > this.released.length) {
      this.released.splice(0, this.firstReleased);
      this.firstReleased = 0;
    }
    return id;
  }

  release(id: number): void {
    this.released.push(id);
  }
}
