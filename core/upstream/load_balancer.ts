import type { Host } from './host.ts';

/** What a choice may depend on. One reused object per worker. */
export class LoadBalancerContext {
  /** Random integer in [0, 2^32) of this choice. */
  random: number;
  /** Hash of the request by the route's hash policy, valid when hasHash. */
  hash: number;
  hasHash: boolean;
  constructor() {
    this.random = 0;
    this.hash = 0;
    this.hasHash = false;
  }
}

/** Chooses among the hosts of one priority level that may be chosen (healthy ones, or all in panic). Per worker, no sharing. */
export interface LoadBalancer {
  /** The hosts changed: the list to choose from. Not per request. */
  setHosts(hosts: readonly Host[]): void;
  /** Null when there is none. Under 200 ns. */
  chooseHost(context: LoadBalancerContext): Host | null;
}

/** Product of a load-balancing policy's factory. */
export interface LoadBalancerFactory {
  create(random: () => number): LoadBalancer;
}

/** Category in the factory registry. */
export const LOAD_BALANCING_CATEGORY = 'envoy.load_balancing_policies';
