import { describe, expect, it } from 'vitest';
import { createLogger, createLogLevels } from '../../core/log/logger.ts';
import { LogLevel } from '../../core/log/log_level.ts';
import { CLUSTER_FACT_WORDS, createSharedSlabs, HOST_STAT_WORDS, HostHealthFlag, HostStat } from '../../core/shared_memory/layout.ts';
import { type ClusterConfig, DEFAULT_THRESHOLDS, type DiscoveryConfig, type DnsConfig, type EndpointConfig } from '../../core/upstream/cluster_config.ts';
import { RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';
import type { OutlierConfig } from '../config/outlier_parser.ts';
import { outlierConfig } from '../../test/support/outlier_config.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { until } from '../../test/support/io_driver.ts';
import { ManualDnsResolver } from '../../test/support/manual_dns_resolver.ts';
import { SimulatedScheduler } from '../../test/support/simulated_scheduler.ts';
import { clusterStatus } from './cluster_status.ts';
import { ClusterManager } from './cluster_manager.ts';
import { MAGLEV } from './hash_tables.ts';
import { HostIds } from './host_ids.ts';
import type { HealthOptions } from '../health_checks/health_check_config.ts';
import type { ProbeListener } from '../../core/upstream/health_prober.ts';
import { checkConfig } from '../../test/support/check_config.ts';
import { HostSlabs } from './host_table.ts';

const DNS: DnsConfig = {
  refreshRateMs: 5000, failureBaseMs: 5000, failureMaxMs: 5000, respectTtl: false, jitterMs: 0, lookupFamily: 'auto', resolvers: [], useTcp: false,
};

function endpoint(address: string, more: Partial<EndpointConfig> = {}): EndpointConfig {
  return {
    address, port: 80, hostname: '', weight: 1, priority: 0, region: '', zone: '', subZone: '', localityWeight: 0, healthStatus: 'unknown',
    metadata: {}, ...more,
  };
}

function clusterConfig(name: string): ClusterConfig {
  const { name: _, ...rest } = { name: '', statName: name, lbPolicy: { name: 'rr', typeName: 'rr', config: {} }, defaultThresholds: DEFAULT_THRESHOLDS, highThresholds: DEFAULT_THRESHOLDS, transportSocket: null };
  // Discovery reads nothing else of a cluster.
  return { name, ...rest } as ClusterConfig;
}

function setUp(discoveries: Record<string, DiscoveryConfig>, random: () => number = () => 0.5, health?: HealthOptions, outliers: OutlierConfig | null = null, cluster: Partial<ClusterConfig> = {}) {
  const scheduler = new SimulatedScheduler();
  const resolver = new ManualDnsResolver();
  const stats = createLocalStats();
  const slabs = createSharedSlabs(2);
  const hostSlabs = new HostSlabs(slabs, () => scheduler.wallMs());
  const changes: string[] = [];
  const state = { initialized: 0 };
  /** What checks tell, by address. */
  const checks = new Map<string, ProbeListener>();
  const healthChecks = {
    scheduler, random, runtimeInteger: (_key: string, fallback: number) => fallback, events: undefined,
    probersFor: () => (_config: unknown, target: { readonly address: string }, _stats: unknown, listener: ProbeListener) => {
      checks.set(target.address, listener);
      return { probe: () => {}, abort: () => {}, close: () => checks.delete(target.address) };
    },
  };
  const log = createLogger({ write: () => {} }, { levels: createLogLevels(LogLevel.off), pattern: '%v', escaped: false }, { threadId: 0, nowMs: () => 0 });
  const manager = new ClusterManager(
    {
      discovery: { scheduler, random, createResolver: () => resolver },
      outliers: { scheduler, random, slabs: hostSlabs, runtime: () => new RuntimeSnapshot({}), eventLog: null },
      hostIds: new HostIds(), hostSlabs, facts: new Int32Array(slabs.clusterFacts), stats: stats.scope, declareStats: () => {}, circuits: [], log, healthChecks,
    },
    { onHostsChanged: (cluster) => changes.push(cluster.config.name), onHealthChanged: (cluster) => changes.push(`${cluster.config.name} health`), onHashTables: (cluster) => changes.push(`${cluster.config.name} tables`), onInitialized: () => state.initialized++ },
  );
  manager.start(Object.entries(discoveries).map(([name, discovery], id) => ({ id, config: { ...clusterConfig(name), ...cluster }, discovery, health, outliers })));
  const hosts = (index = 0) => manager.clusters()[index].hosts().map((host) => `${host.id}=${host.address}:${host.port}`);
  // What was never written is not made: shown as 0.
  const value = (name: string) => stats.value(`cluster.c.${name}`) ?? 0;
  return { scheduler, resolver, stats, slabs, hostSlabs, manager, changes, state, hosts, value, checks };
}

const strict = (endpoints: EndpointConfig[], dns: Partial<DnsConfig> = {}): DiscoveryConfig => ({ kind: 'strict_dns', endpoints, dns: { ...DNS, ...dns } });
const logical = (name: string): DiscoveryConfig => ({ kind: 'logical_dns', endpoints: [endpoint(name)], dns: DNS });

describe('static clusters', () => {
  it('are there at once, with the health that is configured', () => {
    const statuses = ['unhealthy', 'draining', 'timeout', 'degraded', 'healthy', 'unknown'] as const;
    const { state, hosts, value, manager, hostSlabs, slabs } = setUp({
      c: { kind: 'static', endpoints: statuses.map((healthStatus) => endpoint('10.0.0.1', { healthStatus })) },
    });
    expect(state.initialized).toBe(1);
    expect(hosts()).toHaveLength(6);
    const { failedEdsHealth, edsStatusDraining, degradedEdsHealth } = HostHealthFlag;
    expect([...clusterStatus(manager.clusters()[0], hostSlabs, new RuntimeSnapshot({})).hosts].map((host) => host.healthFlags)).toEqual(
      [failedEdsHealth, edsStatusDraining, failedEdsHealth, degradedEdsHealth, 0, 0],
    );
    expect(['total', 'healthy', 'degraded', 'excluded', 'change'].map((name) => value(`membership_${name}`))).toEqual([6, 2, 1, 1, 1]);
    expect([...new Int32Array(slabs.clusterFacts, 0, CLUSTER_FACT_WORDS)]).toEqual([6, 2, 1, 0]);
    expect(value('update_attempt')).toBe(0);
  });

  it('counts over all workers', () => {
    const { manager, hostSlabs, slabs } = setUp({ c: { kind: 'static', endpoints: [endpoint('10.0.0.1')] } });
    slabs.hostStats.forEach((buffer, i) => {
      new Float64Array(buffer)[0 * HOST_STAT_WORDS + HostStat.rqTotal] = i + 1;
    });
    expect([...clusterStatus(manager.clusters()[0], hostSlabs, new RuntimeSnapshot({})).hosts][0].counts.rqTotal).toBe(3);
  });

  it('need no cluster at all to be initialised', () => {
    expect(setUp({}).state.initialized).toBe(1);
  });
});

describe('clusters with health checks', () => {
  const health: HealthOptions = { check: checkConfig({ healthyThreshold: 1, unhealthyThreshold: 1 }), ignoresHealthOnRemoval: false, ignoresNewHosts: false };
  const { failedActiveHc, pendingActiveHc, pendingDynamicRemoval } = HostHealthFlag;

  it('are ready when every host was checked, and count what is healthy', () => {
    const { state, checks, value, slabs } = setUp({ c: { kind: 'static', endpoints: [endpoint('10.0.0.1'), endpoint('10.0.0.2')] } }, undefined, health);
    expect([state.initialized, value('membership_healthy')]).toEqual([0, 0]);
    checks.get('10.0.0.1')?.onSuccess(false);
    expect([state.initialized, value('membership_healthy')]).toEqual([0, 1]);
    checks.get('10.0.0.2')?.onFailure('NETWORK', false);
    expect([state.initialized, value('membership_healthy'), value('health_check.healthy')]).toEqual([1, 1, 1]);
    expect([...new Int32Array(slabs.clusterFacts, 0, CLUSTER_FACT_WORDS)]).toEqual([2, 1, 0, 0]);
    checks.get('10.0.0.2')?.onSuccess(true);
    expect([value('membership_healthy'), value('membership_degraded')]).toEqual([1, 1]);
  });

  it('count hosts that are left out when the first round is over', () => {
    const { checks, value } = setUp({ c: { kind: 'static', endpoints: [endpoint('10.0.0.1')] } }, undefined, health);
    checks.get('10.0.0.1')?.onExclude();
    checks.get('10.0.0.1')?.onFailure('ACTIVE', false);
    expect(value('membership_excluded')).toBe(1);
  });

  it('do not check endpoints that do not want it', () => {
    const healthCheck = { port: 0, address: '', hostname: '', isDisabled: true };
    const { state, checks, value } = setUp({ c: { kind: 'static', endpoints: [endpoint('10.0.0.1', { healthCheck })] } }, undefined, health);
    expect([state.initialized, checks.size, value('membership_healthy')]).toEqual([1, 0, 1]);
  });

  it('keep a healthy host that DNS forgot until it fails', () => {
    const { resolver, scheduler, checks, hosts, hostSlabs, value, changes } = setUp({ c: strict([endpoint('a.test')]) }, undefined, health);
    resolver.answer('a.test', ['10.0.0.1', '10.0.0.2']);
    checks.get('10.0.0.1')?.onSuccess(false);
    checks.get('10.0.0.2')?.onSuccess(false);
    scheduler.advance(5000);
    resolver.answer('a.test', ['10.0.0.2']);
    expect(hosts()).toEqual(['1=10.0.0.2:80', '0=10.0.0.1:80']);
    expect([hostSlabs.health[0], value('membership_healthy')]).toEqual([pendingDynamicRemoval, 2]);
    checks.get('10.0.0.1')?.onFailure('ACTIVE', false);
    expect([hosts(), changes.slice(-2), checks.has('10.0.0.1')]).toEqual([['1=10.0.0.2:80'], ['c', 'c health'], false]);
    expect([value('membership_total'), value('health_check.healthy')]).toEqual([1, 1]);
  });

  it('take a host back that DNS finds again', () => {
    const { resolver, scheduler, checks, hosts, hostSlabs } = setUp({ c: strict([endpoint('a.test')]) }, undefined, health);
    resolver.answer('a.test', ['10.0.0.1', '10.0.0.2']);
    for (const check of checks.values()) check.onSuccess(false);
    for (const found of [['10.0.0.2'], ['10.0.0.1', '10.0.0.2']]) {
      scheduler.advance(5000);
      resolver.answer('a.test', found);
    }
    expect([hosts().toSorted(), hostSlabs.health[0]]).toEqual([['0=10.0.0.1:80', '1=10.0.0.2:80'], 0]);
  });

  it('let a host go at once when health does not matter to that', () => {
    const { resolver, scheduler, checks, hosts } = setUp({ c: strict([endpoint('a.test')]) }, undefined, { ...health, ignoresHealthOnRemoval: true });
    resolver.answer('a.test', ['10.0.0.1', '10.0.0.2']);
    for (const check of checks.values()) check.onSuccess(false);
    scheduler.advance(5000);
    resolver.answer('a.test', ['10.0.0.2']);
    expect([hosts(), [...checks.keys()]]).toEqual([['1=10.0.0.2:80'], ['10.0.0.2']]);
  });

  it('leave new hosts out until their first check when told to', () => {
    const { resolver, hostSlabs, checks } = setUp({ c: strict([endpoint('a.test')]) }, undefined, { ...health, ignoresNewHosts: true });
    resolver.answer('a.test', ['10.0.0.1']);
    expect(hostSlabs.health[0]).toBe(failedActiveHc | pendingActiveHc);
    checks.get('10.0.0.1')?.onFailure('NETWORK', false);
    expect(hostSlabs.health[0]).toBe(failedActiveHc);
  });

  it('begin a slow start when they come, and when their checks pass again', () => {
    const { scheduler, checks, slabs } = setUp({ c: { kind: 'static', endpoints: [endpoint('10.0.0.1')] } }, undefined, health);
    const since = new Float64Array(slabs.hostSince);
    const begin = scheduler.wallMs();
    expect(since[0]).toBe(begin);
    scheduler.advance(1000);
    checks.get('10.0.0.1')?.onSuccess(false);
    expect(since[0]).toBe(begin + 1000);
    scheduler.advance(1000);
    checks.get('10.0.0.1')?.onSuccess(false);
    expect(since[0]).toBe(begin + 1000);
    checks.get('10.0.0.1')?.onFailure('ACTIVE', false);
    scheduler.advance(1000);
    checks.get('10.0.0.1')?.onSuccess(false);
    expect(since[0]).toBe(begin + 3000);
  });

  it('begin healthy when they are logical', () => {
    const { resolver, hostSlabs, state, checks } = setUp({ c: logical('a.test') }, undefined, health);
    resolver.answer('a.test', ['10.0.0.1']);
    expect([hostSlabs.health[0], state.initialized]).toEqual([0, 0]);
    checks.get('10.0.0.1')?.onSuccess(false);
    expect(state.initialized).toBe(1);
  });
});

describe('outlier detection', () => {
  it('is of the cluster whose worker reports, counts members, and shows in the status', () => {
    const config = { ...outlierConfig(), maxEjectionPercent: 50 };
    const { manager, value, hostSlabs, changes } = setUp({ c: { kind: 'static', endpoints: [endpoint('10.0.0.1'), endpoint('10.0.0.2')] } }, () => 0.5, undefined, config);
    manager.onOutlier({ clusterId: 9, hostId: 1, kind: 0, resets: hostSlabs.outlierResets(1, 0) });
    expect(value('membership_healthy')).toBe(2);
    manager.onOutlier({ clusterId: 0, hostId: 1, kind: 0, resets: hostSlabs.outlierResets(1, 0) });
    expect([value('membership_healthy'), value('outlier_detection.ejections_active')]).toEqual([1, 1]);
    expect(changes).toEqual(['c health']);
    const status = clusterStatus(manager.clusters()[0], hostSlabs, new RuntimeSnapshot({}));
    expect(status.outlier?.successRateAverage).toBe(-1);
    expect([...status.hosts].map((host) => host.healthFlags)).toEqual([0, HostHealthFlag.failedOutlierCheck]);
    manager.close();
    expect(value('outlier_detection.ejections_active')).toBe(0);
  });
});

describe('strict DNS clusters', () => {
  it('make every address of every name a host, and are ready when each name was answered once', () => {
    const { resolver, state, hosts, value, changes } = setUp({ c: strict([endpoint('a.test'), endpoint('b.test', { port: 81 })]) });
    resolver.answer('a.test', ['10.0.0.1', '10.0.0.2', '10.0.0.1']);
    expect(state.initialized).toBe(0);
    resolver.fail('b.test');
    expect(state.initialized).toBe(1);
    expect(hosts()).toEqual(['0=10.0.0.1:80', '1=10.0.0.2:80']);
    expect([value('update_attempt'), value('update_success'), value('update_failure'), value('update_no_rebuild')]).toEqual([2, 1, 1, 0]);
    expect(value('max_host_weight')).toBe(1);
    // Before that, workers had no snapshot to change.
    expect(changes).toEqual([]);
  });

  it('resolve again after the refresh rate and keep the ids of hosts that stay', () => {
    const { resolver, scheduler, hosts, changes, value } = setUp({ c: strict([endpoint('a.test')]) });
    resolver.answer('a.test', ['10.0.0.1', '10.0.0.2']);
    scheduler.advance(4999);
    expect(resolver.questions).toHaveLength(0);
    scheduler.advance(1);
    resolver.answer('a.test', ['10.0.0.3', '10.0.0.2']);
    expect(hosts()).toEqual(['1=10.0.0.2:80', '2=10.0.0.3:80']);
    expect(changes).toEqual(['c']);
    scheduler.advance(5000);
    resolver.answer('a.test', ['10.0.0.2', '10.0.0.3']);
    expect(changes).toEqual(['c']);
    expect([value('update_success'), value('update_no_rebuild'), value('membership_change')]).toEqual([3, 1, 2]);
  });

  it('are known by the name they were found under', () => {
    const { resolver, manager } = setUp({ c: strict([endpoint('a.test'), endpoint('b.test', { hostname: 'given' })]) });
    resolver.answer('a.test', ['10.0.0.1']);
    resolver.answer('b.test', ['10.0.0.2']);
    expect(manager.clusters()[0].hosts().map((host) => host.hostname)).toEqual(['a.test', 'given']);
  });

  it('lose their hosts when the name has no address any more, and keep them when nobody can tell', () => {
    const { resolver, scheduler, hosts } = setUp({ c: strict([endpoint('a.test')]) });
    resolver.answer('a.test', ['10.0.0.1']);
    scheduler.advance(5000);
    resolver.fail('a.test');
    expect(hosts()).toHaveLength(1);
    scheduler.advance(5000);
    resolver.answer('a.test', []);
    expect(hosts()).toEqual([]);
  });

  it('wait the shortest TTL where that is respected and known, else the refresh rate', () => {
    const { resolver, scheduler } = setUp({ c: strict([endpoint('a.test')], { respectTtl: true }) });
    resolver.answer('a.test', ['10.0.0.1'], 30);
    expect(scheduler.pending()).toEqual([30_000]);
    scheduler.advance(30_000);
    resolver.answer('a.test', ['10.0.0.1'], 0);
    expect(scheduler.pending()).toEqual([5000]);
  });

  it('add jitter', () => {
    const { resolver, scheduler } = setUp({ c: strict([endpoint('a.test')], { jitterMs: 1000 }) });
    resolver.answer('a.test', ['10.0.0.1']);
    expect(scheduler.pending()).toEqual([5500]);
  });

  it('back off with growing, random delays after failures until one succeeds', () => {
    const { resolver, scheduler } = setUp({ c: strict([endpoint('a.test')], { failureBaseMs: 1000, failureMaxMs: 3000 }) });
    const delays: number[] = [];
    for (let i = 0; i < 4; i++) {
      resolver.fail('a.test');
      delays.push(...scheduler.pending());
      scheduler.advance(5000);
    }
    expect(delays).toEqual([500, 1000, 1500, 1500]);
    resolver.answer('a.test', ['10.0.0.1']);
    scheduler.advance(5000);
    resolver.fail('a.test');
    expect(scheduler.pending()).toEqual([500]);
  });

  it('try again at the refresh rate where no back-off is configured', () => {
    const { resolver, scheduler } = setUp({ c: strict([endpoint('a.test')]) });
    resolver.fail('a.test');
    expect(scheduler.pending()).toEqual([5000]);
  });

  it('stop asking when they are closed', () => {
    const { resolver, scheduler, manager } = setUp({ c: strict([endpoint('a.test')]) });
    manager.close();
    resolver.answer('a.test', ['10.0.0.1']);
    scheduler.advance(60_000);
    expect(resolver.isClosed).toBe(true);
    expect(resolver.questions).toEqual([]);
  });
});

describe('logical DNS clusters', () => {
  it('have one host that moves to the first address of the latest answer', () => {
    const { resolver, scheduler, hosts, changes, value } = setUp({ c: logical('a.test') });
    resolver.answer('a.test', ['10.0.0.1', '10.0.0.2']);
    expect(hosts()).toEqual(['0=10.0.0.1:80']);
    scheduler.advance(5000);
    resolver.answer('a.test', ['10.0.0.2', '10.0.0.1']);
    expect(hosts()).toEqual(['0=10.0.0.2:80']);
    expect(changes).toEqual(['c']);
    scheduler.advance(5000);
    resolver.answer('a.test', ['10.0.0.2', '10.0.0.1']);
    expect([value('update_success'), value('update_no_rebuild'), value('membership_change'), value('membership_total')]).toEqual([3, 1, 1, 1]);
  });

  it('take an answer without addresses as a failure', () => {
    const { resolver, scheduler, hosts, value } = setUp({ c: logical('a.test') });
    resolver.answer('a.test', ['10.0.0.1']);
    scheduler.advance(5000);
    resolver.answer('a.test', []);
    expect(hosts()).toEqual(['0=10.0.0.1:80']);
    expect(value('update_failure')).toBe(1);
  });
});

describe('host ids', () => {
  it('are reused only when no fresh one is left, oldest first', () => {
    const ids = new HostIds(3);
    expect([ids.take(), ids.take()]).toEqual([0, 1]);
    ids.release(1);
    ids.release(0);
    expect([ids.take(), ids.take(), ids.take(), ids.take()]).toEqual([2, 1, 0, -1]);
  });

  it('begin with clean words', () => {
    const slabs = createSharedSlabs(1);
    const words = new Float64Array(slabs.hostStats[0]);
    words.fill(7, 0, HOST_STAT_WORDS * 2);
    new HostSlabs(slabs).birth(1, 0);
    expect([words[0], words[HOST_STAT_WORDS]]).toEqual([7, 0]);
  });
});

describe('a cluster whose table of hashes is large', () => {
  const maglev = { name: 'maglev', typeName: MAGLEV, config: { tableSize: 65_537, usesHostname: false, balanceFactor: 0, isLocalityWeighted: false } };
  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`);

  it('counts as initialized when the table is made; then tables go before hosts', async () => {
    const { state, changes, resolver, scheduler, value, manager } = setUp({ c: strict([endpoint('a.example.com')]) }, undefined, undefined, null, { lbPolicy: maglev });
    resolver.answer('a.example.com', many(600));
    expect([state.initialized, changes]).toEqual([0, []]);
    await until(() => state.initialized === 1, 'the table is made');
    expect(changes).toEqual(['c tables']);
    expect(value('maglev_lb.max_entries_per_host')).toBe(Math.ceil(65_537 / 600));
    scheduler.advance(5000);
    resolver.answer('a.example.com', many(700));
    expect(changes).toEqual(['c tables']);
    await until(() => changes.length > 1, 'the next table is made');
    expect(changes).toEqual(['c tables', 'c tables', 'c']);
    expect(manager.clusters()[0].hosts()).toHaveLength(700);
  });
});
describe('clusters of original destinations', () => {
  const destinations: DiscoveryConfig = { kind: 'original_dst', endpoints: [], cleanupIntervalMs: 1000 };

  it('are ready without hosts, and get those that workers name', () => {
    const { manager, scheduler, state, hosts, changes, value } = setUp({ c: destinations });
    expect(state.initialized).toBe(1);
    manager.onDestination({ clusterId: 0, address: '10.0.0.1', port: 80 });
    manager.onDestination({ clusterId: 0, address: '::1', port: 81 });
    // The other worker.
    manager.onDestination({ clusterId: 0, address: '10.0.0.1', port: 80 });
    manager.onDestination({ clusterId: 9, address: '10.0.0.1', port: 80 });
    scheduler.advance(0);
    expect(hosts()).toEqual(['0=10.0.0.1:80', '1=::1:81']);
    expect(manager.clusters()[0].hosts().map((host) => host.hostname)).toEqual(['c10.0.0.1:80', 'c[::1]:81']);
    expect(changes).toEqual(['c']);
    expect([value('membership_total'), value('membership_change'), value('default.total_match_count')]).toEqual([2, 1, 2]);
    manager.close();
  });

  it('hand on what is named in between together when there are many', () => {
    const { manager, scheduler, hosts, changes } = setUp({ c: destinations });
    for (let port = 1; port <= 2000; port++) {
      manager.onDestination({ clusterId: 0, address: '10.0.0.1', port });
      if (port === 1999) scheduler.advance(0);
    }
    expect([hosts().length, changes.length]).toEqual([1999, 1]);
    scheduler.advance(100);
    expect(changes).toHaveLength(1);
    scheduler.advance(100);
    expect([hosts().length, changes.length]).toEqual([2000, 2]);
    manager.close();
  });

  it('lose hosts that have no connection and were not asked for since the last look', () => {
    const { manager, scheduler, slabs, hosts } = setUp({ c: destinations });
    const words = new Float64Array(slabs.hostStats[1]);
    for (const port of [80, 81, 82]) manager.onDestination({ clusterId: 0, address: '10.0.0.1', port });
    scheduler.advance(0);
    words[0 * HOST_STAT_WORDS + HostStat.cxActive] = 1;
    words[1 * HOST_STAT_WORDS + HostStat.rqTotal] = 1;
    scheduler.advance(1000);
    expect(hosts()).toHaveLength(3);
    words[1 * HOST_STAT_WORDS + HostStat.rqTotal] = 2;
    scheduler.advance(1000);
    expect(hosts()).toEqual(['0=10.0.0.1:80', '1=10.0.0.1:81']);
    scheduler.advance(1000);
    expect(hosts()).toEqual(['0=10.0.0.1:80']);
    manager.onDestination({ clusterId: 0, address: '10.0.0.1', port: 82 });
    scheduler.advance(0);
    expect(hosts()).toHaveLength(2);
    manager.close();
    expect(scheduler.pending()).toEqual([]);
  });
});

it('clusters that do not wait for their names (wait_for_warm_on_init false) are initialized at once, and get their hosts later', () => {
  const { resolver, state, hosts, changes } = setUp({ c: strict([endpoint('a.test'), endpoint('b.test')], { startsCold: true }) });
  expect([state.initialized, hosts()]).toEqual([1, []]);
  resolver.answer('a.test', ['10.0.0.1']);
  expect([hosts(), changes]).toEqual([['0=10.0.0.1:80'], ['c']]);
  resolver.answer('b.test', ['10.0.0.2']);
  expect(state.initialized).toBe(1);
});
