import { describe, expect, it } from 'vitest';
import { HostHealthFlag as Flag } from '../../core/shared_memory/layout.ts';
import type { ClusterConfig, EndpointConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
import type { Prober, ProbeListener } from '../../core/upstream/health_prober.ts';
import { checkConfig } from '../../test/support/check_config.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { SimulatedScheduler } from '../../test/support/simulated_scheduler.ts';
import { type CheckTarget, checkTarget, type CheckedHost, ClusterHealthChecker, createHealthCheckStats } from './cluster_health_checker.ts';
import { HealthCheckEventLog } from './event_log.ts';
import type { HealthCheckConfig } from './health_check_config.ts';

class FakeProber implements Prober {
  probes = 0;
  aborts = 0;
  isClosed = false;
  readonly target: CheckTarget;
  readonly listener: ProbeListener;
  constructor(target: CheckTarget, listener: ProbeListener) {
    this.target = target;
    this.listener = listener;
  }
  probe(): void {
    this.probes++;
  }
  abort(): void {
    this.aborts++;
  }
  close(): void {
    this.isClosed = true;
  }
}

function checkedHost(id: number, fields: Partial<EndpointConfig> = {}): CheckedHost {
  const host: HostConfig = {
    id, address: `10.0.0.${id}`, port: 80, hostname: '', weight: 1, priority: 0, region: 'r', zone: '', subZone: '', localityWeight: 0, canary: false, metadata: {},
  };
  return { host, endpoint: { ...host, localityWeight: 0, healthStatus: 'unknown', ...fields } };
}

interface SetUp {
  readonly config?: Partial<HealthCheckConfig>;
  readonly flags?: number;
  readonly random?: number;
  readonly hasTraffic?: boolean;
  readonly runtime?: Record<string, number>;
  readonly hosts?: readonly CheckedHost[];
}

function setUp({ config = {}, flags = Flag.failedActiveHc, random = 0.5, hasTraffic = true, runtime = {}, hosts = [checkedHost(1)] }: SetUp = {}) {
  const scheduler = new SimulatedScheduler();
  const stats = createLocalStats();
  const words = new Map<number, number>(hosts.map(({ host }) => [host.id, flags]));
  const probers: FakeProber[] = [];
  const seen = { passive: 0, changes: 0, rounds: 0, events: [] as string[] };
  const sink = {
    sink: () => ({
      bytes: new Uint8Array(), view: new DataView(new ArrayBuffer(0)), lineOffset: 0, commit: () => {},
      write: (bytes: Uint8Array, offset: number, length: number) => {
        const { timestamp: _t, host: _h, health_checker_type: _c, cluster_name: _n, locality: _l, ...event } = JSON.parse(Buffer.from(bytes.subarray(offset, offset + length)).toString()) as Record<string, unknown>;
        seen.events.push(JSON.stringify(event));
      },
    }),
  };
  const checker = new ClusterHealthChecker(
    checkConfig({ eventLogPaths: ['/events'], ...config }),
    {
      scheduler, random: () => random, runtimeInteger: (key, fallback) => runtime[key] ?? fallback,
      probersFor: () => (_config, target, _stats, listener) => {
        const prober = new FakeProber(target, listener);
        probers.push(prober);
        return prober;
      },
      events: new HealthCheckEventLog(sink, () => scheduler.wallMs()),
    },
    { name: 'c' } as ClusterConfig,
    {
      name: 'c', scope: stats.scope.scope('cluster').scope('c'), stats: createHealthCheckStats(stats.scope.scope('cluster').scope('c')),
      flagsOf: (id) => ({ get: () => words.get(id) ?? flags, set: (value) => words.set(id, value) }),
      trafficOf: () => ({ scope: stats.scope, count: () => {}, onCheckConnection: () => {} }),
      passiveFailures: () => seen.passive, hasTraffic: () => hasTraffic, onCheckPassed: () => {}, onHealthChanged: () => seen.changes++, onFirstRound: () => seen.rounds++,
    },
  );
  checker.setHosts(hosts);
  const value = (name: string) => stats.value(`cluster.c.health_check.${name}`) ?? 0;
  // The next check: while a host is left out its counts are looked at before.
  return { scheduler, checker, probers, seen, words, value, next: () => scheduler.pending().at(-1) ?? 0 };
}

type Answer = 'ok' | 'degraded' | 'active' | 'retriable' | 'network' | 'timeout' | 'excluded';

function answer(run: ReturnType<typeof setUp>, what: Answer): void {
  const { scheduler, probers } = run;
  const { listener } = probers[0];
  if (what === 'timeout') scheduler.advance(100);
  else if (what === 'ok' || what === 'degraded') listener.onSuccess(what === 'degraded');
  else {
    if (what === 'excluded') listener.onExclude();
    listener.onFailure(what === 'network' ? 'NETWORK' : 'ACTIVE', what === 'retriable');
  }
}

const FAILED = Flag.failedActiveHc;

describe('state by answers', () => {
  // name, flags before, answers (each on its own check), flags after, ms until the next check, stats success failure network
  it.each([
    ['first success heals at once', FAILED, ['ok'], 0, 1000, [1, 0, 0]],
    ['first failure leaves it failed', FAILED, ['active'], FAILED, 2000, [0, 1, 0]],
    ['later successes count to the threshold', FAILED, ['active', 'ok'], FAILED, 4000, [1, 1, 0]],
    ['threshold of successes heals', FAILED, ['active', 'ok', 'ok'], 0, 1000, [2, 1, 0]],
    ['a failure between starts the count anew', FAILED, ['active', 'ok', 'network', 'ok'], FAILED, 4000, [2, 2, 1]],
    ['a wrong answer fails at once', 0, ['active'], FAILED, 2000, [0, 1, 0]],
    ['one network failure is pending', 0, ['network'], 0, 3000, [0, 1, 1]],
    ['threshold of network failures', 0, ['network', 'network'], FAILED, 2000, [0, 2, 2]],
    ['retriable answers count as well', 0, ['retriable', 'network'], FAILED, 2000, [0, 2, 1]],
    ['one retriable answer is pending', 0, ['retriable'], 0, 3000, [0, 1, 0]],
    ['a success between starts the count anew', 0, ['network', 'ok', 'network'], 0, 3000, [1, 2, 2]],
    ['timeouts that fail the host are shown', 0, ['timeout', 'timeout'], FAILED | Flag.activeHcTimeout, 2000, [0, 2, 2]],
    ['one timeout is not', 0, ['timeout'], 0, 3000, [0, 1, 1]],
    ['another failure takes the timeout away', 0, ['timeout', 'timeout', 'network'], FAILED, 2000, [0, 3, 3]],
    ['health takes the timeout away', FAILED, ['timeout', 'ok', 'ok'], 0, 1000, [2, 1, 1]],
    ['degraded and healthy', FAILED, ['degraded'], Flag.degradedActiveHc, 1000, [1, 0, 0]],
    ['degraded while not healthy yet', FAILED, ['active', 'degraded'], FAILED | Flag.degradedActiveHc, 4000, [1, 1, 0]],
    ['no longer degraded', 0, ['degraded', 'ok'], 0, 1000, [2, 0, 0]],
    ['told to exclude', 0, ['excluded'], FAILED | Flag.excludedViaImmediateHcFail, 2000, [0, 1, 0]],
    ['excluded until healthy', 0, ['excluded', 'ok', 'ok'], 0, 1000, [2, 1, 0]],
    ['left out until the first check', FAILED | Flag.pendingActiveHc, ['network'], FAILED, 2000, [0, 1, 1]],
    ['flags of others stay', FAILED | Flag.failedEdsHealth, ['ok'], Flag.failedEdsHealth, 1000, [1, 0, 0]],
  ] as const)('%s', (_name, flags, answers, expectedFlags, next, stats) => {
    const run = setUp({ flags });
    for (const [i, each] of answers.entries()) {
      if (i > 0) run.scheduler.advance(run.next());
      answer(run, each);
    }
    expect(run.words.get(1)).toBe(expectedFlags);
    expect(run.scheduler.pending().at(-1)).toBe(next);
    expect(['success', 'failure', 'network_failure'].map(run.value)).toEqual(stats);
    expect(run.value('attempt')).toBe(answers.length);
    expect(run.value('healthy')).toBe((expectedFlags & FAILED) === 0 ? 1 : 0);
    expect(run.value('degraded')).toBe((expectedFlags & Flag.degradedActiveHc) === 0 ? 0 : 1);
  });

  it('gives up a check at its timeout', () => {
    const run = setUp();
    run.scheduler.advance(99);
    expect([run.probers[0].aborts, run.value('failure')]).toEqual([0, 0]);
    run.scheduler.advance(1);
    expect([run.probers[0].aborts, run.value('failure')]).toEqual([1, 1]);
  });

  it('tells of changes only', () => {
    const run = setUp();
    answer(run, 'ok');
    expect(run.seen.changes).toBe(1);
    for (const each of ['ok', 'network'] as const) {
      run.scheduler.advance(run.next());
      answer(run, each);
    }
    expect(run.seen.changes).toBe(1);
    run.scheduler.advance(run.next());
    answer(run, 'network');
    expect(run.seen.changes).toBe(2);
  });
});

describe('intervals', () => {
  it.each([
    ['no traffic, healthy', { hasTraffic: false }, 'ok', 50_000],
    ['no traffic, unhealthy', { hasTraffic: false }, 'active', 60_000],
    ['percent of the interval', { config: { intervalJitterPercent: 10 } }, 'ok', 1050],
    ['jitter', { config: { intervalJitterMs: 300 } }, 'ok', 1150],
    ['both', { config: { intervalJitterMs: 300, intervalJitterPercent: 10 } }, 'ok', 1200],
    ['runtime maximum', { runtime: { 'health_check.max_interval': 10 } }, 'ok', 10],
    ['runtime minimum', { runtime: { 'health_check.min_interval': 9000 } }, 'ok', 9000],
    ['never 0', { config: { intervalMs: 0 } }, 'ok', 1],
  ] as const)('%s', (_name, options, what, next) => {
    const run = setUp(options);
    answer(run, what);
    expect(run.scheduler.pending()).toEqual([next]);
  });

  it('begins at once, or after a part of the initial jitter', () => {
    expect(setUp().probers[0].probes).toBe(1);
    const late = setUp({ config: { initialJitterMs: 500 } });
    expect([late.probers[0].probes, late.scheduler.pending()]).toEqual([0, [250]]);
    late.scheduler.advance(250);
    expect(late.probers[0].probes).toBe(1);
  });
});

describe('events', () => {
  it('are written when something happens', () => {
    const run = setUp();
    for (const [i, each] of (['active', 'ok', 'degraded', 'ok', 'network', 'timeout', 'timeout'] as const).entries()) {
      if (i > 0) run.scheduler.advance(run.next());
      answer(run, each);
    }
    expect(run.seen.events).toEqual([
      '{"health_check_failure_event":{"failure_type":"ACTIVE","first_check":true}}',
      '{"add_healthy_event":{"first_check":false}}',
      '{"degraded_healthy_host":{}}',
      '{"no_longer_degraded_host":{}}',
      '{"eject_unhealthy_event":{"failure_type":"NETWORK_TIMEOUT"}}',
    ]);
  });

  it('tell every check when asked to', () => {
    const run = setUp({ config: { logsAllFailures: true, logsAllSuccesses: true } });
    for (const [i, each] of (['ok', 'ok', 'network', 'active'] as const).entries()) {
      if (i > 0) run.scheduler.advance(run.next());
      answer(run, each);
    }
    expect(run.seen.events).toEqual([
      '{"add_healthy_event":{"first_check":true}}',
      '{"successful_health_check_event":{}}',
      '{"health_check_failure_event":{"failure_type":"NETWORK","first_check":false}}',
      '{"eject_unhealthy_event":{"failure_type":"ACTIVE"}}',
      '{"health_check_failure_event":{"failure_type":"ACTIVE","first_check":false}}',
    ]);
  });
});

describe('what hosts say in traffic', () => {
  const tell = (run: ReturnType<typeof setUp>, count: number) => {
    run.seen.passive += count;
    run.checker.onPassiveFailure(1);
  };

  it('fails a healthy host at once and leaves it out, until checks pass again', () => {
    const run = setUp();
    answer(run, 'ok');
    tell(run, 1);
    expect(run.words.get(1)).toBe(FAILED | Flag.excludedViaImmediateHcFail);
    expect([run.value('failure'), run.value('passive_failure'), run.value('network_failure'), run.value('healthy'), run.seen.changes]).toEqual([1, 1, 0, 0, 2]);
    // The next check comes when it would have come; counts are looked at meanwhile.
    expect(run.scheduler.pending()).toEqual([100, 1000]);
    run.scheduler.advance(1000);
    answer(run, 'ok');
    run.scheduler.advance(4000);
    answer(run, 'ok');
    expect([run.words.get(1), run.value('healthy'), run.probers[0].probes]).toEqual([0, 1, 3]);
    expect(run.scheduler.pending()).toEqual([1000]);
    expect(run.seen.events[1]).toBe('{"eject_unhealthy_event":{"failure_type":"PASSIVE"}}');
  });

  it('counts every such response, and successes anew with each', () => {
    const run = setUp();
    answer(run, 'ok');
    tell(run, 3);
    expect([run.value('failure'), run.value('passive_failure'), run.seen.changes]).toEqual([3, 3, 2]);
    run.scheduler.advance(1000);
    answer(run, 'ok');
    // No worker tells of those while the host is left out.
    run.seen.passive++;
    run.scheduler.advance(100);
    expect(run.value('passive_failure')).toBe(4);
    run.scheduler.advance(3900);
    answer(run, 'ok');
    expect(run.words.get(1)).toBe(FAILED | Flag.excludedViaImmediateHcFail);
  });

  it('is not heard where nobody checks, or of times before', () => {
    const run = setUp({ hosts: [checkedHost(1, { healthCheck: { port: 0, address: '', hostname: '', isDisabled: true } })], flags: 0 });
    tell(run, 1);
    expect([run.words.get(1), run.value('passive_failure')]).toEqual([0, 0]);
    run.checker.setHosts([checkedHost(1)]);
    expect(run.value('passive_failure')).toBe(0);
  });
});

describe('hosts', () => {
  it('come and go', () => {
    const run = setUp({ hosts: [checkedHost(1), checkedHost(2)] });
    run.probers[0].listener.onSuccess(false);
    expect(run.value('healthy')).toBe(1);
    run.checker.setHosts([checkedHost(2), checkedHost(3)]);
    expect([run.probers.length, run.probers[0].isClosed, run.value('healthy')]).toEqual([3, true, 0]);
    run.probers[0].listener.onSuccess(false);
    expect(run.value('success')).toBe(1);
    run.checker.close();
    expect([run.probers.every((prober) => prober.isClosed), run.scheduler.pending()]).toEqual([true, []]);
  });

  it('are checked once each in the first round', () => {
    const run = setUp({ hosts: [checkedHost(1), checkedHost(2), checkedHost(3, { healthCheck: { port: 0, address: '', hostname: '', isDisabled: true } })] });
    expect(run.probers).toHaveLength(2);
    run.checker.awaitFirstRound();
    run.probers[0].listener.onFailure('ACTIVE', false);
    expect(run.seen.rounds).toBe(0);
    run.checker.setHosts([checkedHost(1)]);
    expect(run.seen.rounds).toBe(1);
    run.scheduler.advance(5000);
    expect(run.seen.rounds).toBe(1);
  });

  it('are asked over the sockets that their endpoint says, and anew when those are others', () => {
    const sockets = (names: EndpointConfig['sockets']) => checkTarget(checkedHost(1, { sockets: names })).sockets;
    expect(sockets(undefined)).toEqual({ traffic: 'default', checks: 'default' });
    expect(sockets({ traffic: 'a', checks: '' })).toEqual({ traffic: 'a', checks: 'a' });
    const run = setUp({ hosts: [checkedHost(1, { sockets: { traffic: 'a', checks: 'b' } })] });
    run.checker.setHosts([checkedHost(1, { sockets: { traffic: 'a', checks: 'b' } })]);
    expect(run.probers).toHaveLength(1);
    run.checker.setHosts([checkedHost(1, { sockets: { traffic: 'a', checks: 'c' } })]);
    expect(run.probers.map(({ isClosed, target }) => [isClosed, target.sockets.checks])).toEqual([[true, 'b'], [false, 'c']]);
  });

  it('are asked where their endpoint says', () => {
    const at = (healthCheck: EndpointConfig['healthCheck'], hostname = '') => {
      const { address, port, hostname: name } = checkTarget(checkedHost(1, { healthCheck, hostname }));
      return `${name}@${address}:${port}`;
    };
    expect(at(undefined, 'h')).toBe('@10.0.0.1:80');
    expect(at({ port: 81, address: '', hostname: 'x', isDisabled: false }, 'h')).toBe('x@10.0.0.1:81');
    expect(at({ port: 82, address: '10.0.0.9', hostname: '', isDisabled: false })).toBe('@10.0.0.9:82');
  });
});
