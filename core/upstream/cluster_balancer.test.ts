import { describe, expect, it } from 'vitest';
import { balancerSource } from '../../test/support/balancer_source.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { RandomLoadBalancer } from '../../extensions/load_balancing_policies/random/random.ts';
import { RoundRobinLoadBalancer } from '../../extensions/load_balancing_policies/round_robin/round_robin.ts';
import { HostHealthFlag } from '../shared_memory/layout.ts';
import { ClusterBalancer } from './cluster_balancer.ts';
import type { ClusterConfig, HostConfig } from './cluster_config.ts';
import { ClusterInfo, createClusterStats } from './cluster_info.ts';
import { Host } from './host.ts';
import { NO_LOCALITY } from './locality_config.ts';
import { LoadBalancerContext, type LoadBalancerFactory } from './load_balancer.ts';

/** Numerical Recipes' generator: the same numbers every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 7;
  };
}

const LOCALITY = { ...NO_LOCALITY, failsOnPanic: false, isWeighted: false };
const ROUND_ROBIN: LoadBalancerFactory = { create: (random) => new RoundRobinLoadBalancer(random) };
const RANDOM: LoadBalancerFactory = { create: (random) => new RandomLoadBalancer(random) };
const DOWN = HostHealthFlag.failedActiveHc;
const DEGRADED = HostHealthFlag.degradedEdsHealth;

function setUp(levels: readonly (readonly Partial<HostConfig>[])[], factory: LoadBalancerFactory = ROUND_ROBIN, config: Partial<ClusterConfig> = {}) {
  const stats = createLocalStats();
  const info = new ClusterInfo(clusterConfig(config), createClusterStats(stats.scope).stats, [] as never);
  const health = new Int32Array(100);
  const slab = new Float64Array(800);
  let id = 0;
  const byPriority = levels.map((level, priority) => level.map((more) => new Host(hostConfig(id++, 80, { priority, ...more }), health, slab)));
  const balancer = new ClusterBalancer(info, balancerSource(factory, seeded(7), { load: info, overprovisioning: info.config.overprovisioningFactor }));
  balancer.setHosts(byPriority);
  const context = new LoadBalancerContext();
  /** Picks per host id; -1 = none. */
  const tally = (picks: number): Map<number, number> => {
    const counts = new Map<number, number>();
    for (let i = 0; i < picks; i++) {
      const chosen = balancer.choose(context)?.config.id ?? -1;
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    }
    return counts;
  };
  const setHealth = (...flags: number[]): void => {
    health.set(flags);
    balancer.refresh();
  };
  return { tally, setHealth, stats };
}

function chiSquare(counts: Map<number, number>, expected: readonly number[]): number {
  return expected.reduce((sum, count, id) => sum + ((counts.get(id) ?? 0) - count) ** 2 / count, 0);
}

describe('ClusterBalancer', () => {
  it('keeps to the first priority while it suffices, and spills what it cannot take', () => {
    const { tally, setHealth, stats } = setUp([[{}, {}, {}, {}], [{}, {}]]);
    expect([...tally(400).keys()].sort()).toEqual([0, 1, 2, 3]);
    setHealth(DOWN, DOWN);
    // 70 % on two hosts, 30 % on two: 3 degrees of freedom, above 16.3 once in a thousand.
    expect(chiSquare(new Map([...tally(10_000)].map(([id, count]) => [id - 2, count])), [3500, 3500, 1500, 1500])).toBeLessThan(16.3);
    setHealth(DOWN, DOWN, DOWN, DOWN);
    expect([...tally(100).keys()].sort()).toEqual([4, 5]);
    expect(stats.value('lb_healthy_panic')).toBe(0);
    setHealth(0, 0, 0, 0);
    expect([...tally(400).keys()].sort()).toEqual([0, 1, 2, 3]);
  });

  it('uses degraded hosts for what healthy ones leave', () => {
    const { tally, setHealth } = setUp([[{}, {}]]);
    setHealth(0, DEGRADED);
    expect(chiSquare(tally(10_000), [7000, 3000])).toBeLessThan(10.8);
  });

  it('uses all hosts in panic and counts each such choice', () => {
    const { tally, setHealth, stats } = setUp([[{}, {}, {}]]);
    setHealth(DOWN, DOWN);
    expect(tally(300)).toEqual(new Map([[0, 100], [1, 100], [2, 100]]));
    expect(stats.value('lb_healthy_panic')).toBe(300);
  });

  it('refuses in panic where that is configured, and keeps to healthy hosts without a threshold', () => {
    const refusing = setUp([[{}, {}, {}]], { ...ROUND_ROBIN, locality: { ...LOCALITY, failsOnPanic: true } });
    refusing.setHealth(DOWN, DOWN);
    expect(refusing.tally(5)).toEqual(new Map([[-1, 5]]));
    expect(refusing.stats.value('lb_healthy_panic')).toBe(5);
    const strict = setUp([[{}, {}, {}]], ROUND_ROBIN, { healthyPanicThreshold: 0 });
    strict.setHealth(DOWN, DOWN);
    expect(strict.tally(5)).toEqual(new Map([[2, 5]]));
  });

  it('has none without hosts', () => {
    expect(setUp([[]]).tally(3)).toEqual(new Map([[-1, 3]]));
  });
});

describe('locality weights', () => {
  const WEIGHTED = { ...LOCALITY, isWeighted: true };
  const hosts = [{ zone: 'a', localityWeight: 1 }, { zone: 'b', localityWeight: 3 }, { zone: 'b', localityWeight: 3 }, { zone: 'c', localityWeight: 0 }];

  it('divide the load between localities, whatever their size', () => {
    const { tally } = setUp([hosts], { ...ROUND_ROBIN, locality: WEIGHTED });
    expect(tally(800)).toEqual(new Map([[0, 200], [1, 300], [2, 300]]));
    expect(chiSquare(setUp([hosts.slice(0, 3)], { ...RANDOM, locality: WEIGHTED }).tally(8000), [2000, 3000, 3000])).toBeLessThan(13.8);
  });

  it('shrink with the availability of a locality beyond the reserve', () => {
    const { tally, setHealth } = setUp([hosts], { ...ROUND_ROBIN, locality: WEIGHTED });
    setHealth(0, DOWN);
    // 3 × 1.4 / 2 against 1.
    const counts = tally(3100);
    expect(Math.abs((counts.get(0) ?? 0) - 1000)).toBeLessThanOrEqual(1);
    expect(counts.get(1)).toBeUndefined();
  });

  it('do not matter where none is given, nor in panic', () => {
    const { tally } = setUp([[{ zone: 'a' }, { zone: 'b' }, { zone: 'b' }]], { ...ROUND_ROBIN, locality: WEIGHTED });
    expect(tally(300)).toEqual(new Map([[0, 100], [1, 100], [2, 100]]));
    const panicking = setUp([hosts], { ...ROUND_ROBIN, locality: WEIGHTED });
    panicking.setHealth(DOWN, DOWN, DOWN, DOWN);
    expect([...panicking.tally(40).keys()].sort()).toEqual([0, 1, 2, 3]);
  });
});
