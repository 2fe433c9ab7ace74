import { describe, expect, it } from 'vitest';
import { LeastRequestLoadBalancer } from '../../extensions/load_balancing_policies/least_request/least_request.ts';
import { RandomLoadBalancer } from '../../extensions/load_balancing_policies/random/random.ts';
import { RoundRobinLoadBalancer } from '../../extensions/load_balancing_policies/round_robin/round_robin.ts';
import { balancerSource } from '../../test/support/balancer_source.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { HostHealthFlag } from '../shared_memory/layout.ts';
import { emptyEnvironment } from './balancer_environment.ts';
import { ClusterBalancer } from './cluster_balancer.ts';
import { ClusterInfo, createClusterStats } from './cluster_info.ts';
import { ForeseeingChooser } from './foreseeing_chooser.ts';
import { Host } from './host.ts';
import { LoadBalancerContext, type LoadBalancerFactory } from './load_balancer.ts';

const LEAST_REQUEST = { choiceCount: 2, isFullScan: false, activeRequestBias: 1, biasKey: '' };
const POLICIES: Record<string, LoadBalancerFactory> = {
  'round robin': { create: (random) => new RoundRobinLoadBalancer(random) },
  random: { create: (random) => new RandomLoadBalancer(random) },
  'least request': { create: (random) => new LeastRequestLoadBalancer(LEAST_REQUEST as never, random, emptyEnvironment()) },
};

function setUp(policy: string, weights: readonly number[]) {
  let state = 5;
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 7;
  const info = new ClusterInfo(clusterConfig(), createClusterStats(createLocalStats().scope).stats, [] as never);
  const health = new Int32Array(100);
  const hosts = weights.map((weight, id) => new Host(hostConfig(id, 80, { weight }), health, new Float64Array(800)));
  const chooser = new ForeseeingChooser(new ClusterBalancer(info, balancerSource(POLICIES[policy], random)));
  chooser.setHosts([hosts]);
  const context = new LoadBalancerContext();
  const ids = (choose: () => Host | null, times: number): number[] => Array.from({ length: times }, () => choose()?.config.id ?? -1);
  return { chooser, health, hosts, context, peek: (times: number) => ids(() => chooser.peek(context), times), choose: (times: number) => ids(() => chooser.choose(context), times) };
}

describe('hosts chosen in advance', () => {
  it.each([
    ['round robin', [1, 1, 1]],
    ['round robin', [1, 2, 3]],
    ['random', [1, 1, 1]],
    ['least request', [1, 2, 3]],
  ])('are those that the next requests get: %s, weights %j', (policy, weights) => {
    const { peek, choose } = setUp(policy, weights);
    const foreseen = peek(2);
    expect(choose(2)).toEqual(foreseen);
    // One of those to come is there already, then others.
    const [third] = peek(1);
    expect(choose(1)).toEqual([third]);
  });

  it('follow one another as without looking ahead', () => {
    const { peek, choose } = setUp('round robin', [1, 1, 1]);
    const [first, second] = [...peek(1), ...peek(1)];
    expect(new Set([...choose(2), ...choose(1)]).size).toBe(3);
    expect(first).not.toBe(second);
  });

  it('are no more than there are healthy hosts', () => {
    const { peek, chooser, health } = setUp('round robin', [1, 1, 1]);
    expect(peek(4)[3]).toBe(-1);
    health[1] = HostHealthFlag.failedActiveHc;
    chooser.refresh();
    expect(peek(1)).toEqual([-1]);
  });

  it('are none for least request with equal weights', () => {
    expect(setUp('least request', [1, 1]).peek(1)).toEqual([-1]);
  });

  it('are forgotten when they fail, or the hosts are others', () => {
    const { peek, choose, chooser, health, hosts } = setUp('round robin', [1, 1, 1]);
    const foreseen = peek(2);
    health[foreseen[0]] = HostHealthFlag.failedActiveHc;
    chooser.refresh();
    expect(choose(1)).toEqual([foreseen[1]]);
    health[foreseen[0]] = 0;
    peek(2);
    chooser.setHosts([[hosts[2]]]);
    expect(choose(2)).toEqual([2, 2]);
  });

  it('are not for retries that want another priority', () => {
    const { peek, choose, chooser, context } = setUp('round robin', [1, 1, 1]);
    const [foreseen] = peek(1);
    context.retryPriority = { onHostAttempted() {}, loadForRetry: (load) => load };
    expect(chooser.choose(context)?.config.id).not.toBe(foreseen);
    context.retryPriority = null;
    expect(choose(1)).toEqual([foreseen]);
  });
});
