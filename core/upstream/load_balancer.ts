import type { SharedTables } from './consistent_hash/hash_table.ts';
import type { Host } from './host.ts';
import type { LocalityConfig } from './locality_config.ts';

/** What a choice may depend on. One reused object per worker. */
export class LoadBalancerContext {
  /** Random integer in [0, 2^32) of this choice. */
  random: number;
  /** Hash of the request by the route's hash policies, 64 bits in signed halves; valid when hasHash. */
  hashHigh: number;
  hashLow: number;
  hasHash: boolean;
  constructor() {
    this.random = 0;
    this.hashHigh = 0;
    this.hashLow = 0;
    this.hasHash = false;
  }
}

/** Chooses among the hosts of one priority level that may be chosen (healthy ones, or all in panic). Per worker, no sharing. */
export interface LoadBalancer {
  /** The hosts changed: the list to choose from, and all hosts of the priority. Not per request. */
  setHosts(hosts: readonly Host[], members: readonly Host[]): void;
  /** Null when there is none. Under 200 ns. */
  chooseHost(context: LoadBalancerContext): Host | null;
}

/** What a balancer may ask about its cluster. */
export interface ClusterLoad {
  /** Requests of all workers that are with upstream hosts. */
  activeRequests(): number;
}

/** Product of a load-balancing policy's factory. */
export interface LoadBalancerFactory {
  /** `random` gives integers in [0, 2^32); `tables`: see HashTableBalancer. */
  create(random: () => number, load: ClusterLoad, tables: SharedTables | null): LoadBalancer;
  /** Its balancers look at the request's hash: without this none is worked out. */
  readonly usesHash?: boolean;
  /** What it does about localities; absent: nothing. */
  readonly locality?: LocalityConfig | undefined;
}

/** How a worker makes balancers for one cluster. */
export interface BalancerSource {
  readonly factory: LoadBalancerFactory;
  readonly random: () => number;
  readonly load: ClusterLoad;
  /** Tables of hashes that main made; null: none are made elsewhere. */
  readonly tables: SharedTables | null;
  /** Percent; 140 unless configured. */
  readonly overprovisioning: number;
}

/** Category in the factory registry. */
export const LOAD_BALANCING_CATEGORY = 'envoy.load_balancing_policies';
