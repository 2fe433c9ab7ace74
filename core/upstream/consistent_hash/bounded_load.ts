import type { Host } from '../host.ts';
import type { ClusterLoad } from '../load_balancer.ts';
import { MersenneTwister } from './mersenne_twister.ts';

/**
 * Consistent hashing with bounded loads: a host may have at most `factor` percent of its share of the active requests. In place of
 * a host that is over it comes another by a shuffle that the hash seeds, so that the same request goes the same way; when all are
 * over, the one that is least. Requests are those of all workers.
 */
export class BoundedLoad {
  private hosts: readonly Host[] = [];
  private shares = new Float64Array(0);
  private order = new Uint32Array(0);
  private readonly factor: number;
  private readonly load: ClusterLoad;
  private readonly random = new MersenneTwister();

  constructor(factor: number, load: ClusterLoad) {
    this.factor = factor;
    this.load = load;
  }

  setHosts(hosts: readonly Host[], shares: Float64Array): void {
    this.hosts = hosts;
    this.shares = Float64Array.from(shares);
    this.order = new Uint32Array(hosts.length);
  }

  /** The host at `first` if it may take one more, else another; `seed` is the lower half of the hash. */
  choose(first: number, seed: number): number {
    const slots = Math.floor(((this.load.activeRequests() + 1) * this.factor + 99) / 100);
    const overload = this.overload(first, slots);
    return overload <= 1 ? first : this.shuffle(first, overload, slots, seed);
  }

  private shuffle(first: number, overload: number, slots: number, seed: number): number {
    const { order, random } = this;
    const count = order.length;
    for (let i = 0; i < count; i++) order[i] = i;
    random.seed(seed);
    let best = first;
    let least = overload;
    for (let i = 0; i < count; i++) {
      const j = i + this.below(count - i);
      const index = order[j];
      order[j] = order[i];
      order[i] = index;
      if (index === first) continue;
      const load = this.overload(index, slots);
      if (load <= 1) return index;
      if (load < least) {
        best = index;
        least = load;
      }
    }
    return best;
  }

  /** A number in [0, end), each as likely as another. */
  private below(end: number): number {
    const divisor = Math.floor(0x1_0000_0000 / end);
    for (;;) {
      const value = Math.floor(this.random.next() / divisor);
      if (value < end) return value;
    }
  }

  /** Active requests in units of what the host may have. */
  private overload(index: number, slots: number): number {
    return this.hosts[index].activeRequests() / Math.max(Math.ceil(slots * this.shares[index]), 1);
  }
}
