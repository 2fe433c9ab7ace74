import { describe, expect, it } from 'vitest';
import { balancerSource, seededRandom } from '../../../test/support/balancer_source.ts';
import { clusterConfig, hostConfig } from '../../../test/support/in_process_worker.ts';
import { createLocalStats } from '../../../test/support/local_stats.ts';
import { RuntimeSnapshot, type RuntimeValues } from '../../runtime/runtime_snapshot.ts';
import { HEALTH_GENERATION, HOST_STAT_WORDS, HostHealthFlag } from '../../shared_memory/layout.ts';
import { emptyEnvironment } from '../balancer_environment.ts';
import { ClusterBalancer } from '../cluster_balancer.ts';
import type { HostConfig } from '../cluster_config.ts';
import { type ClusterInfo, createClusterStats } from '../cluster_info.ts';
import { Host } from '../host.ts';
import { LoadBalancerContext, type LoadBalancerFactory } from '../load_balancer.ts';
import { type LocalityConfig, NO_LOCALITY } from '../locality_config.ts';
import { RandomLoadBalancer } from '../../../extensions/load_balancing_policies/random/random.ts';
import { LocalCluster } from './local_cluster.ts';

/** Hosts by zone, as a text: `a3 b1` are three in zone a and one in b. */
function hostsIn(text: string, first: number, more: Partial<HostConfig> = {}): HostConfig[] {
  const zones = text.split(' ').filter((part) => part !== '').flatMap((part) => Array.from({ length: Number(part.slice(1)) }, () => part[0]));
  return zones.map((zone, i) => hostConfig(first + i, 1000 + first + i, { zone, ...more }));
}

interface Options {
  readonly own?: string;
  readonly locality?: Partial<LocalityConfig>;
  readonly zone?: Partial<LocalityConfig['zone']>;
  readonly runtime?: RuntimeValues;
  readonly factory?: Partial<LoadBalancerFactory>;
  readonly cluster?: string;
  readonly localityWeight?: number;
  readonly weights?: (config: HostConfig) => number;
}

const LOCAL = 100;

/** A process in zone a, of a local cluster, before an upstream cluster. */
function setUp(localHosts: string, upstreamHosts: string, options: Options = {}) {
  const stats = createLocalStats();
  const { stats: clusterStats } = createClusterStats(stats.scope.scope('cluster.c'));
  const info = { config: clusterConfig({ name: options.cluster ?? 'c' }), stats: clusterStats } as ClusterInfo;
  const health = new Int32Array(HEALTH_GENERATION + 1);
  const local = new LocalCluster('local', { region: '', zone: options.own ?? 'a', subZone: '' }, health);
  local.setHosts(hostsIn(localHosts, LOCAL));
  const words = new Float64Array(200 * HOST_STAT_WORDS);
  const configs = hostsIn(upstreamHosts, 0).map((config) => ({ ...config, weight: options.weights?.(config) ?? 1, localityWeight: options.localityWeight ?? 0 }));
  const hosts = configs.map((config) => new Host(config, health, words));
  const environment = { ...emptyEnvironment(), local, runtime: new RuntimeSnapshot(options.runtime ?? {}) };
  const factory: LoadBalancerFactory = {
    create: (random) => new RandomLoadBalancer(random), locality: { ...NO_LOCALITY, ...options.locality, zone: { ...NO_LOCALITY.zone, ...options.zone } }, ...options.factory,
  };
  const balancer = new ClusterBalancer(info, balancerSource(factory, seededRandom(9), { environment }));
  balancer.setHosts([hosts]);
  const context = new LoadBalancerContext();
  /** Part of the requests by zone, in percent; `-` for none. */
  const shares = (picks = 10_000): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (let i = 0; i < picks; i++) {
      const zone = balancer.choose(context)?.config.zone ?? '-';
      counts[zone] = (counts[zone] ?? 0) + 1;
    }
    return Object.fromEntries(Object.entries(counts).sort().map(([zone, count]) => [zone, Math.round((100 * count) / picks)]));
  };
  const fail = (...ids: number[]): void => {
    for (const id of ids) health[id] = HostHealthFlag.failedActiveHc;
    health[HEALTH_GENERATION]++;
    balancer.refresh();
  };
  const value = (name: string): number => stats.value(`cluster.c.lb_${name}`) ?? 0;
  return { balancer, local, shares, fail, value };
}

