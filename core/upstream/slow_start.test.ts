import { describe, expect, it } from 'vitest';
import { LeastRequestLoadBalancer } from '../../extensions/load_balancing_policies/least_request/least_request.ts';
import { RoundRobinLoadBalancer } from '../../extensions/load_balancing_policies/round_robin/round_robin.ts';
import { seededRandom } from '../../test/support/balancer_source.ts';
import { hostConfig } from '../../test/support/in_process_worker.ts';
import { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { HOST_STAT_WORDS, HostHealthFlag } from '../shared_memory/layout.ts';
import { emptyEnvironment } from './balancer_environment.ts';
import { Host } from './host.ts';
import { type LoadBalancer, LoadBalancerContext } from './load_balancer.ts';
import { SlowStart, type SlowStartConfig } from './slow_start.ts';

const BEGIN = 1_000_000;
const CONFIG: SlowStartConfig = { windowMs: 10_000, aggression: { defaultValue: 1, runtimeKey: 'aggression' }, minWeight: 0.1 };

function setUp(config: Partial<SlowStartConfig> = {}, runtime: Record<string, number> = {}) {
  const clock = { nowMs: BEGIN };
  const environment = { ...emptyEnvironment(), runtime: new RuntimeSnapshot(runtime), nowMs: () => clock.nowMs };
  const health = new Int32Array(2);
  const words = new Float64Array(2 * HOST_STAT_WORDS);
  /** The second host is new at BEGIN. */
  const since = Float64Array.of(0, BEGIN);
  const hosts = [0, 1].map((id) => new Host(hostConfig(id, 80 + id), health, words, [words], since));
  const slowStart = { ...CONFIG, ...config };
  return { clock, health, since, hosts, environment, slowStart, applied: new SlowStart(slowStart, environment) };
}

/** How often the new host comes up, of 1000. */
function newcomer(lb: LoadBalancer): number {
  const context = new LoadBalancerContext();
  let count = 0;
  for (let i = 0; i < 1000; i++) if (lb.chooseHost(context)?.config.id === 1) count++;
  return count;
}

describe('slow start', () => {
  it.each<[string, Partial<SlowStartConfig>, Record<string, number>, number, number]>([
    ['begins with the least weight', {}, {}, 0, 0.1],
    ['grows with time', {}, {}, 5000, 0.5],
    ['ends with the window', {}, {}, 10_000, 1],
    ['has nothing to say later', {}, {}, 50_000, 1],
    ['grows faster at first with more aggression', { aggression: { defaultValue: 2, runtimeKey: '' } }, {}, 2500, 0.5],
    ['grows slower at first with less', { aggression: { defaultValue: 0.5, runtimeKey: '' } }, {}, 5000, 0.25],
    ['takes the aggression of runtime', {}, { aggression: 2 }, 2500, 0.5],
    ['takes one of 0 for 1', {}, { aggression: 0 }, 5000, 0.5],
    ['has no less than the least weight', { minWeight: 0.6 }, {}, 5000, 0.6],
  ])('%s', (_name, config, runtime, elapsedMs, expected) => {
    const { applied, clock, hosts } = setUp(config, runtime);
    clock.nowMs = BEGIN + elapsedMs;
    expect(applied.apply(8, hosts[1])).toBeCloseTo(8 * expected, 6);
    expect(applied.apply(8, hosts[0])).toBe(8);
  });

  it('is for healthy hosts', () => {
    const { applied, health, hosts } = setUp();
    health[1] = HostHealthFlag.degradedActiveHc;
    expect(applied.apply(8, hosts[1])).toBe(8);
  });

  it('is of the weight that a host has by its load', () => {
    const { hosts, slowStart, environment, clock } = setUp({ windowMs: 10_000 });
    // As reports of load have made them: the new one would get three of four requests.
    [hosts[0].weight, hosts[1].weight] = [1000, 3000];
    const shareAt = (elapsedMs: number): number => {
      clock.nowMs = BEGIN + elapsedMs;
      const lb = new RoundRobinLoadBalancer(seededRandom(1), new SlowStart(slowStart, environment));
      lb.setHosts(hosts);
      return newcomer(lb) / 1000;
    };
    expect(shareAt(0)).toBeCloseTo(300 / 1300, 1);
    expect(shareAt(5000)).toBeCloseTo(1500 / 2500, 1);
    expect(shareAt(10_000)).toBeCloseTo(3000 / 4000, 1);
  });

  it.each<[string, (parts: ReturnType<typeof setUp>) => LoadBalancer]>([
    ['round robin', ({ applied }) => new RoundRobinLoadBalancer(seededRandom(1), applied)],
    ['least request', ({ slowStart, environment }) => new LeastRequestLoadBalancer({ choiceCount: 2, activeRequestBias: 1, biasKey: '', isFullScan: false, slowStart }, seededRandom(1), environment)],
  ])('%s gives a new host its part by and by', (_name, create) => {
    const parts = setUp();
    const lb = create(parts);
    lb.setHosts(parts.hosts, parts.hosts);
    expect(newcomer(lb) / 1000).toBeCloseTo(0.1 / 1.1, 2);
    parts.clock.nowMs = BEGIN + 5000;
    expect(newcomer(lb) / 1000).toBeCloseTo(0.5 / 1.5, 2);
    parts.clock.nowMs = BEGIN + 10_000;
    expect(newcomer(lb) / 1000).toBeCloseTo(0.5, 2);
    lb.setHosts(parts.hosts, parts.hosts);
    expect(newcomer(lb) / 1000).toBeCloseTo(0.5, 1);
  });

  it('begins again when a host is healthy again', () => {
    const { applied, since, clock, hosts } = setUp();
    clock.nowMs = BEGIN + 60_000;
    expect(applied.concerns(hosts)).toBe(false);
    since[0] = clock.nowMs;
    expect(applied.concerns(hosts)).toBe(true);
    expect(applied.apply(1, hosts[0])).toBeCloseTo(0.1, 6);
  });
});
