import type { XxHash64 } from '../base/xxhash64.ts';
import type { ConnPool } from '../conn_pool/conn_pool.ts';
import { Http1ConnPool, type Http1PoolContext } from '../http/conn_pool/http1_pool.ts';
import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import type { HostSetConfig } from '../upstream/cluster_config.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import { Host } from '../upstream/host.ts';
import { FailedHosts } from './failed_hosts.ts';
import { HEALTH_GENERATION } from '../shared_memory/layout.ts';
import { OutlierMonitor, type OutlierReporting } from '../upstream/outlier_monitor.ts';
import { type LoadBalancer, LoadBalancerContext, type LoadBalancerFactory } from '../upstream/load_balancer.ts';

/** A host's pools on this worker, by priority: HTTP, then plain TCP; kept in `Host.attachment`. */
class HostPools {
  readonly pools: (ConnPool | null)[] = [null, null, null, null];
}

/** Where the TCP pools begin. */
const TCP_POOLS = 2;

/** Health is looked at again this often even if the host set did not change, in ticks of the timer wheel (about 250 ms). */
const HEALTH_CHECK_TICKS = 32;

/** Hosts of one priority level with their balancers. */
class PriorityLevel {
  readonly hosts: Host[] = [];
  healthy: readonly Host[] = [];
  private readonly all: LoadBalancer;
  private readonly healthyOnly: LoadBalancer;
  private signature = '';

  constructor(factory: LoadBalancerFactory, random: () => number) {
    this.all = factory.create(random);
    this.healthyOnly = factory.create(random);
  }

  /** Rebuilds what depends on the members. */
  membersChanged(): void {
    this.all.setHosts(this.hosts);
    this.signature = 'stale';
    this.refresh();
  }

  /** Rebuilds the healthy set if some host's health changed. */
  refresh(): void {
    let signature = '';
    for (const host of this.hosts) signature += host.isHealthy() ? '1' : '0';
    if (signature === this.signature) return;
    this.signature = signature;
    this.healthy = this.hosts.filter((host) => host.isHealthy());
    this.healthyOnly.setHosts(this.healthy);
  }

  isPanicking(threshold: number): boolean {
    return (this.hosts.length === 0 ? 0 : (this.healthy.length * 100) / this.hosts.length) < threshold;
  }

  choose(context: LoadBalancerContext, isPanic: boolean): Host | null {
    return isPanic ? this.all.chooseHost(context) : this.healthyOnly.chooseHost(context);
  }
}

/**
 * One cluster on this worker: its hosts by priority, its balancer and its pools. Changed only between turns.
 */
export class ThreadLocalCluster implements UpstreamCluster {
  readonly info: ClusterInfo;
  private readonly poolContext: Http1PoolContext;
  private readonly factory: LoadBalancerFactory;
  private readonly random: () => number;
  private readonly health: Int32Array;
  private readonly hostStats: Float64Array;
  private readonly context: LoadBalancerContext;
  private hostsById: Map<number, Host>;
  private levels: PriorityLevel[];
  private checkedTick: number;
  private checkedGeneration: number;
  /** What hosts report for outlier detection; null without it. Set before the first hosts. */
  outliers: OutlierReporting | null;
  /** null: nobody checks the hosts. */
  private readonly failedHosts: FailedHosts | null;

  constructor(info: ClusterInfo, poolContext: Http1PoolContext, factory: LoadBalancerFactory, random: () => number, health: Int32Array, hostStats: Float64Array) {
    this.info = info;
    this.poolContext = poolContext;
    this.factory = factory;
    this.random = random;
    this.health = health;
    this.hostStats = hostStats;
    this.context = new LoadBalancerContext();
    this.hostsById = new Map();
    this.levels = [];
    this.checkedTick = 0;
    this.checkedGeneration = 0;
    this.outliers = null;
    this.failedHosts = info.config.isHealthChecked === true ? new FailedHosts(poolContext.dispatcher, health, drainFailed) : null;
  }

  /** Takes a new host set: hosts that stay keep their pools, those that go are drained. */
  updateHosts(set: HostSetConfig): void {
    const next = new Map<number, Host>();
    const levels: PriorityLevel[] = [];
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
      while (levels.length <= config.priority) levels.push(new PriorityLevel(this.factory, this.random));
      levels[config.priority].hosts.push(host);
    }
    for (const [id, host] of this.hostsById) if (!next.has(id)) drainPools(host);
    this.hostsById = next;
    this.failedHosts?.setHosts(next);
    this.levels = levels;
    for (const level of levels) level.membersChanged();
  }

  /** The first priority that can serve; the panic threshold says when unhealthy hosts are used too. */
  chooseHost(random: number, hash: XxHash64 | null): Host | null {
    const levels = this.levels;
    // Ticks are small integers: a time in milliseconds would be a number on the heap.
    const now = this.poolContext.dispatcher.wheel.nowTick;
    const generation = this.health[HEALTH_GENERATION];
    if (now - this.checkedTick >= HEALTH_CHECK_TICKS || generation !== this.checkedGeneration) {
      this.checkedTick = now;
      this.checkedGeneration = generation;
      this.failedHosts?.look();
      for (let i = 0; i < levels.length; i++) levels[i].refresh();
    }
    const { context } = this;
    context.random = random;
    context.hasHash = hash !== null;
    if (hash !== null) {
      context.hashHigh = hash.high;
      context.hashLow = hash.low;
    }
    const threshold = this.info.config.healthyPanicThreshold;
    for (let i = 0; i < levels.length; i++) {
      if (levels[i].healthy.length > 0 && !levels[i].isPanicking(threshold)) return levels[i].choose(this.context, false);
    }
    // With a threshold of 0 nobody panics: what is unhealthy is not used.
    if (threshold <= 0) return null;
    // Every level is in panic: the first with hosts, all of them.
    for (let i = 0; i < levels.length; i++) {
      const host = levels[i].choose(this.context, true);
      if (host !== null) {
        this.info.stats.lbHealthyPanic.inc();
        return host;
      }
    }
    this.info.stats.lbHealthyPanic.inc();
    return null;
  }

  /**
   * The health of some hosts is another. Perhaps other connections to a host that failed do better than those that are there:
   * they are not used again.
   */
  onHealthChanged(): void {
    for (const level of this.levels) level.refresh();
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
    this.failedHosts?.close();
    for (const host of this.hostsById.values()) drainPools(host);
  }

  /** Cuts every connection. */
  close(): void {
    this.failedHosts?.close();
    for (const host of this.hostsById.values()) for (const pool of (host.attachment as HostPools | null)?.pools ?? []) pool?.close();
  }
}

function isSameHost(host: Host, config: Host['config']): boolean {
  const old = host.config;
  return old.address === config.address && old.port === config.port && old.weight === config.weight && old.priority === config.priority && old.hostname === config.hostname;
}

/** Connections to a host that has failed its checks are not used again. */
function drainFailed(host: Host): void {
  drainPools(host);
  // Requests that panic sends there get pools of their own.
  host.attachment = null;
}

function drainPools(host: Host): void {
  const pools = host.attachment as HostPools | null;
  if (pools === null) return;
  for (const pool of pools.pools) pool?.drain();
}
