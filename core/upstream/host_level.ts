import type { Host } from './host.ts';
import type { BalancerSource, LoadBalancer } from './load_balancer.ts';
import { LocalityWeightedBalancer } from './locality_weighted_balancer.ts';
import type { PriorityCounts } from './priority_load.ts';
import { ZoneAwareBalancer } from './zone_aware/zone_aware_balancer.ts';
import type { ZoneRouting } from './zone_aware/zone_routing.ts';

/** A list of hosts with its balancer, which is made when it is first asked for. */
class HostPool {
  hosts: readonly Host[] = [];
  private balancer: LoadBalancer | null = null;
  private isStale = false;
  private members: readonly Host[] = [];
  private readonly source: BalancerSource;
  private readonly isByLocality: boolean;
  private readonly zones: ZoneRouting | null;

  constructor(source: BalancerSource, isByLocality: boolean, zones: ZoneRouting | null) {
    this.source = source;
    this.isByLocality = isByLocality;
    this.zones = zones;
  }

  /** `members`: all hosts of the priority. */
  setHosts(hosts: readonly Host[], members: readonly Host[]): void {
    this.hosts = hosts;
    this.members = members;
    this.isStale = true;
  }

  /** The balancer looks at its hosts again when it is next used. */
  invalidate(): void {
    this.isStale = true;
  }

  get(): LoadBalancer {
    this.balancer ??= this.create();
    if (this.isStale) {
      this.isStale = false;
      this.balancer.setHosts(this.hosts, this.members);
    }
    return this.balancer;
  }

  private create(): LoadBalancer {
    const { source, zones } = this;
    if (this.isByLocality) return new LocalityWeightedBalancer(source, zones);
    return zones === null ? source.factory.create(source.random, source) : new ZoneAwareBalancer(source, zones);
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
  private readonly zones: ZoneRouting | null;
  /** Per host what it counted as when last looked at. */
  private states: Uint8Array | null;
  private excluded: readonly Host[] = [];

  /** `zones`: what says which zone a request goes to; null: zones do not matter. */
  constructor(source: BalancerSource, hosts: readonly Host[], zones: ZoneRouting | null) {
    const isByLocality = source.factory.locality?.isWeighted === true;
    this.zones = zones;
    this.all = new HostPool(source, false, null);
    this.healthy = new HostPool(source, isByLocality, zones);
    this.degraded = new HostPool(source, isByLocality, zones);
    this.all.setHosts(hosts, hosts);
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
    this.zones?.setHosts(hosts, (i) => (next[i] & HEALTHY) !== 0);
    this.healthy.setHosts(hosts.filter((_, i) => (next[i] & HEALTHY) !== 0), hosts);
    this.degraded.setHosts(hosts.filter((_, i) => (next[i] & DEGRADED) !== 0), hosts);
    this.excluded = hosts.filter((_, i) => (next[i] & EXCLUDED) !== 0);
    return true;
  }

  /** Balancers look at their hosts again. */
  invalidate(): void {
    for (const pool of [this.all, this.healthy, this.degraded]) pool.invalidate();
  }

  counts(isByWeight: boolean): PriorityCounts {
    const [hosts, healthy, degraded, excluded] = [this.all.hosts, this.healthy.hosts, this.degraded.hosts, this.excluded];
    const weights = isByWeight ? { hosts: weightOf(hosts), healthy: weightOf(healthy), degraded: weightOf(degraded), excluded: weightOf(excluded) } : undefined;
    return { hosts: hosts.length, healthy: healthy.length, degraded: degraded.length, excluded: excluded.length, weights };
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

function weightOf(hosts: readonly Host[]): number {
  return hosts.reduce((sum, host) => sum + host.weight, 0);
}

function stateOf(host: Host): number {
  const state = host.isHealthy() ? HEALTHY : host.isDegraded() ? DEGRADED : 0;
  return host.isExcluded() ? state | EXCLUDED : state;
}
