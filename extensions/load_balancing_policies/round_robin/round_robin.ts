import { EdfScheduler } from '../../../core/upstream/edf_scheduler.ts';
import type { Host } from '../../../core/upstream/host.ts';
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

  constructor(random: () => number) {
    this.hosts = [];
    this.weights = new Float64Array(0);
    this.scheduler = null;
    this.next = 0;
    this.random = random;
  }

  setHosts(hosts: readonly Host[]): void {
    this.hosts = hosts;
    this.scheduler = null;
    if (hosts.length === 0) return;
    this.next = this.random() % hosts.length;
    const first = hosts[0].weight;
    if (hosts.every((host) => host.weight === first)) return;
    const scheduler = new EdfScheduler(hosts.length);
    this.weights = Float64Array.from(hosts, (host) => host.weight);
    for (let i = 0; i < hosts.length; i++) scheduler.add(i, hosts[i].weight);
    for (let skip = this.random() % hosts.length; skip > 0; skip--) scheduler.pickAndReinsert(this.weights);
    this.scheduler = scheduler;
  }

  chooseHost(_context: LoadBalancerContext): Host | null {
    const hosts = this.hosts;
    if (hosts.length === 0) return null;
    if (this.scheduler !== null) return hosts[this.scheduler.pickAndReinsert(this.weights)];
    const index = this.next;
    this.next = index + 1 >= hosts.length ? 0 : index + 1;
    return hosts[index];
  }
}
