import { EdfScheduler } from './edf_scheduler.ts';
import type { Host } from './host.ts';
import type { BalancerSource, LoadBalancer, LoadBalancerContext } from './load_balancer.ts';
import { groupByLocality } from './localities.ts';
import { ZoneAwareBalancer } from './zone_aware/zone_aware_balancer.ts';
import type { ZoneRouting } from './zone_aware/zone_routing.ts';

/**
 * Chooses a locality by its weight, then one of its hosts by the policy. A locality counts less as soon as less of it is available
 * than the overprovisioning factor makes up for. Without any weight localities do not matter, but for
 * routing within the zone.
 */
export class LocalityWeightedBalancer implements LoadBalancer {
  private readonly source: BalancerSource;
  private readonly zones: ZoneRouting | null;
  private balancers: LoadBalancer[];
  private weights: Float64Array;
  private scheduler: EdfScheduler | null;

  /** `zones`: null where they do not matter. */
  constructor(source: BalancerSource, zones: ZoneRouting | null) {
    this.source = source;
    this.zones = zones;
    this.balancers = [];
    this.weights = new Float64Array(0);
    this.scheduler = null;
  }

  setHosts(hosts: readonly Host[], members: readonly Host[]): void {
    const { factory, random, localityWeightOf } = this.source;
    const make = (chosen: readonly Host[]): LoadBalancer => {
      const balancer = factory.create(random, this.source);
      balancer.setHosts(chosen, chosen);
      return balancer;
    };
    const eligible = new Set(hosts);
    const weighted: { weight: number; hosts: readonly Host[] }[] = [];
    for (const group of groupByLocality(members, (host) => host.config, localityWeightOf)) {
      const available = group.hosts.filter((host) => eligible.has(host));
      const counted = group.hosts.reduce((count, host) => (host.isExcluded() ? count : count + 1), 0);
      if (available.length === 0 || counted === 0 || group.weight === 0) continue;
      weighted.push({ weight: group.weight * Math.min(1, ((this.source.overprovisioning / 100) * available.length) / counted), hosts: available });
    }
    this.scheduler = null;
    if (weighted.length === 0) {
      const anyLocality = this.zones === null ? factory.create(random, this.source) : new ZoneAwareBalancer(this.source, this.zones);
      anyLocality.setHosts(hosts, members);
      this.balancers = [anyLocality];
      return;
    }
    this.balancers = weighted.map((locality) => make(locality.hosts));
    this.weights = Float64Array.from(weighted, (locality) => locality.weight);
    const scheduler = new EdfScheduler(weighted.length);
    weighted.forEach((locality, i) => scheduler.add(i, locality.weight));
    for (let skip = random() % weighted.length; skip > 0; skip--) scheduler.pickAndReinsert(this.weights);
    this.scheduler = scheduler;
  }

  chooseHost(context: LoadBalancerContext): Host | null {
    const { scheduler, balancers } = this;
    return balancers[scheduler === null ? 0 : scheduler.pickAndReinsert(this.weights)].chooseHost(context);
  }
}
