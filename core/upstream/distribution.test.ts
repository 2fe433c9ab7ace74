/** Every policy spreads requests as it says, by chi-square with a seeded generator. */
import { describe, expect, it } from 'vitest';
import { LeastRequestLoadBalancer } from '../../extensions/load_balancing_policies/least_request/least_request.ts';
import { RandomLoadBalancer } from '../../extensions/load_balancing_policies/random/random.ts';
import { RoundRobinLoadBalancer } from '../../extensions/load_balancing_policies/round_robin/round_robin.ts';
import { balancerSource, chiSquare, seededRandom } from '../../test/support/balancer_source.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { HOST_LOAD_WORDS, HOST_STAT_WORDS } from '../shared_memory/layout.ts';
import { ClusterBalancer } from './cluster_balancer.ts';
import type { HostConfig } from './cluster_config.ts';
import { type ClusterInfo, createClusterStats } from './cluster_info.ts';
import { HashTableBalancer } from './consistent_hash/hash_table_balancer.ts';
import { maglevTables } from './consistent_hash/maglev_table.ts';
import { ringTables } from './consistent_hash/ring.ts';
import { Host } from './host.ts';
import type { LeastRequestConfig } from './least_request_config.ts';
import { LoadBalancerContext, type LoadBalancerFactory } from './load_balancer.ts';
import { LoadWeights } from './load_reports/load_weights.ts';
import { NO_LOCALITY } from './locality_config.ts';
import { MetadataCriteria } from './metadata_criteria.ts';
import { SubsetBalancer } from './subset/subset_balancer.ts';
import type { SubsetConfig } from './subset/subset_config.ts';

const HOSTS = 20;
const PICKS = 40_000;
/** 19 degrees of freedom: above it once in a thousand. */
const BOUND = 43.8;
const COMMON = { usesHostname: false, balanceFactor: 0, isLocalityWeighted: false };
/** A ring is as even as it is large. */
const RING = { isMurmur: false, minimumRingSize: 2_000_000, maximumRingSize: 8_388_608, ...COMMON };
const LEAST: LeastRequestConfig = { choiceCount: 2, activeRequestBias: 1, biasKey: '', isFullScan: false };
const SUBSETS: SubsetConfig = {
  fallback: 'no_fallback', defaultSubset: {}, selectors: [{ keys: ['v'], fallback: 'not_defined', fallbackKeys: [], isSingleHost: false }], isLocalityWeightAware: false,
  scalesLocalityWeight: false, panicModeAny: false, listAsAny: false, allowsRedundantKeys: false, hasFallbackList: false,
};

const one = (): Partial<HostConfig> => ({});
const weighted = (i: number): Partial<HostConfig> => ({ weight: 1 + (i % 4) });
/** Four localities of five hosts; the weight of a locality divides over its hosts. */
const placed = (i: number): Partial<HostConfig> => ({ zone: `z${i % 4}`, localityWeight: 1 + (i % 4) });

interface Case {
  readonly factory: LoadBalancerFactory;
  readonly host: (i: number) => Partial<HostConfig>;
  /** What a host's part is in proportion to. */
  readonly part: (config: HostConfig) => number;
  readonly subsets?: SubsetConfig;
  /** The weight that a host reports. */
  readonly load?: (i: number) => number;
}

const weightOf = (config: HostConfig): number => config.weight;
const least = (more: Partial<LeastRequestConfig> = {}): LoadBalancerFactory => ({ create: (random, { environment }) => new LeastRequestLoadBalancer({ ...LEAST, ...more }, random, environment) });
const maglev: LoadBalancerFactory = { usesHash: true, create: (random, { load }) => new HashTableBalancer(COMMON, maglevTables({ ...COMMON, tableSize: 65_537 }), random, load, null) };
const ring: LoadBalancerFactory = { usesHash: true, create: (random, { load }) => new HashTableBalancer(COMMON, ringTables(RING), random, load, null) };
const roundRobin: LoadBalancerFactory = { create: (random) => new RoundRobinLoadBalancer(random) };
const random: LoadBalancerFactory = { create: (next) => new RandomLoadBalancer(next) };

