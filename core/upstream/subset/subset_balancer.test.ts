import { describe, expect, it } from 'vitest';
import { balancerSource, seededRandom } from '../../../test/support/balancer_source.ts';
import { clusterConfig, hostConfig } from '../../../test/support/in_process_worker.ts';
import { createLocalStats } from '../../../test/support/local_stats.ts';
import { HOST_STAT_WORDS, HostHealthFlag } from '../../shared_memory/layout.ts';
import { type ClusterInfo, createClusterStats } from '../cluster_info.ts';
import { Host } from '../host.ts';
import { NO_LOCALITY } from '../locality_config.ts';
import { type BalancerSource, type LoadBalancer, LoadBalancerContext } from '../load_balancer.ts';
import { MetadataCriteria } from '../metadata_criteria.ts';
import { SubsetBalancer } from './subset_balancer.ts';
import type { SubsetConfig, SubsetSelector } from './subset_config.ts';

type Metadata = Record<string, unknown>;

const NONE: SubsetConfig = {
  fallback: 'no_fallback', defaultSubset: {}, selectors: [], isLocalityWeightAware: false, scalesLocalityWeight: false, panicModeAny: false, listAsAny: false,
  allowsRedundantKeys: false, hasFallbackList: false,
};
const selector = (keys: string[], more: Partial<SubsetSelector> = {}): SubsetSelector => ({ keys, fallback: 'not_defined', fallbackKeys: [], isSingleHost: false, ...more });

/** Hosts in turn, so that a few picks see all of a subset. */
class Turns implements LoadBalancer {
  private hosts: readonly Host[] = [];
  private next = 0;
  setHosts(hosts: readonly Host[]): void {
    this.hosts = hosts;
  }
  chooseHost(): Host | null {
    return this.hosts.length === 0 ? null : this.hosts[this.next++ % this.hosts.length];
  }
}

interface HostSpec {
  readonly lb: Metadata;
  readonly priority?: number;
  readonly zone?: string;
  readonly localityWeight?: number;
}

function setUp(config: Partial<SubsetConfig>, specs: HostSpec[], source: Partial<BalancerSource['factory']> = {}) {
  const stats = createLocalStats();
  const { stats: clusterStats } = createClusterStats(stats.scope.scope('cluster.c'));
  const info = { config: clusterConfig(), stats: clusterStats } as ClusterInfo;
  const health = new Int32Array(specs.length);
  const words = new Float64Array(specs.length * HOST_STAT_WORDS);
  const levels: Host[][] = [[]];
  specs.forEach(({ lb, ...more }, id) => {
    const host = new Host(hostConfig(id, 80 + id, { metadata: { 'envoy.lb': lb }, ...more }), health, words);
    while (levels.length <= host.config.priority) levels.push([]);
    levels[host.config.priority].push(host);
  });
  const balancer = new SubsetBalancer(
    info, balancerSource({ create: () => new Turns(), ...source }, seededRandom(3)), { ...NONE, ...config }, clusterStats.subsets(),
  );
  balancer.setHosts(levels);
  const context = new LoadBalancerContext();
  const choose = (criteria: Metadata | null): number | undefined => {
    context.criteria = criteria === null ? null : new MetadataCriteria(criteria);
    return balancer.choose(context)?.config.id;
  };
  /** Ids that come up. */
  const seen = (criteria: Metadata | null): (number | undefined)[] => [...new Set(Array.from({ length: 40 }, () => choose(criteria)))].sort();
  const value = (name: string): number => stats.value(`cluster.c.lb_subsets_${name}`) ?? 0;
  return { balancer, health, levels, choose, seen, value };
}

const VERSIONS: HostSpec[] = [{ lb: { version: '1', stage: 'prod' } }, { lb: { version: '1', stage: 'dev' } }, { lb: { version: '2', stage: 'prod' } }, { lb: {} }];

