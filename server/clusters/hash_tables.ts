/**
 * Makes a cluster's tables of hashes for all workers: those that are not small, in pieces, so that neither main's loop nor a worker's
 * stands still meanwhile. Thread: main.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { workFor } from '../../core/event/work_slice.ts';
import type { ClusterConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
import type { ConsistentHashConfig, MaglevConfig, RingHashConfig } from '../../core/upstream/consistent_hash/config.ts';
import { hashKey, tableShares } from '../../core/upstream/consistent_hash/entries.ts';
import type { HashTable, HashTableKind, SharedHashTable } from '../../core/upstream/consistent_hash/hash_table.ts';
import { maglevTables } from '../../core/upstream/consistent_hash/maglev_table.ts';
import { ringTables } from '../../core/upstream/consistent_hash/ring.ts';
import { hostAddressText } from '../../core/upstream/host.ts';
import { eligibleHosts, type EligibilityConfig } from './eligible_hosts.ts';

export const RING_HASH = 'envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash';
export const MAGLEV = 'envoy.extensions.load_balancing_policies.maglev.v3.Maglev';

/** How long tables are made before the loop has its turn. */
const SLICE_MS = 5;

/** How the cluster's policy makes its tables; null: it has none. */
function kindOf({ lbPolicy }: ClusterConfig): HashTableKind | null {
  if (lbPolicy.typeName === RING_HASH) return ringTables(lbPolicy.config as RingHashConfig);
  return lbPolicy.typeName === MAGLEV ? maglevTables(lbPolicy.config as MaglevConfig) : null;
}

/** One table to be made. */
interface Plan {
  readonly hostIds: Uint32Array;
  readonly keys: readonly string[];
  readonly shares: Float64Array;
}

interface Made extends Plan {
  readonly table: SharedHashTable;
}

export interface HashTablesEvents {
  /** These are the tables over the hosts as they were when this was asked for; before `onUpToDate`. */
  onHashTables(tables: readonly SharedHashTable[]): void;
  /** Nothing is left to make, after `update` answered that there is (perhaps several times). */
  onUpToDate(): void;
}

export class ClusterHashTables {
  private readonly config: ClusterConfig;
  private readonly kind: HashTableKind;
  private readonly events: HashTablesEvents;
  private made: readonly Made[] = [];
  private plans: readonly Plan[] = [];
  private isMaking = false;
  private isClosed = false;

  /** null: the cluster's policy needs none. */
  static create(config: ClusterConfig, events: HashTablesEvents): ClusterHashTables | null {
    const kind = kindOf(config);
    return kind === null ? null : new ClusterHashTables(config, kind, events);
  }

  private constructor(config: ClusterConfig, kind: HashTableKind, events: HashTablesEvents) {
    this.config = config;
    this.kind = kind;
    this.events = events;
  }

  /** The hosts, their health or what `config` says of panic are others. Answers whether there is nothing to make. */
  update(hosts: readonly HostConfig[], health: ArrayLike<number>, config: EligibilityConfig = this.config): boolean {
    this.plans = this.plan(hosts, health, config);
    if (this.isMaking) return false;
    if (this.plans.every((plan) => this.find(plan) !== undefined)) {
      this.keepPlanned();
      return true;
    }
    this.isMaking = true;
    void this.make();
    return false;
  }

  /** Whether something is being made. */
  get isBusy(): boolean {
    return this.isMaking;
  }

  isSmall(shares: Float64Array): boolean {
    return this.kind.cost(shares) <= 1;
  }

  /** Entries per host of the table over these hosts; null: there is none yet. */
  countsOf(hosts: readonly HostConfig[]): Uint32Array | null {
    return this.made.find(({ hostIds }) => hostIds.length === hosts.length && hosts.every((host, i) => host.id === hostIds[i]))?.table.counts ?? null;
  }

  close(): void {
    this.isClosed = true;
  }

  private plan(hosts: readonly HostConfig[], health: ArrayLike<number>, config: EligibilityConfig): Plan[] {
    const { isLocalityWeighted, usesHostname } = this.config.lbPolicy.config as ConsistentHashConfig;
    const plans: Plan[] = [];
    for (const { hosts: chosen, members } of eligibleHosts(config, hosts, health)) {
      const { order, shares } = tableShares(chosen, members, isLocalityWeighted);
      if (order.length === 0 || this.isSmall(shares)) continue;
      const inTable = order.map((i) => chosen[i]);
      plans.push({
        hostIds: Uint32Array.from(inTable, (host) => host.id), shares,
        keys: inTable.map((host) => hashKey(host, hostAddressText(host.address, host.port), usesHostname)),
      });
    }
    return plans;
  }

  /** Until what was planned last is made. */
  private async make(): Promise<void> {
    for (;;) {
      const missing = this.plans.find((plan) => this.find(plan) === undefined);
      if (missing === undefined) break;
      const table = await this.makeOne(missing);
      if (table === null) return;
      this.made = [...this.made, { ...missing, table: { hostIds: missing.hostIds, memory: table.memory as SharedArrayBuffer[], counts: table.counts } }];
    }
    this.isMaking = false;
    this.keepPlanned();
    this.events.onHashTables(this.made.map(({ table }) => table));
    this.events.onUpToDate();
  }

  /** null: nobody wants it any more. */
  private async makeOne(plan: Plan): Promise<HashTable | null> {
    const build = this.kind.begin(plan.keys, plan.shares, true);
    for (;;) {
      await nextTurn();
      if (this.isClosed) return null;
      const result = workFor(build, SLICE_MS);
      if (result.done === true) return result.value;
    }
  }

  private keepPlanned(): void {
    this.made = this.plans.map((plan) => this.find(plan)).filter((made) => made !== undefined);
  }

  private find(plan: Plan): Made | undefined {
    return this.made.find((made) => areEqual(made.hostIds, plan.hostIds) && areEqual(made.shares, plan.shares) && areEqual(made.keys, plan.keys));
  }
}

function areEqual<T>(a: ArrayLike<T>, b: ArrayLike<T>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
