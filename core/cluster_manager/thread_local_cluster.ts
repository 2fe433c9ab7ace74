import { isDeepStrictEqual } from 'node:util';
import type { XxHash64 } from '../base/xxhash64.ts';
import { HostPools } from './host_pools.ts';
import { type ConnPool, NO_DOWNSTREAM } from '../conn_pool/conn_pool.ts';
import type { TransportSocketOptions } from '../network/transport_socket.ts';
import { Http1ConnPool } from '../http/conn_pool/http1_pool.ts';
import type { Http1PoolContext } from '../http/conn_pool/http1_pool_client.ts';
import type { ChoosingRequest } from '../conn_pool/cluster_lookup.ts';
import type { PriorityCounts } from '../upstream/priority_load.ts';
import { ActiveJournal } from '../upstream/active_journal.ts';
import type { HostConfig, HostSetConfig } from '../upstream/cluster_config.ts';
import type { BalancerEnvironment, BalancerTimer } from '../upstream/balancer_environment.ts';
import type { WorkerCluster } from './worker_cluster.ts';
import { ClusterBalancer } from '../upstream/cluster_balancer.ts';
import type { SharedTables } from '../upstream/consistent_hash/hash_table.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import { Host } from '../upstream/host.ts';
import { HEALTH_GENERATION } from '../shared_memory/layout.ts';
import type { RetryPriority } from '../upstream/retry_priority.ts';
import { OutlierMonitor, type OutlierReporting } from '../upstream/outlier_monitor.ts';
import type { LevelChooser } from '../upstream/host_chooser.ts';
import type { LoadWeights } from '../upstream/load_reports/load_weights.ts';
import type { MetadataCriteria } from '../upstream/metadata_criteria.ts';
import { SubsetBalancer } from '../upstream/subset/subset_balancer.ts';
import { type BalancerSource, configuredLocalityWeight, LoadBalancerContext, type LoadBalancerFactory } from '../upstream/load_balancer.ts';

/** The words of hosts in shared memory, as one worker sees them. */
export interface HostWords {
  readonly health: Int32Array;
  /** Counts of this worker. */
  readonly stats: Float64Array;
  /** Those of every worker. */
  readonly allStats: readonly Float64Array[];
  /** What they report of their load: to this worker, and to every worker. */
  readonly ownLoads: Float64Array;
  readonly allLoads: readonly Float64Array[];
  /** When they became healthy, by the wall clock. */
  readonly since: Float64Array;
}

/** Health is looked at again this often even if the host set did not change, in ticks of the timer wheel (about 250 ms). */
const HEALTH_CHECK_TICKS = 32;

/**
 * One cluster on this worker: its hosts by priority, its balancer and its pools. Changed only between turns.
 */
export class ThreadLocalCluster implements WorkerCluster {
  readonly info: ClusterInfo;
  private readonly poolContext: Http1PoolContext;
  private readonly factory: LoadBalancerFactory;
  private readonly words: HostWords;
  private readonly environment: BalancerEnvironment;
  /** null unless the policy keeps hosts in order of their requests. */
  private readonly journal: ActiveJournal | null;
  protected readonly context: LoadBalancerContext;
  private hostsById: Map<number, Host>;
  protected balancer: LevelChooser;
  private checkedTick: number;
  private checkedGeneration: number;
  /** What hosts report for outlier detection and health checks; null without both. Set before the first hosts. */
  outliers: OutlierReporting | null;
  /** Weights by load; null unless the policy has them. Set before the first hosts. */
  weights: LoadWeights | null;
  /** Rings when weights are calculated; null until there are hosts, and without weights by load. */
  private weightTimer: BalancerTimer | null;
  private levels: readonly (readonly Host[])[];

  /** `tables`: tables of hashes that main made for this cluster. */
  constructor(info: ClusterInfo, poolContext: Http1PoolContext, factory: LoadBalancerFactory, random: () => number, words: HostWords, tables: SharedTables, environment: BalancerEnvironment) {
    this.info = info;
    this.poolContext = poolContext;
    this.factory = factory;
    this.words = words;
    this.environment = environment;
    this.journal = factory.readsJournal === true ? new ActiveJournal() : null;
    this.context = new LoadBalancerContext();
    this.hostsById = new Map();
    this.balancer = createChooser(info, tables, {
      factory, random, environment, load: info, journal: this.journal, localityWeightOf: configuredLocalityWeight, overprovisioning: info.config.overprovisioningFactor,
    });
    this.checkedTick = 0;
    this.checkedGeneration = 0;
    this.outliers = null;
    this.weights = null;
    this.weightTimer = null;
    this.levels = [];
  }