describe('a choice among subsets', () => {
  const selectors = [selector(['version']), selector(['stage', 'version'])];

  it.each<[string, Partial<SubsetConfig>, Metadata | null, (number | undefined)[]]>([
    ['hosts with the value', {}, { version: '1' }, [0, 1]],
    ['hosts with all values, in whatever order they are asked for', {}, { version: '1', stage: 'dev' }, [1]],
    ['nobody for a value that no host has', {}, { version: '3' }, [undefined]],
    ['nobody for keys that no selector has', {}, { stage: 'prod' }, [undefined]],
    ['nobody for more keys than a selector has', {}, { version: '1', stage: 'dev', more: 1 }, [undefined]],
    ['nobody without criteria', {}, null, [undefined]],
    ['anybody without criteria', { fallback: 'any_endpoint' }, null, [0, 1, 2, 3]],
    ['anybody without a subset', { fallback: 'any_endpoint' }, { version: '3' }, [0, 1, 2, 3]],
    ['the default subset', { fallback: 'default_subset', defaultSubset: { stage: 'prod' } }, { version: '3' }, [0, 2]],
    ['all hosts as the default subset that wants nothing', { fallback: 'default_subset' }, null, [0, 1, 2, 3]],
    ['nobody of a default subset without hosts', { fallback: 'default_subset', defaultSubset: { stage: 'test' } }, null, [undefined]],
    ['anybody then, in panic', { fallback: 'default_subset', defaultSubset: { stage: 'test' }, panicModeAny: true }, null, [0, 1, 2, 3]],
    ['nobody in panic without a fallback, as in Envoy', { panicModeAny: true }, null, [undefined]],
    ['a number is not its text', {}, { version: 1 }, [undefined]],
  ])('%s', (_name, config, criteria, expected) => {
    expect(setUp({ selectors, ...config }, VERSIONS).seen(criteria)).toEqual(expected);
  });

  it.each<[string, Partial<SubsetSelector>, Metadata, (number | undefined)[]]>([
    ['nobody', { fallback: 'no_fallback' }, { stage: 'x', version: '1' }, [undefined]],
    ['anybody', { fallback: 'any_endpoint' }, { stage: 'x', version: '1' }, [0, 1, 2, 3]],
    ['the default subset', { fallback: 'default_subset' }, { stage: 'x', version: '1' }, [2]],
    ['a subset of fewer keys', { fallback: 'keys_subset', fallbackKeys: ['version'] }, { stage: 'x', version: '1' }, [0, 1]],
    ['what the fewer keys fall back to', { fallback: 'keys_subset', fallbackKeys: ['stage'] }, { stage: 'x', version: '1' }, [0, 1, 2, 3]],
  ])('a selector of its own falls back to %s', (_name, more, criteria, expected) => {
    const config = { selectors: [selector(['version']), selector(['stage', 'version'], more)], fallback: 'any_endpoint', defaultSubset: { version: '2' } } as const;
    expect(setUp(config, VERSIONS).seen(criteria)).toEqual(expected);
  });

  it('counts what it chose', () => {
    const { choose, value } = setUp({ selectors, fallback: 'default_subset', defaultSubset: { stage: 'test' }, panicModeAny: true }, VERSIONS);
    choose({ version: '1' });
    choose({ version: '9' });
    choose(null);
    expect(['selected', 'fallback', 'fallback_panic'].map(value)).toEqual([1, 0, 2]);
    const other = setUp({ selectors, fallback: 'any_endpoint' }, VERSIONS);
    other.choose(null);
    expect(['selected', 'fallback', 'fallback_panic'].map(other.value)).toEqual([0, 1, 0]);
  });

  it('any item of a list counts, where lists are to', () => {
    const hosts = [{ lb: { v: ['a', 'b'] } }, { lb: { v: 'b' } }];
    const config = { selectors: [selector(['v'])], fallback: 'default_subset', defaultSubset: { v: 'a' } } as const;
    expect(setUp({ ...config, listAsAny: true }, hosts).seen({ v: 'b' })).toEqual([0, 1]);
    expect(setUp({ ...config, listAsAny: true }, hosts).seen(null)).toEqual([0]);
    expect(setUp(config, hosts).seen({ v: 'b' })).toEqual([1]);
    expect(setUp(config, hosts).seen({ v: ['a', 'b'] })).toEqual([0]);
  });

  it('redundant keys are left out, where they may be; the longest selector counts', () => {
    const longestFirst = [selector(['stage', 'version']), selector(['version'])];
    expect(setUp({ selectors: longestFirst, allowsRedundantKeys: true }, VERSIONS).seen({ version: '1', more: 1 })).toEqual([0, 1]);
    expect(setUp({ selectors: longestFirst, allowsRedundantKeys: true }, VERSIONS).seen({ version: '1', stage: 'dev', more: 1 })).toEqual([1]);
  });

  it('tries a list of further criteria in order', () => {
    const config = { selectors, hasFallbackList: true };
    expect(setUp(config, VERSIONS).seen({ fallback_list: [{ version: '7' }, { version: '2' }] })).toEqual([2]);
    expect(setUp(config, VERSIONS).seen({ version: '1', fallback_list: [{ stage: 'x' }, { stage: 'dev' }] })).toEqual([1]);
    expect(setUp(config, VERSIONS).seen({ version: '1', fallback_list: [] })).toEqual([0, 1]);
    expect(setUp(config, VERSIONS).seen({ fallback_list: [{ version: '7' }] })).toEqual([undefined]);
    expect(setUp({ selectors }, VERSIONS).seen({ version: '1', fallback_list: [] })).toEqual([undefined]);
  });

  it('one host per subset serves whatever its health', () => {
    const { seen, health } = setUp({ selectors: [selector(['id'], { isSingleHost: true })] }, [{ lb: { id: 1 } }, { lb: { id: 2 } }, { lb: { id: 2 }, priority: 1 }, { lb: { id: 3 }, priority: 1 }]);
    health.fill(HostHealthFlag.failedActiveHc);
    expect([seen({ id: 1 }), seen({ id: 2 }), seen({ id: 3 }), seen({ id: 4 })]).toEqual([[0], [1], [3], [undefined]]);
  });

  it('subsets have their priorities and their health for themselves', () => {
    const { balancer, seen, health } = setUp({ selectors: [selector(['v'])] }, [{ lb: { v: 1 } }, { lb: { v: 2 } }, { lb: { v: 1 }, priority: 1 }, { lb: { v: 2 }, priority: 1 }]);
    expect([seen({ v: 1 }), seen({ v: 2 })]).toEqual([[0], [1]]);
    health[0] = HostHealthFlag.failedActiveHc;
    balancer.refresh();
    expect([seen({ v: 1 }), seen({ v: 2 })]).toEqual([[2], [1]]);
  });

  it('follows the hosts', () => {
    const { balancer, levels, seen } = setUp({ selectors: [selector(['version'])] }, VERSIONS);
    balancer.setHosts([levels[0].slice(2)]);
    expect([seen({ version: '1' }), seen({ version: '2' })]).toEqual([[undefined], [2]]);
  });
});

