import type { Host } from '../host.ts';
import { hashKey, tableShares } from './entries.ts';
import type { ConsistentHashConfig } from './config.ts';
import type { ClusterLoad, LoadBalancer, LoadBalancerContext } from '../load_balancer.ts';
import { BoundedLoad } from './bounded_load.ts';

/** From a hash to a place in the list of hosts. */
export interface HashTable {
  /** Index of a host; the hash is 64 bits in halves. */
  find(high: number, low: number): number;
}

/** `keys` and `shares` (which sum up to 1) are in order of the hosts; there is at least one. */
export type HashTableBuilder = (keys: readonly string[], shares: Float64Array) => HashTable;

/**
 * Chooses by the request's hash in a table that is built whenever the hosts change; by chance when a request has none. With a
 * balance factor, hosts that have too much to do are passed over.
 */
export class HashTableBalancer implements LoadBalancer {
  private hosts: readonly Host[];
  private table: HashTable | null;
  private readonly build: HashTableBuilder;
  private readonly config: ConsistentHashConfig;
  private readonly random: () => number;
  private readonly bound: BoundedLoad | null;

  constructor(config: ConsistentHashConfig, build: HashTableBuilder, random: () => number, load: ClusterLoad) {
    this.hosts = [];
    this.table = null;
    this.config = config;
    this.build = build;
    this.random = random;
    this.bound = config.balanceFactor === 0 ? null : new BoundedLoad(config.balanceFactor, load);
  }

  setHosts(candidates: readonly Host[], members: readonly Host[]): void {
    const { order, shares } = tableShares(candidates.map((host) => host.config), members.map((host) => host.config), this.config.isLocalityWeighted);
    const hosts = order.map((i) => candidates[i]);
    this.hosts = hosts;
    this.table = null;
    if (hosts.length === 0) return;
    const keys = hosts.map((host) => hashKey(host.config, host.address, this.config.usesHostname));
    this.table = this.build(keys, shares);
    this.bound?.setHosts(hosts, shares);
  }

  chooseHost(context: LoadBalancerContext): Host | null {
    if (this.table === null) return null;
    const high = context.hasHash ? context.hashHigh : this.random();
    const low = context.hasHash ? context.hashLow : this.random();
    const index = this.table.find(high, low);
    return this.hosts[this.bound === null ? index : this.bound.choose(index, low)];
  }
}
