import type { Host } from '../host.ts';
import type { BalancerSource, LoadBalancer, LoadBalancerContext } from '../load_balancer.ts';
import { NOWHERE, type ZoneRouting } from './zone_routing.ts';

/** Chooses a zone, where zones are to be looked at for a request, then a host of it by the policy; else any host by the policy. */
export class ZoneAwareBalancer implements LoadBalancer {
  private readonly source: BalancerSource;
  private readonly routing: ZoneRouting;
  private anywhere: LoadBalancer | null;
  private places: LoadBalancer[];

  constructor(source: BalancerSource, routing: ZoneRouting) {
    this.source = source;
    this.routing = routing;
    this.anywhere = null;
    this.places = [];
  }

  setHosts(hosts: readonly Host[], members: readonly Host[]): void {
    const make = (chosen: readonly Host[], previous: LoadBalancer | null): LoadBalancer => {
      const balancer = previous ?? this.source.factory.create(this.source.random, this.source);
      balancer.setHosts(chosen, chosen);
      return balancer;
    };
    this.anywhere = make(hosts, this.anywhere);
    this.places = this.routing.groupByPlace(hosts, members).map((chosen) => make(chosen, null));
  }

  chooseHost(context: LoadBalancerContext): Host | null {
    const place = this.routing.choose();
    if (place >= 0) return this.places[place].chooseHost(context);
    return place === NOWHERE || this.anywhere === null ? null : this.anywhere.chooseHost(context);
  }
}

