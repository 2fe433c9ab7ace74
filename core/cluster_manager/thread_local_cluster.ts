import type { XxHash64 } from '../base/xxhash64.ts';
import type { ConnPool } from '../conn_pool/conn_pool.ts';
import { HostPools } from './host_pools.ts';
import { Http1ConnPool, type Http1PoolContext } from '../http/conn_pool/http1_pool.ts';
import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import type { HostSetConfig } from '../upstream/cluster_config.ts';
import { ClusterBalancer } from '../upstream/cluster_balancer.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import { Host } from '../upstream/host.ts';
import { HEALTH_GENERATION } from '../shared_memory/layout.ts';
import type { RetryPriority } from '../upstream/retry_priority.ts';
import { OutlierMonitor, type OutlierReporting } from '../upstream/outlier_monitor.ts';
import { LoadBalancerContext, type LoadBalancerFactory } from '../upstream/load_balancer.ts';

/** Health is looked at again this often even if the host set did not change, in ticks of the timer wheel (about 250 ms). */
const HEALTH_CHECK_TICKS = 32;

/**
 * One cluster on this worker: its hosts by priority, its balancer and its pools. Changed only between turns.
 */
export class ThreadLocalCluster implements UpstreamCluster {
  readonly info: ClusterInfo;
  private readonly poolContext: Http1PoolContext;
  private readonly factory: LoadBalancerFactory;
  private readonly health: Int32Array;
  private readonly hostStats: Float64Array;
  private readonly context: LoadBalancerContext;
  private hostsById: Map<number, Host>;
  private readonly balancer: ClusterBalancer;
  private checkedTick: number;
  private checkedGeneration: number;
  /** What hosts report for outlier detection and health checks; null without both. Set before the first hosts. */
  outliers: OutlierReporting | null;

  constructor(info: ClusterInfo, poolContext: Http1PoolContext, factory: LoadBalancerFactory, random: () => number, health: Int32Array, hostStats: Float64Array) {
    this.info = info;
    this.poolContext = poolContext;
    this.factory = factory;
    this.health = health;
    this.hostStats = hostStats;
    this.context = new LoadBalancerContext();
    this.hostsById = new Map();
    this.balancer = new ClusterBalancer(info, { factory, random, load: info, overprovisioning: info.config.overprovisioningFactor });
    this.checkedTick = 0;
    this.checkedGeneration = 0;
    this.outliers = null;
  }

  /** Takes a new host set: hosts that stay keep their pools, those that go are drained. */
  updateHosts(set: HostSetConfig): void {
    const next = new Map<number, Host>();
    const levels: Host[][] = [[]];
    for (const config of set.hosts) {
      const known = this.hostsById.get(config.id);
      const host = known !== undefined && isSameHost(known, config) ? known : new Host(config, this.health, this.hostStats);
      if (host !== known && known !== undefined) {
        // Pools connect to an address: another address needs others.
        if (host.address === known.address) host.attachment = known.attachment;
        else drainPools(known);
      }
      if (host !== known && this.outliers !== null) host.outlier = new OutlierMonitor(this.outliers, config.id);
      next.set(config.id, host);
      while (levels.length <= config.priority) levels.push([]);
      levels[config.priority].push(host);
    }
    for (const [id, host] of this.hostsById) if (!next.has(id)) drainPools(host);
    this.hostsById = next;
    this.balancer.setHosts(levels);
  }

  chooseHost(random: number, hash: XxHash64 | null): Host | null {
    // Ticks are small integers: a time in milliseconds would be a number on the heap.
    const now = this.poolContext.dispatcher.wheel.nowTick;
    const generation = this.health[HEALTH_GENERATION];
    if (now - this.checkedTick >= HEALTH_CHECK_TICKS || generation !== this.checkedGeneration) {
      this.checkedTick = now;
      this.checkedGeneration = generation;
      this.balancer.refresh();
    }
    const { context } = this;
    context.random = random;
    context.hasHash = hash !== null;
    if (hash !== null) {
      context.hashHigh = hash.high;
      context.hashLow = hash.low;
    }
    return this.balancer.choose(context);
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

  get usesHash(): boolean {
    return this.factory.usesHash === true;
  }

  pool(host: Host, priority: number, downstream: number): ConnPool | null {
    return this.poolOfKind(host, priority, false, downstream);
  }

  tcpPool(host: Host, priority: number, downstream: number): ConnPool | null {
    return this.poolOfKind(host, priority, true, downstream);
  }

  private poolOfKind(host: Host, priority: number, isTcp: boolean, downstream: number): ConnPool | null {
    let pools = host.attachment as HostPools | null;
    if (pools === null) {
      pools = new HostPools();
      host.attachment = pools;
    }
    const kind = HostPools.kindOf(priority, isTcp);
    if (this.info.config.poolPerDownstream) return this.poolOfDownstream(pools, host, priority, isTcp, downstream);
    let pool = pools.get(kind);
    if (pool === null) {
      pool = new Http1ConnPool(this.poolContext, host, priority, isTcp);
      pools.set(kind, pool);
    }
    return pool.take() ? pool : this.refusePool();
  }

  private poolOfDownstream(pools: HostPools, host: Host, priority: number, isTcp: boolean, downstream: number): ConnPool | null {
    const kind = HostPools.kindOf(priority, isTcp);
    const known = pools.ofDownstream(downstream, kind);
    if (known !== null) return known;
    const pool = new Http1ConnPool(this.poolContext, host, priority, isTcp);
    // A client that is gone leaves its pool until the connections' idle timeout: it gives way.
    if (!pool.take() && !(pools.closeUnused(kind) && pool.take())) return this.refusePool();
    pools.setOfDownstream(downstream, kind, pool);
    return pool;
  }

  private refusePool(): null {
    this.info.stats.cxPoolOverflow.inc();
    return null;
  }

  /** The cluster is gone: idle connections close, busy ones finish. */
  drain(): void {
    for (const host of this.hostsById.values()) drainPools(host);
  }

  /** Cuts every connection. */
  close(): void {
    for (const host of this.hostsById.values()) (host.attachment as HostPools | null)?.forEach((pool) => pool.close());
  }
}

function isSameHost(host: Host, config: Host['config']): boolean {
  const old = host.config;
  return old.address === config.address && old.port === config.port && old.weight === config.weight && old.priority === config.priority && old.hostname === config.hostname;
}

function drainPools(host: Host): void {
  (host.attachment as HostPools | null)?.forEach((pool) => pool.drain());
}
