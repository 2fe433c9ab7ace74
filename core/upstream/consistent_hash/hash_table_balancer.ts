import type { HostConfig } from '../cluster_config.ts';
import type { Host } from '../host.ts';
import { type ClusterLoad, configuredLocalityWeight, type LoadBalancer, type LoadBalancerContext } from '../load_balancer.ts';
import { BoundedLoad } from './bounded_load.ts';
import type { ConsistentHashConfig } from './config.ts';
import { hashKey, tableShares } from './entries.ts';
import { buildAtOnce, type HashTable, type HashTableBuild, type HashTableKind, type SharedTables } from './hash_table.ts';
import type { TableQueue } from './table_queue.ts';

/**
 * Chooses by the request's hash in a table; by chance when a request has none. With a balance factor, hosts that have too much to do
 * are passed over.
 *
 * Whenever the hosts change there has to be another table. A small one is made here at once, unless others took this turn's time;
 * others main makes for all workers, or (for subsets, of which main knows nothing) they are made here in pieces between the turns. Until such a one is there, the old one
 * serves: a request whose host in it may no longer be chosen goes, by its hash too, to one of those that may.
 */
export class HashTableBalancer implements LoadBalancer {
  /** Hosts that may be chosen. */
  private candidates: readonly Host[];
  /** What the table's numbers stand for; null: may not be chosen now. */
  private hosts: readonly (Host | null)[];
  private table: HashTable | null;
  private bound: BoundedLoad | null;
  private readonly kind: HashTableKind;
  private readonly config: ConsistentHashConfig;
  private readonly random: () => number;
  private readonly load: ClusterLoad;
  private readonly tables: SharedTables | null;
  private readonly localityWeightOf: (host: HostConfig) => number;
  private readonly queue: TableQueue | null;
  /** The table that is being made here; null: none is. */
  private build: HashTableBuild | null;

  /** `tables`: where those are that are not small; null: none are made elsewhere. `queue`: null = all made here are made at once. */
  constructor(
    config: ConsistentHashConfig, kind: HashTableKind, random: () => number, load: ClusterLoad, tables: SharedTables | null,
    localityWeightOf: (host: HostConfig) => number = configuredLocalityWeight, queue: TableQueue | null = null,
  ) {
    this.candidates = [];
    this.hosts = [];
    this.table = null;
    this.bound = null;
    this.config = config;
    this.kind = kind;
    this.random = random;
    this.load = load;
    this.tables = tables;
    this.localityWeightOf = localityWeightOf;
    this.queue = queue;
    this.build = null;
  }

  setHosts(candidates: readonly Host[], members: readonly Host[]): void {
    const { order, shares } = tableShares(candidates.map((host) => host.config), members.map((host) => host.config), this.config.isLocalityWeighted, this.localityWeightOf);
    const hosts = order.map((i) => candidates[i]);
    this.candidates = hosts;
    this.build = null;
    if (hosts.length === 0) {
      this.table = null;
      return;
    }
    const cost = this.kind.cost(shares);
    if (this.tables === null || cost <= 1) {
      const keys = hosts.map((host) => hashKey(host.config, host.address, this.config.usesHostname));
      const build = this.kind.begin(keys, shares, false);
      if (this.queue === null || this.queue.takesAtOnce(cost)) {
        this.take(buildAtOnce(build), hosts, shares);
        return;
      }
      this.keepOld(hosts);
      this.build = build;
      this.queue.add(build, (one) => this.build === one, (table) => {
        this.build = null;
        this.take(table, hosts, shares);
      });
      return;
    }
    const shared = this.tables.find(hosts);
    if (shared !== null) this.take(this.kind.open(shared.memory), hosts, shares);
    else this.keepOld(hosts);
  }

  chooseHost(context: LoadBalancerContext): Host | null {
    const { candidates, table } = this;
    if (candidates.length === 0) return null;
    const high = context.hasHash ? context.hashHigh : this.random();
    const low = context.hasHash ? context.hashLow : this.random();
    if (table === null) return candidates[(low >>> 0) % candidates.length];
    const index = table.find(high, low);
    return this.hosts[this.bound === null ? index : this.bound.choose(index, low)] ?? candidates[(low >>> 0) % candidates.length];
  }

  private take(table: HashTable, hosts: readonly Host[], shares: Float64Array): void {
    const { balanceFactor } = this.config;
    this.table = table;
    this.hosts = hosts;
    this.bound = balanceFactor === 0 ? null : new BoundedLoad(balanceFactor, this.load);
    this.bound?.setHosts(hosts, shares);
  }

  private keepOld(hosts: readonly Host[]): void {
    const byId = new Map(hosts.map((host) => [host.config.id, host]));
    this.hosts = this.hosts.map((host) => (host === null ? null : byId.get(host.config.id) ?? null));
    // It knows the old hosts only.
    this.bound = null;
  }
}