describe('zone-aware routing', () => {
  it.each<[string, string, string, Options, Record<string, number>]>([
    ['keeps all requests where the own zone has its share', 'a2 b2', 'a3 b3', {}, { a: 100 }],
    ['keeps all where the own zone has more than its share', 'a1 b3', 'a4 b4', {}, { a: 100 }],
    // Half of the requests come to a, which has a quarter of the hosts: half of them stay.
    ['sends elsewhere what the own zone cannot take', 'a2 b2', 'a2 b6', {}, { a: 50, b: 50 }],
    // a 40 %, b 40 %, c 20 % of the requests; 25 %, 50 %, 25 % of the hosts: 62.5 % stay, the rest as 10 to 5.
    ['divides that by what other zones have to spare', 'a2 b2 c1', 'a2 b4 c2', {}, { a: 63, b: 25, c: 13 }],
    ['spreads over the others by what they have to spare when its own zone has no host', 'a2 b2', 'b4 c4', {}, { c: 100 }],
    ['is off with one zone upstream', 'a1 b1', 'b8', {}, { b: 100 }],
    ['is off with one zone in the local cluster', 'a4', 'a1 b7', {}, { a: 13, b: 87 }],
    ['is on then where the own zone is forced', 'a4', 'a1 b7', { zone: { forceLocalMinSize: 1 } }, { a: 100 }],
    ['forces nothing with fewer hosts than that takes', 'a2 b2', 'a2 b6', { zone: { forceLocalMinSize: 3 } }, { a: 50, b: 50 }],
    ['is forced by runtime too', 'a4', 'a1 b7', { runtime: { 'upstream.zone_routing.force_local_zone.min_size': 1 } }, { a: 100 }],
    ['is off in a cluster that is too small', 'a1 b1', 'a1 b4', {}, { a: 20, b: 80 }],
    ['has its smallest size from the configuration', 'a1 b1', 'a2 b2', { zone: { minClusterSize: 4 } }, { a: 100 }],
    ['or from runtime', 'a1 b1', 'a2 b2', { runtime: { 'upstream.zone_routing.min_cluster_size': 4 } }, { a: 100 }],
    ['is for a part of the requests', 'a2 b2', 'a4 b4', { zone: { routingEnabled: 40 } }, { a: 70, b: 30 }],
    ['or for those that runtime says', 'a2 b2', 'a4 b4', { runtime: { 'upstream.zone_routing.enabled': 0 } }, { a: 50, b: 50 }],
    ['is off where this process has no zone', 'a1 b1', 'a1 b7', { own: '' }, { a: 13, b: 87 }],
    ['is off where the local cluster has no host in the own zone', 'b1 c1', 'a1 b7', {}, { a: 13, b: 87 }],
    ['goes by weights if it is to', 'a1 b1', 'a4 b4', { zone: { isByWeight: true }, weights: ({ zone }) => (zone === 'a' ? 1 : 3) }, { a: 50, b: 50 }],
    ['is nothing to a policy that chooses by hash', 'a1 b1', 'a4 b4', { factory: { usesHash: true } }, { a: 50, b: 50 }],
    ['is nothing to the local cluster itself', 'a1 b1', 'a4 b4', { cluster: 'local' }, { a: 50, b: 50 }],
    ['is nothing to localities with weights', 'a1 b1', 'a4 b4', { locality: { isWeighted: true }, localityWeight: 1 }, { a: 50, b: 50 }],
    ['is on where localities could have weights but have none', 'a1 b1', 'a4 b4', { locality: { isWeighted: true } }, { a: 100 }],
  ])('%s', (_name, local, upstream, options, expected) => {
    const shares = setUp(local, upstream, options).shares();
    expect(Object.keys(shares)).toEqual(Object.keys(expected));
    for (const [zone, percent] of Object.entries(expected)) expect(Math.abs(shares[zone] - percent)).toBeLessThanOrEqual(2);
  });

  it('counts how requests went', () => {
    const direct = setUp('a2 b2', 'a4 b4');
    direct.shares(10);
    expect(direct.value('zone_routing_all_directly')).toBe(10);
    const part = setUp('a2 b2', 'a2 b6');
    part.shares(100);
    expect(part.value('zone_routing_sampled') + part.value('zone_routing_cross_zone')).toBe(100);
    const small = setUp('a1 b1', 'a1 b1');
    small.shares(10);
    expect([small.value('zone_cluster_too_small'), small.value('recalculate_zone_structures')]).toEqual([1, 1]);
    expect(setUp('b2 c2', 'a4 b4').value('local_cluster_not_ok')).toBe(1);
  });

  it('goes by healthy hosts, as they are now', () => {
    const { shares, fail } = setUp('a2 b2', 'a4 b4');
    expect(shares()).toEqual({ a: 100 });
    fail(0, 1);
    const { a } = shares();
    // A third of the healthy hosts for half of the requests.
    expect(Math.abs(a - 67)).toBeLessThanOrEqual(2);
    fail(2, 3);
    expect(shares()).toEqual({ b: 100 });
  });

  it('follows the local cluster, by its health too', () => {
    const { shares, fail, local } = setUp('a2 b2', 'a2 b6');
    expect(Math.abs(shares().a - 50)).toBeLessThanOrEqual(2);
    fail(LOCAL);
    // A third of the requests comes to a, which has a quarter of the hosts.
    expect(Math.abs(shares().a - 75)).toBeLessThanOrEqual(2);
    local.setHosts(hostsIn('a1 b7', LOCAL + 10));
    expect(shares()).toEqual({ a: 100 });
  });

  it.each<[string, boolean, Record<string, number>]>([['anywhere', false, { a: 50, b: 50 }], ['nowhere', true, { '-': 100 }]])('goes %s while the local cluster is in panic', (_name, failsOnPanic, expected) => {
    const { shares, fail, value } = setUp('a2 b2', 'a4 b4', { locality: { failsOnPanic } });
    fail(LOCAL, LOCAL + 1, LOCAL + 2);
    const result = shares();
    for (const [zone, percent] of Object.entries(expected)) expect(Math.abs(result[zone] - percent)).toBeLessThanOrEqual(2);
    expect(value('local_cluster_not_ok')).toBe(10_000);
  });
});
