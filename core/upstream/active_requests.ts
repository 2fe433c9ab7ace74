import type { Host } from './host.ts';

const NONE = new Float64Array(0);

/** How many requests each of some hosts has, of all workers, by index: for balancers that compare many hosts. */
export class ActiveRequests {
  private readonly indexes: Int32Array;
  private readonly slabs: readonly Float64Array[];
  private readonly first: Float64Array;

  constructor(hosts: readonly Host[]) {
    this.indexes = Int32Array.from(hosts, (host) => host.activeRequestsIndex);
    this.slabs = hosts.length === 0 ? [] : hosts[0].statsOfAll;
    this.first = this.slabs.length === 1 ? this.slabs[0] : NONE;
  }

  of(host: number): number {
    const at = this.indexes[host];
    const { slabs } = this;
    let sum = 0;
    for (let i = 0; i < slabs.length; i++) sum += slabs[i][at];
    return sum;
  }

  /** One of those with the fewest, each with the same chance; `random` in [0, 2^31). There is at least one host. */
  leastBusy(random: number): number {
    const { indexes, first } = this;
    const count = indexes.length;
    const isAlone = this.slabs.length === 1;
    let least = 0x7fff_ffff;
    let ties = 0;
    for (let i = 0; i < count; i++) {
      const active = isAlone ? first[indexes[i]] : this.of(i);
      if (active < least) {
        least = active;
        ties = 1;
      } else if (active === least) ties++;
    }
    let skip = random % ties;
    let last = 0;
    for (let i = 0; i < count; i++) {
      // Other workers may have changed what was read before: then the last one that fits.
      if ((isAlone ? first[indexes[i]] : this.of(i)) > least) continue;
      last = i;
      if (skip-- === 0) break;
    }
    return last;
  }
}
