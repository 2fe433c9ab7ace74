/**
 * A cluster made of other clusters: their priorities that have hosts, one cluster after the other, are its priorities. It chooses
 * one by their load; the cluster that it is of chooses the host, and has the connections and their limits. Semantics: Envoy docs
 * intro/arch_overview/upstream/aggregate_cluster.
 */
import type { XxHash64 } from '../base/xxhash64.ts';
import type { ChoosingRequest } from '../conn_pool/cluster_lookup.ts';
import type { TransportSocketOptions } from '../network/transport_socket.ts';
import type { ConnPool } from '../conn_pool/conn_pool.ts';
import type { ClusterPolicies } from '../route/cluster_policies.ts';
import type { HashPolicy } from '../route/hash_policy.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import type { Host } from '../upstream/host.ts';
import type { MetadataCriteria } from '../upstream/metadata_criteria.ts';
import { computePriorityLoad, type PriorityCounts, type PriorityLoad } from '../upstream/priority_load.ts';
import type { RetryPriority } from '../upstream/retry_priority.ts';
import type { WorkerCluster } from './worker_cluster.ts';

/** One of its priorities. */
interface AggregateLevel {
  readonly member: WorkerCluster;
  /** The member's own number of it. */
  readonly level: number;
}

/** Whose host it is, and the priority here that it was chosen at. */
interface Owner {
  readonly member: WorkerCluster;
  readonly priority: number;
}

export interface AggregateContext {
  /** In order. */
  readonly members: readonly string[];
  readonly random: () => number;
  /** A cluster of this worker; null = there is none of that name. */
  find(name: string): WorkerCluster | null;
  /** Percent, as runtime says or else the cluster. */
  panicThreshold(): number;
  /** Changes whenever hosts, their health, clusters or runtime may have. */
  version(): number;
}

export class AggregateCluster implements WorkerCluster {
  readonly info: ClusterInfo;
  private readonly context: AggregateContext;
  private levels: readonly AggregateLevel[];
  private load: PriorityLoad;
  /** `context.version()` of what stands above. */
  private version: number;
  private hasHashingMember: boolean;
  /** Whose hosts those are that were chosen here. */
  private readonly owners: WeakMap<Host, Owner>;
  private hasSubsets: boolean;
  private retryPriority: RetryPriority | null;

  constructor(info: ClusterInfo, context: AggregateContext) {
    this.info = info;
    this.context = context;
    this.levels = [];
    this.load = NO_LOAD;
    this.version = -1;
    this.hasHashingMember = false;
    this.owners = new WeakMap();
    this.hasSubsets = false;
    this.retryPriority = null;
  }

  /** Whether one of its members does: a hash may cost the client a cookie, which nobody should get for nothing. */
  get usesHash(): boolean {
    this.refresh();
    return this.hasHashingMember;
  }

  /** Who knows which member it is going to be. */
  namesHost(): boolean {
    return false;
  }

  /** Whether one of its members chooses by metadata. */
  get usesMetadata(): boolean {
    this.refresh();
    return this.hasSubsets;
  }

  preferPriorities(priority: RetryPriority | null): void {
    this.retryPriority = priority;
  }

  /** Among its own. */
  priorityOf(host: Host): number {
    return this.owners.get(host)?.priority ?? 0;
  }

  chooseHost(random: number, hash: XxHash64 | null, criteria: MetadataCriteria | null, request: ChoosingRequest): Host | null {
    this.refresh();
    const { healthy, degraded } = this.retryPriority === null ? this.load : this.retryPriority.loadForRetry(this.load);
    let left = (this.context.random() % 100) + 1;
    let index = 0;
    while (index < healthy.length && left > healthy[index]) left -= healthy[index++];
    const isDegraded = index === healthy.length;
    if (isDegraded) {
      index = 0;
      while (index < degraded.length - 1 && left > degraded[index]) left -= degraded[index++];
    }
    if (index >= this.levels.length) return null;
    const { member, level } = this.levels[index];
    const host = member.chooseAt(level, isDegraded, random, hashFor(member, hash, request), criteria, request);
    if (host !== null && this.owners.get(host)?.priority !== index) this.owners.set(host, { member, priority: index });
    return host;
  }

  pool(host: Host, priority: number, downstream: number, options: TransportSocketOptions | null): ConnPool | null {
    return this.ownerOf(host).pool(host, priority, downstream, options);
  }

  tcpPool(host: Host, priority: number, downstream: number, options: TransportSocketOptions | null): ConnPool | null {
    return this.ownerOf(host).tcpPool(host, priority, downstream, options);
  }

  /** It has no hosts of its own. */
  updateHosts(): void {}

  onHealthChanged(): void {}

  onHashTables(): void {}

  drain(): void {}

  close(): void {}

  /** An aggregate within an aggregate has no hosts to offer. */
  levelCounts(): readonly PriorityCounts[] {
    return [];
  }

  chooseAt(): Host | null {
    return null;
  }

  private ownerOf(host: Host): WorkerCluster {
    const owner = this.owners.get(host);
    if (owner === undefined) throw new Error(`cluster ${this.info.config.name}: ${host.address} is a host of none of its clusters`);
    return owner.member;
  }

  /** Puts the members' priorities one after the other again, when something changed. */
  private refresh(): void {
    const version = this.context.version();
    if (version === this.version) return;
    this.version = version;
    const levels: AggregateLevel[] = [];
    const counts: PriorityCounts[] = [];
    for (const name of this.context.members) {
      const member = this.context.find(name);
      if (member === null) continue;
      for (const [level, count] of member.levelCounts().entries()) {
        if (count.hosts === 0) continue;
        levels.push({ member, level });
        counts.push(count);
      }
    }
    const { overprovisioningFactor } = this.info.config;
    this.levels = levels;
    this.hasHashingMember = levels.some(({ member }) => member.usesHash && balancerHash(member) === null);
    this.hasSubsets = levels.some(({ member }) => member.usesMetadata);
    this.load = counts.length === 0 ? NO_LOAD : computePriorityLoad(counts, overprovisioningFactor, this.context.panicThreshold());
  }
}

/** The hash policy of a member's balancer itself; null: it goes by that of the route. */
function balancerHash({ info }: WorkerCluster): HashPolicy | null {
  return (info.policies as ClusterPolicies | null)?.balancerHash ?? null;
}

/** As in Envoy, a member hears of a request's headers, but not of the rest of it: no cookie is made. */
function hashFor(member: WorkerCluster, hash: XxHash64 | null, request: ChoosingRequest): XxHash64 | null {
  const own = balancerHash(member);
  if (own === null) return hash;
  const headers = request.requestHeaders();
  return headers !== null && own.compute(headers, null, null) ? own.hash : null;
}

const NO_LOAD: PriorityLoad = Object.freeze({ healthy: new Int32Array(0), degraded: new Int32Array(0), isPanic: Object.freeze([]), healthyPercent: Object.freeze([]), degradedPercent: Object.freeze([]) });