describe('a policy spreads requests', () => {
  it.each<[string, Case]>([
    ['round_robin', { factory: roundRobin, host: one, part: () => 1 }],
    ['round_robin by weight', { factory: roundRobin, host: weighted, part: weightOf }],
    ['round_robin by locality', { factory: { ...roundRobin, locality: { ...NO_LOCALITY, isWeighted: true } }, host: placed, part: (config) => config.localityWeight }],
    ['least_request', { factory: least(), host: one, part: () => 1 }],
    ['least_request by weight', { factory: least(), host: weighted, part: weightOf }],
    ['least_request with a full scan', { factory: least({ isFullScan: true }), host: one, part: () => 1 }],
    ['random, whatever the weights', { factory: random, host: weighted, part: () => 1 }],
    ['ring_hash', { factory: ring, host: one, part: () => 1 }],
    ['ring_hash by weight', { factory: ring, host: weighted, part: weightOf }],
    ['maglev', { factory: maglev, host: one, part: () => 1 }],
    ['maglev by weight', { factory: maglev, host: weighted, part: weightOf }],
    ['round_robin by load', { factory: roundRobin, host: one, load: (i) => 10 + 10 * (i % 7), part: (config) => 10 + 10 * (config.id % 7) }],
    ['round_robin by locality, then by load', {
      factory: { ...roundRobin, locality: { ...NO_LOCALITY, isWeighted: true } }, host: placed, load: (i) => 1 + Math.floor(i / 4), part: ({ localityWeight, id }) => localityWeight * (1 + Math.floor(id / 4)),
    }],
    ['a subset of half of the hosts', {
      factory: random, subsets: SUBSETS, host: (i) => ({ metadata: { 'envoy.lb': { v: i % 2 } } }), part: (config) => (config.id % 2 === 1 ? 1 : 0),
    }],
  ])('%s', (_name, { factory, host, part, subsets, load }) => {
    const { stats } = createClusterStats(createLocalStats().scope);
    const info = { config: clusterConfig(), stats } as ClusterInfo;
    const words = new Float64Array(HOSTS * HOST_STAT_WORDS);
    const hosts = Array.from({ length: HOSTS }, (_, id) => new Host(hostConfig(id, 80 + id, host(id)), new Int32Array(HOSTS), words));
    const source = balancerSource(factory, seededRandom(11));
    const chooser = subsets === undefined ? new ClusterBalancer(info, source) : new SubsetBalancer(info, source, subsets, stats.subsets());
    chooser.setHosts([hosts]);
    if (load !== undefined) {
      const loads = new Float64Array(HOSTS * HOST_LOAD_WORDS);
      const weights = new LoadWeights({ metrics: [], errorPenalty: 0, blackoutMs: 0, expirationMs: 1000, updateMs: 1 }, loads, [loads], () => 1000);
      for (let i = 0; i < HOSTS; i++) weights.note(i, load(i));
      expect(weights.apply(hosts)).toBe(true);
      chooser.rebuild();
    }
    const context = new LoadBalancerContext();
    if (subsets !== undefined) context.criteria = new MetadataCriteria({ v: 1 });
    const counts = hosts.map(() => 0);
    for (let i = 0; i < PICKS; i++) counts[chooser.choose(context)?.config.id ?? 0]++;
    const total = hosts.reduce((sum, each) => sum + part(each.config), 0);
    const expected = hosts.map((each) => (PICKS * part(each.config)) / total);
    const used = hosts.filter((each) => part(each.config) > 0).map((each) => each.config.id);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(used.reduce((sum, id) => sum + counts[id], 0));
    expect(chiSquare(used.map((id) => counts[id]), used.map((id) => expected[id]))).toBeLessThan(BOUND);
  });
});
