import { EdfScheduler } from '../../../core/upstream/edf_scheduler.ts';
import type { Host } from '../../../core/upstream/host.ts';
import type { SlowStart } from '../../../core/upstream/slow_start.ts';
import type { LoadBalancer, LoadBalancerContext } from '../../../core/upstream/load_balancer.ts';

/**
 * Round robin: a plain rotating index while all weights are equal, an EDF schedule otherwise. Starts at a random place, so that
 * workers and proxies do not all begin with the same host.
 */
export class RoundRobinLoadBalancer implements LoadBalancer {
  private hosts: readonly Host[];
  private weights: Float64Array;
  private scheduler: EdfScheduler | null;
  private next: number;
  private readonly random: () => number;
  private readonly slowStart: SlowStart | null;

  /** `slowStart`: null = hosts have their full weight at once. */
  constructor(random: () => number, slowStart: SlowStart | null = null) {
    this.hosts = [];
    this.weights = new Float64Array(0);
    this.scheduler = null;
    this.next = 0;
    this.random = random;
    this.slowStart = slowStart;
  }

  setHosts(hosts: readonly Host[]): void {
    const isSame = hosts === this.hosts;
    this.hosts = hosts;
    this.scheduler = null;
    if (hosts.length === 0) return;
    // Hosts that have other weights only go on where they were, as in Envoy.
    if (!isSame) this.next = this.random() % hosts.length;
    const first = hosts[0].weight;
    if (hosts.every((host) => host.weight === first) && this.slowStart?.concerns(hosts) !== true) return;
    const scheduler = new EdfScheduler(hosts.length);
    this.weights = Float64Array.from(hosts, (host) => this.slowStart?.apply(host.weight, host) ?? host.weight);
    for (let i = 0; i < hosts.length; i++) scheduler.add(i, this.weights[i]);
    for (let skip = this.random() % hosts.length; skip > 0; skip--) scheduler.pickAndReinsert(this.weights);
    this.scheduler = scheduler;
  }

  chooseHost(_context: LoadBalancerContext): Host | null {
    const hosts = this.hosts;
    if (hosts.length === 0) return null;
    if (this.scheduler !== null) return this.pickByWeight(this.scheduler);
    const index = this.next;
    this.next = index + 1 >= hosts.length ? 0 : index + 1;
    return hosts[index];
  }

  private pickByWeight(scheduler: EdfScheduler): Host {
    const { hosts, slowStart } = this;
    if (slowStart !== null) {
      const index = scheduler.peek();
      this.weights[index] = slowStart.apply(hosts[index].weight, hosts[index]);
    }
    return hosts[scheduler.pickAndReinsert(this.weights)];
  }
}
