import { describe, expect, it } from 'vitest';
import { HOST_STAT_WORDS } from '../../../core/shared_memory/layout.ts';
import { emptyEnvironment } from '../../../core/upstream/balancer_environment.ts';
import { Host } from '../../../core/upstream/host.ts';
import type { LeastRequestConfig } from '../../../core/upstream/least_request_config.ts';
import { LoadBalancerContext } from '../../../core/upstream/load_balancer.ts';
import { RandomLoadBalancer } from '../random/random.ts';
import { LeastRequestLoadBalancer } from './least_request.ts';

const context = new LoadBalancerContext();

function makeHosts(weights: number[]): Host[] {
  const health = new Int32Array(weights.length);
  const stats = new Float64Array(weights.length * HOST_STAT_WORDS);
  return weights.map((weight, id) => new Host({ id, address: '127.0.0.1', port: id, hostname: '', weight, priority: 0, region: '', zone: '', subZone: '', localityWeight: 0, canary: false, metadata: {} }, health, stats));
}

/** A small linear congruential generator: the same numbers every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >>> 8;
  };
}

function balancer(weights: number[], config: Partial<LeastRequestConfig> = {}, environment = emptyEnvironment()): { lb: LeastRequestLoadBalancer; hosts: Host[] } {
  const hosts = makeHosts(weights);
  const lb = new LeastRequestLoadBalancer({ choiceCount: 2, activeRequestBias: 1, biasKey: '', isFullScan: false, ...config }, seeded(1), environment);
  lb.setHosts(hosts);
  return { lb, hosts };
}

function tally(hosts: Host[], choose: () => Host | null, picks: number): number[] {
  const counts = hosts.map(() => 0);
  for (let i = 0; i < picks; i++) counts[hosts.indexOf(choose() as Host)]++;
  return counts;
}

describe('LeastRequestLoadBalancer', () => {
  it('chooses nothing without hosts', () => {
    expect(balancer([]).lb.chooseHost(context)).toBeNull();
  });

  it('spreads over idle hosts', () => {
    const { lb, hosts } = balancer([1, 1, 1]);
    for (const count of tally(hosts, () => lb.chooseHost(context), 3000)) expect(count).toBeGreaterThan(850);
  });

  it('takes the less busy of two drawn hosts', () => {
    const { lb, hosts } = balancer([1, 1]);
    hosts[0].onRequestStarted();
    const [busy, idle] = tally(hosts, () => lb.chooseHost(context), 4000);
    // The busy one only comes up when it is drawn twice: a quarter of the time.
    expect(busy / (busy + idle)).toBeCloseTo(0.25, 1);
  });

  it('a full scan always finds the least busy, ties by chance', () => {
    const { lb, hosts } = balancer([1, 1, 1, 1], { isFullScan: true });
    hosts[1].onRequestStarted();
    hosts[3].onRequestStarted();
    const counts = tally(hosts, () => lb.chooseHost(context), 2000);
    expect([counts[1], counts[3]]).toEqual([0, 0]);
    expect(counts[0] / 2000).toBeCloseTo(0.5, 1);
  });

  it('follows weights while all are idle', () => {
    const { lb, hosts } = balancer([1, 3]);
    expect(tally(hosts, () => lb.chooseHost(context), 400)).toEqual([100, 300]);
  });

  it('lets active requests shrink a weight, as far as the bias says', () => {
    const picks = (bias: number): number[] => {
      const { lb, hosts } = balancer([1, 3], { activeRequestBias: bias });
      for (let i = 0; i < 2; i++) hosts[1].onRequestStarted();
      return tally(hosts, () => lb.chooseHost(context), 400);
    };
    // Weight 3 with two active requests counts as 3 / 3.
    const [light, heavy] = picks(1);
    expect(Math.abs(light - heavy)).toBeLessThanOrEqual(4);
    expect(picks(0)).toEqual([100, 300]);
  });
});

describe('RandomLoadBalancer', () => {
  it('gives every host the same chance whatever its weight', () => {
    const hosts = makeHosts([1, 100]);
    const lb = new RandomLoadBalancer(seeded(3));
    expect(lb.chooseHost(context)).toBeNull();
    lb.setHosts(hosts);
    expect(tally(hosts, () => lb.chooseHost(context), 2000)[0] / 2000).toBeCloseTo(0.5, 1);
  });
});
