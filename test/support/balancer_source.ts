import { emptyEnvironment } from '../../core/upstream/balancer_environment.ts';
import { type BalancerSource, configuredLocalityWeight, type LoadBalancerFactory } from '../../core/upstream/load_balancer.ts';

/** What balancers of a policy are made with: no runtime values, no local cluster, no other requests. */
export function balancerSource(factory: LoadBalancerFactory, random: () => number, overrides: Partial<BalancerSource> = {}): BalancerSource {
  return {
    factory, random, load: { activeRequests: () => 0 }, tables: null, journal: null, localityWeightOf: configuredLocalityWeight, environment: emptyEnvironment(), overprovisioning: 140, ...overrides,
  };
}

/** Integers in [0, 2^32), the same every time: xorshift, whose low bits are as good as its high ones. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/** The chi-square statistic of counts against what was to be expected. */
export function chiSquare(counts: readonly number[], expected: readonly number[]): number {
  return counts.reduce((sum, count, i) => sum + (count - expected[i]) ** 2 / expected[i], 0);
}