describe('localities of a subset', () => {
  // Of zone a, with weight 1, half of the hosts are in the subset; of zone b, with weight 3, all.
  const hosts: HostSpec[] = [
    { lb: { v: 1 }, zone: 'a', localityWeight: 10 }, { lb: {}, zone: 'a', localityWeight: 10 },
    { lb: { v: 1 }, zone: 'b', localityWeight: 15 }, { lb: { v: 1 }, zone: 'b', localityWeight: 15 },
  ];
  const share = (config: Partial<SubsetConfig>): number => {
    const { choose } = setUp({ selectors: [selector(['v'])], ...config }, hosts, { locality: { ...NO_LOCALITY, isWeighted: true } });
    const ids = Array.from({ length: 400 }, () => choose({ v: 1 }));
    return ids.filter((id) => id === 0).length / 400;
  };

  it('have their weights, or as much of them as the subset has of the hosts', () => {
    expect(share({ isLocalityWeightAware: true })).toBeCloseTo(10 / 25, 2);
    expect(share({ isLocalityWeightAware: true, scalesLocalityWeight: true })).toBeCloseTo(5 / 20, 2);
  });
});

describe('subsets of a cluster that is part of an aggregate', () => {
  const specs: HostSpec[] = [
    { lb: { version: '1' } }, { lb: { version: '2' } }, { lb: { version: '1' }, priority: 1 }, { lb: { version: '1' }, priority: 1 },
  ];

  it.each<Partial<SubsetConfig>>([{}, { fallback: 'any_endpoint' }])('are chosen within the priority that the aggregate has chosen', (more) => {
    const { balancer, health } = setUp({ selectors: [selector(['version'])], ...more }, specs);
    const context = new LoadBalancerContext();
    const seen = (level: number, isDegraded: boolean): (number | undefined)[] => {
      context.criteria = new MetadataCriteria({ version: '1' });
      return [...new Set(Array.from({ length: 40 }, () => balancer.chooseAt(level, isDegraded, context)?.config.id))].sort();
    };
    expect(balancer.levelCounts()).toMatchObject([{ hosts: 2, healthy: 2 }, { hosts: 2, healthy: 2 }]);
    expect([seen(0, false), seen(1, false)]).toEqual([[0], [2, 3]]);
    expect(context.retryPriority).toBeNull();
    health[3] = HostHealthFlag.degradedActiveHc;
    balancer.refresh();
    expect(balancer.levelCounts()[1]).toMatchObject({ healthy: 1, degraded: 1 });
    expect([seen(1, false), seen(1, true)]).toEqual([[2], [3]]);
  });
});
