import type { Host } from './host.ts';
import type { ClusterLoad, LoadBalancer, LoadBalancerFactory } from './load_balancer.ts';
import type { PriorityCounts } from './priority_load.ts';

/** How a worker makes balancers for one cluster. */
export interface BalancerSource {
  readonly factory: LoadBalancerFactory;
  readonly random: () => number;
  readonly load: ClusterLoad;
}

/** A list of hosts with its balancer, which is made when it is first asked for. */
class HostPool {
  hosts: readonly Host[] = [];
  private balancer: LoadBalancer | null = null;
  private isStale = false;
  private readonly source: BalancerSource;

  constructor(source: BalancerSource) {
    this.source = source;
  }

  setHosts(hosts: readonly Host[]): void {
    this.hosts = hosts;
    this.isStale = true;
  }

  get(): LoadBalancer {
    const { factory, random, load } = this.source;
    this.balancer ??= factory.create(random, load);
    if (this.isStale) {
      this.isStale = false;
      this.balancer.setHosts(this.hosts);
    }
    return this.balancer;
  }
}

const HEALTHY = 1;
const DEGRADED = 2;
const EXCLUDED = 4;

/** Hosts of one priority by availability, each group with a balancer. */
export class HostLevel {
  private readonly all: HostPool;
  private readonly healthy: HostPool;
  private readonly degraded: HostPool;
  /** Per host what it counted as when last looked at. */
  private states: Uint8Array | null;
  private excluded = 0;

  constructor(source: BalancerSource, hosts: readonly Host[]) {
    this.all = new HostPool(source);
    this.healthy = new HostPool(source);
    this.degraded = new HostPool(source);
    this.all.setHosts(hosts);
    this.states = null;
    this.refresh();
  }

  /** Sorts the hosts anew if the health of one changed; answers whether. Allocates nothing if not. */
  refresh(): boolean {
    const { hosts } = this.all;
    const { states } = this;
    if (states !== null) {
      let i = 0;
      while (i < hosts.length && states[i] === stateOf(hosts[i])) i++;
      if (i === hosts.length) return false;
    }
    const next = Uint8Array.from(hosts, stateOf);
    this.states = next;
    this.healthy.setHosts(hosts.filter((_, i) => (next[i] & HEALTHY) !== 0));
    this.degraded.setHosts(hosts.filter((_, i) => (next[i] & DEGRADED) !== 0));
    this.excluded = next.reduce((count, state) => ((state & EXCLUDED) === 0 ? count : count + 1), 0);
    return true;
  }

  counts(): PriorityCounts {
    return { hosts: this.all.hosts.length, healthy: this.healthy.hosts.length, degraded: this.degraded.hosts.length, excluded: this.excluded };
  }

  /** Over all hosts, whatever their health. */
  allBalancer(): LoadBalancer {
    return this.all.get();
  }

  healthyBalancer(): LoadBalancer {
    return this.healthy.get();
  }

  degradedBalancer(): LoadBalancer {
    return this.degraded.get();
  }
}

function stateOf(host: Host): number {
  const state = host.isHealthy() ? HEALTHY : host.isDegraded() ? DEGRADED : 0;
  return host.isExcluded() ? state | EXCLUDED : state;
}
