import type { XxHash64 } from '../base/xxhash64.ts';
import type { ConnPool } from '../conn_pool/conn_pool.ts';
import { Http1ConnPool, type Http1PoolContext } from '../http/conn_pool/http1_pool.ts';
import type { PriorityCounts } from '../upstream/priority_load.ts';
import type { WorkerCluster } from './worker_cluster.ts';
import { areSameAddresses } from '../upstream/address_order.ts';
import type { HostConfig, HostSetConfig } from '../upstream/cluster_config.ts';
import { ClusterBalancer } from '../upstream/cluster_balancer.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import { Host } from '../upstream/host.ts';
import { HEALTH_GENERATION } from '../shared_memory/layout.ts';
import { OutlierMonitor, type OutlierReporting } from '../upstream/outlier_monitor.ts';
import { LoadBalancerContext, type LoadBalancerFactory } from '../upstream/load_balancer.ts';

/** A host's pools on this worker, by priority: HTTP, then plain TCP; kept in `Host.attachment`. */
class HostPools {
  readonly pools: (ConnPool | null)[] = [null, null, null, null];
}

/** Where the TCP pools begin. */
const TCP_POOLS = 2;

/** Health is looked at again this often even if the host set did not change, in ticks of the timer wheel (about 250 ms). */
const HEALTH_CHECK_TICKS = 32;

/**
 * One cluster on this worker: its hosts by priority, its balancer and its pools. Changed only between turns.
 */
export class ThreadLocalCluster implements WorkerCluster {
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
  /** What hosts report for outlier detection; null without it. Set before the first hosts. */
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
      const host = known !== undefined && (isSameHost(known, config) || this.movesHost(known, config)) ? known : new Host(config, this.health, this.hostStats);
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
    let isChanged = next.size !== this.hostsById.size;
    for (const [id, host] of this.hostsById) {
      if (next.has(id)) continue;
      isChanged = true;
      drainPools(host);
    }
    this.hostsById = next;
    if (isChanged && this.info.config.closesOnHostSetChange) this.renewPools();
    this.balancer.setHosts(levels);
  }

  /** Hosts came or went: those that stay get other connections. */
  private renewPools(): void {
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

  chooseHost(random: number, hash: XxHash64 | null): Host | null {
    this.refresh();
    return this.balancer.choose(this.choice(random, hash));
  }

  levelCounts(): readonly PriorityCounts[] {
    this.refresh();
    return this.balancer.levelCounts();
  }

  chooseAt(level: number, isDegraded: boolean, random: number, hash: XxHash64 | null): Host | null {
    return this.balancer.chooseAt(level, isDegraded, this.choice(random, hash));
  }

  /** Takes notice of changed health. */
  private refresh(): void {
    // Ticks are small integers: a time in milliseconds would be a number on the heap.
    const now = this.poolContext.dispatcher.wheel.nowTick;
    const generation = this.health[HEALTH_GENERATION];
    if (now - this.checkedTick >= HEALTH_CHECK_TICKS || generation !== this.checkedGeneration) {
      this.checkedTick = now;
      this.checkedGeneration = generation;
      this.balancer.refresh();
    }
  }

  private choice(random: number, hash: XxHash64 | null): LoadBalancerContext {
    const { context } = this;
    context.random = random;
    context.hasHash = hash !== null;
    if (hash !== null) {
      context.hashHigh = hash.high;
      context.hashLow = hash.low;
    }
    return context;
  }

  /**
   * The health of some hosts is another. Perhaps other connections to a host that failed do better than those that are there:
   * they are not used again.
   */
  onHealthChanged(): void {
    this.balancer.refresh();
    for (const host of this.hostsById.values()) {
      if (host.hasFailedSince()) for (const pool of (host.attachment as HostPools | null)?.pools ?? []) pool?.renew();
    }
  }

  get usesHash(): boolean {
    return this.factory.usesHash === true;
  }

  pool(host: Host, priority: number): ConnPool {
    return this.poolAt(host, priority, priority);
  }

  tcpPool(host: Host, priority: number): ConnPool {
    return this.poolAt(host, priority, TCP_POOLS + priority);
  }

  private poolAt(host: Host, priority: number, index: number): ConnPool {
    let pools = host.attachment as HostPools | null;
    if (pools === null) {
      pools = new HostPools();
      host.attachment = pools;
    }
    let pool = pools.pools[index];
    if (pool === null) {
      pool = new Http1ConnPool(this.poolContext, host, priority, index >= TCP_POOLS);
      pools.pools[index] = pool;
    }
    return pool;
  }

  /** The cluster is gone: idle connections close, busy ones finish. */
  drain(): void {
    for (const host of this.hostsById.values()) drainPools(host);
  }

  /** Cuts every connection. */
  close(): void {
    for (const host of this.hostsById.values()) closePools(host);
  }
}

function isSameHost(host: Host, config: Host['config']): boolean {
  const old = host.config;
  return old.address === config.address && old.port === config.port && old.weight === config.weight && old.priority === config.priority && old.hostname === config.hostname
    && areSameAddresses(old.addresses, config.addresses);
}

/** Cuts a host's connections. */
export function closePools(host: Host): void {
  for (const pool of (host.attachment as HostPools | null)?.pools ?? []) pool?.close();
}

/** A host's idle connections close, busy ones finish. */
export function drainPools(host: Host): void {
  const pools = host.attachment as HostPools | null;
  if (pools === null) return;
  for (const pool of pools.pools) pool?.drain();
}