  /** Takes a new host set: hosts that stay keep their pools, those that go are drained. */
  updateHosts(set: HostSetConfig): void {
    const next = new Map<number, Host>();
    const levels: Host[][] = [[]];
    for (const config of set.hosts) {
      const known = this.hostsById.get(config.id);
      const isKept = known !== undefined && (isSameHost(known, config) || this.movesHost(known, config));
      const host = isKept ? known : new Host(config, this.words.health, this.words.stats, this.words.allStats, this.words.since);
      if (host !== known && known !== undefined) {
        // Pools connect to an address: another address needs others.
        if (host.address === known.address) host.attachment = known.attachment;
        else drainPools(known);
      }
      const { zone } = this.environment;
      host.zoneCodes = zone === '' || config.zone === '' ? null : this.info.stats.zoneCodes(zone, config.zone);
      if (host !== known && this.outliers !== null) host.outlier = new OutlierMonitor(this.outliers, config.id);
      host.journal = this.journal;
      next.set(config.id, host);
      while (levels.length <= config.priority) levels.push([]);
      levels[config.priority].push(host);
    }
    let isChanged = next.size !== this.hostsById.size;
    for (const [id, host] of this.hostsById) {
      if (next.has(id)) continue;
      isChanged = true;
      drainPools(host);
    }
    this.hostsById = next;
    if (isChanged && this.info.config.closesOnHostSetChange) this.replacePools();
    if (this.weights !== null) this.updateWeights(this.weights, levels);
    this.balancer.setHosts(levels);
  }

  /** New hosts get weights like the others, but for the first ones: theirs are configured until somebody may have reported. */
  private updateWeights(weights: LoadWeights, levels: readonly (readonly Host[])[]): void {
    this.levels = levels;
    if (this.hostsById.size === 0) return;
    if (this.weightTimer !== null) {
      for (const hosts of levels) weights.apply(hosts);
      return;
    }
    const period = Math.max(1, weights.config.updateMs);
    const timer = this.environment.createTimer(() => {
      let isChanged = false;
      for (const hosts of this.levels) if (weights.apply(hosts)) isChanged = true;
      if (isChanged) this.balancer.rebuild();
      timer.enable(period);
    });
    this.weightTimer = timer;
    timer.enable(period);
  }

  /** All of them. */
  hosts(): Iterable<Host> {
    return this.hostsById.values();
  }

  /** Hosts came or went: those that stay get other connections. */
  private replacePools(): void {
    for (const host of this.hostsById.values()) {
      drainPools(host);
      host.attachment = null;
    }
  }

  /** A logical host stands for a name: new connections go to the new address, those to the old one stay in use. */
  private movesHost(known: Host, config: HostConfig): boolean {
    if (!this.info.config.isLogical) return false;
    known.moveTo(config);
    return true;
  }

  chooseHost(random: number, hash: XxHash64 | null, criteria: MetadataCriteria | null, _request: ChoosingRequest): Host | null {
    this.refresh();
    return this.balancer.choose(this.choice(random, hash, criteria));
  }

  levelCounts(): readonly PriorityCounts[] {
    this.refresh();
    return this.balancer.levelCounts();
  }

  chooseAt(level: number, isDegraded: boolean, random: number, hash: XxHash64 | null, criteria: MetadataCriteria | null): Host | null {
    return this.balancer.chooseAt(level, isDegraded, this.choice(random, hash, criteria));
  }

  priorityOf(host: Host): number {
    return host.config.priority;
  }

  /** Takes notice of changed health. */
  private refresh(): void {
    // Ticks are small integers: a time in milliseconds would be a number on the heap.
    const now = this.poolContext.dispatcher.wheel.nowTick;
    const generation = this.words.health[HEALTH_GENERATION];
    if (now - this.checkedTick >= HEALTH_CHECK_TICKS || generation !== this.checkedGeneration) {
      this.checkedTick = now;
      this.checkedGeneration = generation;
      this.balancer.refresh();
    }
  }

  private choice(random: number, hash: XxHash64 | null, criteria: MetadataCriteria | null): LoadBalancerContext {
    const { context } = this;
    context.random = random;
    context.hasHash = hash !== null;
    context.criteria = criteria;
    if (hash !== null) {
      context.hashHigh = hash.high;
      context.hashLow = hash.low;
    }
    return context;
  }

