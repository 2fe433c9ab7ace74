import type { Host } from './host.ts';

/** How many requests each of some hosts has, of all workers, by index: for balancers that compare many hosts. */
export class ActiveRequests {
  private readonly indexes: Int32Array;
  private readonly slabs: readonly Float64Array[];

  constructor(hosts: readonly Host[]) {
    this.indexes = Int32Array.from(hosts, (host) => host.activeRequestsIndex);
    this.slabs = hosts.length === 0 ? [] : hosts[0].statsOfAll;
  }

  of(host: number): number {
    const at = this.indexes[host];
    const { slabs } = this;
    let sum = 0;
    for (let i = 0; i < slabs.length; i++) sum += slabs[i][at];
    return sum;
  }
}
