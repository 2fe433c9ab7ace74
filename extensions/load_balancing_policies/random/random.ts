import type { Host } from '../../../core/upstream/host.ts';
import type { LoadBalancer, LoadBalancerContext } from '../../../core/upstream/load_balancer.ts';

/** Any host, each with the same chance; weights do not matter. */
export class RandomLoadBalancer implements LoadBalancer {
  private hosts: readonly Host[];
  private readonly random: () => number;

  constructor(random: () => number) {
    this.hosts = [];
    this.random = random;
  }

  setHosts(hosts: readonly Host[]): void {
    this.hosts = hosts;
  }

  chooseHost(_context: LoadBalancerContext): Host | null {
    const hosts = this.hosts;
    return hosts.length === 0 ? null : hosts[this.random() % hosts.length];
  }
}