  preferPriorities(priority: RetryPriority | null): void {
    this.context.retryPriority = priority;
  }

  /**
   * The health of some hosts is another. Perhaps other connections to a host that failed do better than those that are there:
   * they are not used again.
   */
  onHealthChanged(): void {
    this.balancer.refresh();
    for (const host of this.hostsById.values()) {
      if (host.hasFailedSince()) this.renewPools(host);
    }
  }

  /** Those of TCP are cut where the cluster says so: nobody can tell how long they would be used otherwise. */
  private renewPools(host: Host): void {
    const pools = host.attachment as HostPools | null;
    if (pools === null) return;
    if (this.info.config.closesOnHealthFailure) pools.forEach((pool, isTcp) => (isTcp ? pool.cut() : pool.renew()));
    else pools.forEach((pool) => pool.renew());
  }

  /** Main made other tables of hashes. */
  onHashTables(): void {
    this.balancer.rebuild();
  }

  get usesHash(): boolean {
    return this.factory.usesHash === true;
  }

  namesHost(): boolean {
    return false;
  }

  get usesMetadata(): boolean {
    return this.factory.subsets !== undefined;
  }

  pool(host: Host, priority: number, downstream: number, options: TransportSocketOptions | null): ConnPool | null {
    return this.poolOfKind(host, priority, false, downstream, options);
  }

  tcpPool(host: Host, priority: number, downstream: number, options: TransportSocketOptions | null): ConnPool | null {
    return this.poolOfKind(host, priority, true, downstream, options);
  }

  protected poolOfKind(host: Host, priority: number, isTcp: boolean, downstream: number, options: TransportSocketOptions | null): Http1ConnPool | null {
    let pools = host.attachment as HostPools | null;
    if (pools === null) {
      pools = new HostPools();
      host.attachment = pools;
    }
    const kind = HostPools.kindOf(priority, isTcp);
    if (this.info.config.poolPerDownstream || options !== null) {
      const key = HostPools.keyOf(kind, this.info.config.poolPerDownstream ? downstream : NO_DOWNSTREAM, options);
      const apart = pools.getApart(key);
      return apart ?? this.createApart(pools, key, kind, new Http1ConnPool(this.poolContext, host, priority, isTcp, options));
    }
    let pool = pools.get(kind);
    if (pool === null) {
      pool = new Http1ConnPool(this.poolContext, host, priority, isTcp);
      pools.set(kind, pool);
    }
    return pool.take() ? pool : this.refusePool();
  }

  private createApart(pools: HostPools, key: number | string, kind: number, pool: Http1ConnPool): Http1ConnPool | null {
    // A client that is gone leaves its pool until the connections' idle timeout: it gives way.
    if (!pool.take() && !(pools.closeUnused(kind) && pool.take())) return this.refusePool();
    pools.setApart(key, kind, pool);
    return pool;
  }

  private refusePool(): null {
    this.info.stats.cxPoolOverflow.inc();
    return null;
  }

  /** The cluster is gone: idle connections close, busy ones finish. */
  drain(): void {
    this.weightTimer?.disable();
    for (const host of this.hostsById.values()) drainPools(host);
    this.poolContext.sockets?.release();
  }

  /** Cuts every connection. */
  close(): void {
    this.weightTimer?.disable();
    for (const host of this.hostsById.values()) closePools(host);
  }
}

/** Decided once: subsets cost those clusters only that have some. */
function createChooser(info: ClusterInfo, tables: SharedTables, source: Omit<BalancerSource, 'tables'>): LevelChooser {
  const { subsets } = source.factory;
  // Tables of subsets are made here: main knows those of whole priorities.
  return subsets === undefined ? new ClusterBalancer(info, { ...source, tables }) : new SubsetBalancer(info, { ...source, tables: null }, subsets, info.stats.subsets());
}

/** Whether nothing that a host is asked for is another. Main keeps the object of a host that did not change, but each message is a copy. */
function isSameHost(host: Host, config: HostConfig): boolean {
  return isDeepStrictEqual(host.config, config);
}

/** Cuts a host's connections. */
export function closePools(host: Host): void {
  (host.attachment as HostPools | null)?.forEach((pool) => pool.close());
}

/** A host's idle connections close, busy ones finish. */
export function drainPools(host: Host): void {
  (host.attachment as HostPools | null)?.forEach((pool) => pool.drain());
}
