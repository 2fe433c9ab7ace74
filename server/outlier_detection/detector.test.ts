import { describe, expect, it } from 'vitest';
import { RuntimeSnapshot, type RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';
import { createSharedSlabs, HEALTH_GENERATION, HostHealthFlag, OUTLIER_KINDS, OUTLIER_WORDS, OutlierKind, OutlierWord } from '../../core/shared_memory/layout.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { outlierConfig } from '../../test/support/outlier_config.ts';
import { hostConfig } from '../../test/support/in_process_worker.ts';
import { SimulatedScheduler } from '../../test/support/simulated_scheduler.ts';
import { HostSlabs } from '../clusters/host_table.ts';
import type { OutlierConfig } from '../config/outlier_parser.ts';
import { OutlierDetector } from './detector.ts';
import { OutlierEventLog } from './event_log.ts';
import { successRateThreshold } from './success_rate.ts';

function setUp(changes: Partial<OutlierConfig> = {}, hostCount = 2, runtime: RuntimeValues = {}) {
  const scheduler = new SimulatedScheduler();
  const shared = createSharedSlabs(2);
  const slabs = new HostSlabs(shared);
  const stats = createLocalStats();
  const lines: string[] = [];
  const sink = {
    bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), lineOffset: 0, commit: () => {},
    write: (bytes: Uint8Array, offset: number, length: number) => void lines.push(new TextDecoder().decode(bytes.subarray(offset, offset + length))),
  };
  const state = { runtime: new RuntimeSnapshot(runtime), random: 0.5, changes: 0 };
  const detector = new OutlierDetector('c', 3, outlierConfig(changes), stats.scope, {
    scheduler, random: () => state.random, slabs, runtime: () => state.runtime, eventLog: new OutlierEventLog(sink),
  }, () => state.changes++);
  const hosts = Array.from({ length: hostCount }, (_, id) => hostConfig(id, 80 + id));
  detector.setHosts(hosts);
  const counts = shared.outliers.counts.map((slab) => new Float64Array(slab));
  return {
    detector, scheduler, slabs, shared, state, hosts,
    events: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    lines,
    value: (name: string) => stats.value(`outlier_detection.ejections_${name}`) ?? 0,
    ejected: () => hosts.map((host) => host.id).filter((id) => (slabs.health[id] & HostHealthFlag.failedOutlierCheck) !== 0),
    report: (hostId: number, kind: number = OutlierKind.consecutive5xx) => detector.onReport({ clusterId: 3, hostId, kind, resets: slabs.outlierResets(hostId, kind) }),
    /** Requests of one host, half on each worker. */
    traffic: (id: number, total: number, success: number, isLocal = false) => counts.forEach((words) => {
      words[id * OUTLIER_WORDS + (isLocal ? OutlierWord.localTotal : OutlierWord.total)] += total / 2;
      words[id * OUTLIER_WORDS + (isLocal ? OutlierWord.localSuccess : OutlierWord.success)] += success / 2;
    }),
  };
}

describe('failures in a row', () => {
  it('eject the host on all workers, and bring it back after the base ejection time', () => {
    const { report, ejected, value, scheduler, state, slabs, lines } = setUp({ maxEjectionPercent: 50 });
    const generation = slabs.health[HEALTH_GENERATION];
    scheduler.advance(1500);
    report(1);
    expect(ejected()).toEqual([1]);
    expect(slabs.health[HEALTH_GENERATION]).not.toBe(generation);
    expect(['active', 'total', 'consecutive_5xx', 'detected_consecutive_5xx', 'enforced_consecutive_5xx', 'enforced_total', 'overflow'].map(value)).toEqual([1, 1, 1, 1, 1, 1, 0]);
    // Out since 1.5 s: the interval at 30 s is too early.
    scheduler.advance(28_500 + 9_999);
    expect(ejected()).toEqual([1]);
    scheduler.advance(1);
    expect(ejected()).toEqual([]);
    expect([value('active'), state.changes]).toEqual([0, 2]);
    expect(lines).toEqual([
      '{"type":"CONSECUTIVE_5XX","timestamp":"2023-11-14T22:13:21.500Z","cluster_name":"c","upstream_url":"127.0.0.1:81","action":"EJECT","num_ejections":1,"enforced":true,"eject_consecutive_event":{}}\n',
      '{"type":"CONSECUTIVE_5XX","timestamp":"2023-11-14T22:14:00.000Z","secs_since_last_action":"38","cluster_name":"c","upstream_url":"127.0.0.1:81","action":"UNEJECT","num_ejections":1,"enforced":false}\n',
    ]);
  });

  it('are dealt with once: a late report of the same row, or of a host that is out, changes nothing', () => {
    const { detector, report, value, slabs } = setUp({ maxEjectionPercent: 100, enforcingConsecutive5xx: 0 });
    const late = { clusterId: 3, hostId: 0, kind: 0, resets: slabs.outlierResets(0, 0) };
    detector.onReport(late);
    detector.onReport(late);
    detector.onReport({ ...late, hostId: 77 });
    expect([value('detected_consecutive_5xx'), value('enforced_total'), value('active')]).toEqual([1, 0, 0]);
    report(0);
    expect(value('detected_consecutive_5xx')).toBe(2);
  });

  it('are told apart by kind', () => {
    const { report, ejected, value, events } = setUp({ maxEjectionPercent: 100, enforcingConsecutiveGatewayFailure: 100 }, 3);
    report(0, OutlierKind.consecutiveGatewayFailure);
    report(1, OutlierKind.consecutiveLocalOriginFailure);
    expect(ejected()).toEqual([0, 1]);
    expect(['enforced_consecutive_gateway_failure', 'enforced_consecutive_local_origin_failure', 'enforced_consecutive_5xx', 'total', 'enforced_total'].map(value)).toEqual([1, 1, 0, 0, 2]);
    expect(events().map((event) => event['type'])).toEqual(['CONSECUTIVE_GATEWAY_FAILURE', 'CONSECUTIVE_LOCAL_ORIGIN_FAILURE']);
  });

  it('count anew after a host is back', () => {
    const { report, slabs, scheduler } = setUp({ maxEjectionPercent: 50, baseEjectionMs: 10_000 });
    report(0);
    const before = Array.from({ length: OUTLIER_KINDS }, (_, kind) => slabs.outlierResets(0, kind));
    scheduler.advance(10_000);
    expect(Array.from({ length: OUTLIER_KINDS }, (_, kind) => slabs.outlierResets(0, kind))).toEqual(before.map((count) => count + 1));
  });

  it.each([
    [10, 10, false, 1], [10, 11, false, 1], [10, 9, false, 0], [10, 9, true, 1], [0, 3, false, 0], [0, 3, true, 1], [50, 4, false, 2], [49, 4, false, 1], [100, 2, false, 2],
  ])('eject %i percent of %i hosts at most (always one: %s): %i', (maxEjectionPercent, hostCount, alwaysEjectsOneHost, expected) => {
    const { report, ejected, value, hosts } = setUp({ maxEjectionPercent, alwaysEjectsOneHost }, hostCount);
    for (const host of hosts) report(host.id);
    expect(ejected()).toHaveLength(expected);
    expect([value('active'), value('overflow')]).toEqual([expected, hostCount - expected]);
  });

  it('eject by chance as far as they are enforced', () => {
    const { report, ejected, state, events } = setUp({ maxEjectionPercent: 100, enforcingConsecutive5xx: 50 });
    state.random = 49 / 0x8000_0000;
    report(0);
    state.random = 50 / 0x8000_0000;
    report(1);
    expect(ejected()).toEqual([0]);
    expect(events().map((event) => [event['enforced'], event['num_ejections']])).toEqual([[true, 1], [false, 0]]);
  });
});

describe('ejection time', () => {
  /** Milliseconds that host 0 stays out, to the interval of 100 ms. */
  function outFor({ report, ejected, scheduler }: ReturnType<typeof setUp>): number {
    report(0);
    let time = 0;
    for (; ejected().length > 0; time += 100) scheduler.advance(100);
    return time;
  }
  const base = { intervalMs: 100, baseEjectionMs: 1000, maxEjectionMs: 2500, maxEjectionPercent: 50 };

  it('grows with every ejection up to its maximum, and shrinks with every interval of good behaviour', () => {
    const setup = setUp(base);
    expect([outFor(setup), outFor(setup), outFor(setup), outFor(setup), outFor(setup)]).toEqual([1000, 2000, 2500, 2500, 2500]);
    // The multiplier is 4 at most here: (3 x 1000 < 2500 + 1000). Two intervals take two off.
    setup.scheduler.advance(300);
    expect(outFor(setup)).toBe(2000);
    setup.scheduler.advance(10_000);
    expect(outFor(setup)).toBe(1000);
  });

  it('has a random part', () => {
    const setup = setUp({ ...base, maxEjectionJitterMs: 999 });
    expect(outFor(setup)).toBe(1500);
  });

  it('ends when an active health check succeeds, unless that is switched off', () => {
    const on = setUp(base);
    on.report(0);
    on.detector.onHealthCheckPassed(0);
    expect([on.ejected(), on.value('active')]).toEqual([[], 0]);
    const off = setUp({ ...base, unejectsOnHealthCheck: false });
    off.report(0);
    off.detector.onHealthCheckPassed(0);
    expect(off.ejected()).toEqual([0]);
  });
});

describe('success rates', () => {
  it.each([
    [[50, 100, 100, 100, 100], 1.9, 90, 52],
    [[100, 100], 1.9, 100, 100],
    [[0, 100], 1, 50, 0],
    [[80, 90, 100], 2, 90, 73.6700683814],
  ])('of %j and %f deviations have the average %f and the threshold %f', (rates, factor, average, threshold) => {
    const result = successRateThreshold(rates, factor);
    expect(result.average).toBeCloseTo(average, 10);
    expect(result.threshold).toBeCloseTo(threshold, 10);
  });

  it('eject the host that is unlike the others, of all workers together', () => {
    const { traffic, scheduler, ejected, value, detector, events } = setUp({}, 10);
    for (let id = 0; id < 9; id++) traffic(id, 200, 200);
    traffic(9, 200, 100);
    scheduler.advance(10_000);
    expect(ejected()).toEqual([9]);
    expect(['success_rate', 'detected_success_rate', 'enforced_success_rate', 'total', 'detected_failure_percentage'].map(value)).toEqual([1, 1, 1, 1, 0]);
    expect(detector.status()).toMatchObject({ successRateAverage: 95, localOriginSuccessRateAverage: -1 });
    expect(detector.status().successRateEjectionThreshold).toBeCloseTo(95 - 1.9 * 15, 10);
    expect([detector.hostRates(9), detector.hostRates(0), detector.hostRates(99)]).toEqual([{ external: 50, local: -1 }, { external: 100, local: -1 }, { external: -1, local: -1 }]);
    expect(events()[0]['eject_success_rate_event']).toEqual({ host_success_rate: 50, cluster_average_success_rate: 95, cluster_success_rate_ejection_threshold: 66 });
    // Nobody asks anything in the next interval.
    scheduler.advance(10_000);
    expect([detector.status().successRateAverage, detector.hostRates(9).external]).toEqual([-1, -1]);
  });

  it.each([
    ['few hosts', 4, 200], ['few requests', 5, 99],
  ])('are not compared with too %s', (_why, hostCount, volume) => {
    const { traffic, scheduler, ejected, hosts, detector } = setUp({ maxEjectionPercent: 100 }, hostCount);
    for (const { id } of hosts) traffic(id, volume, id === 0 ? 0 : volume);
    scheduler.advance(10_000);
    expect([ejected(), detector.status().successRateAverage]).toEqual([[], -1]);
  });

  it('of our own side are judged apart', () => {
    const { traffic, scheduler, value, detector, hosts } = setUp({ maxEjectionPercent: 100 }, 5);
    for (const { id } of hosts) traffic(id, 100, id === 0 ? 0 : 100, true);
    scheduler.advance(10_000);
    expect([value('enforced_local_origin_success_rate'), value('enforced_success_rate'), value('success_rate'), value('total')]).toEqual([1, 0, 1, 0]);
    expect(detector.hostRates(1)).toEqual({ external: -1, local: 100 });
  });
});

describe('failure percentages', () => {
  it.each([[100, 15, [0]], [100, 16, []], [49, 0, []]])('of %i requests with %i successes eject %j', (total, success, expected) => {
    const { traffic, scheduler, ejected, hosts } = setUp({ enforcingFailurePercentage: 100, enforcingSuccessRate: 0, maxEjectionPercent: 100 }, 5);
    for (const { id } of hosts) traffic(id, total, id === 0 ? success : total);
    scheduler.advance(10_000);
    expect(ejected()).toEqual(expected);
  });

  it('do not eject a host again that its success rate has just ejected', () => {
    const { traffic, scheduler, value, hosts, events } = setUp({ enforcingFailurePercentage: 100, maxEjectionPercent: 100 }, 5);
    for (const { id } of hosts) traffic(id, 100, id === 0 ? 0 : 100);
    scheduler.advance(10_000);
    expect(['detected_success_rate', 'detected_failure_percentage', 'enforced_total', 'active'].map(value)).toEqual([1, 1, 1, 1]);
    expect(events()).toHaveLength(1);
  });

  it('of our own side are judged apart', () => {
    const { traffic, scheduler, value, hosts, events } = setUp({ enforcingFailurePercentageLocalOrigin: 100, enforcingLocalOriginSuccessRate: 0, maxEjectionPercent: 100 }, 5);
    for (const { id } of hosts) traffic(id, 100, id === 0 ? 10 : 100, true);
    scheduler.advance(10_000);
    expect([value('enforced_local_origin_failure_percentage'), value('enforced_failure_percentage')]).toEqual([1, 0]);
    expect(events().at(-1)).toMatchObject({ type: 'FAILURE_PERCENTAGE_LOCAL_ORIGIN', eject_failure_percentage_event: { host_success_rate: 10 } });
  });
});

describe('runtime keys', () => {
  it('override the configuration when they are looked at', () => {
    const { detector, report, state, ejected, scheduler, shared } = setUp({ maxEjectionPercent: 0 }, 2, {
      'outlier_detection.consecutive_5xx': 9, 'outlier_detection.max_ejection_percent': 50, 'outlier_detection.interval_ms': 1000,
      'outlier_detection.base_ejection_time_ms': 2000,
    });
    const thresholds = new Int32Array(shared.outliers.thresholds, 3 * OUTLIER_KINDS * 4, OUTLIER_KINDS);
    expect([...thresholds]).toEqual([9, 5, 5]);
    report(0);
    expect(ejected()).toEqual([0]);
    scheduler.advance(2000);
    expect(ejected()).toEqual([]);
    state.runtime = new RuntimeSnapshot({ 'outlier_detection.consecutive_gateway_failure': 2, 'outlier_detection.enforcing_consecutive_5xx': 0, 'outlier_detection.max_ejection_percent': 50 });
    detector.applyRuntime();
    expect([...thresholds]).toEqual([5, 2, 5]);
    report(0);
    expect(ejected()).toEqual([]);
  });
});

describe('hosts that come and go', () => {
  it('take their ejection along, and begin with a clean record', () => {
    const { detector, report, value, hosts, scheduler, traffic } = setUp({ maxEjectionPercent: 100, successRateMinimumHosts: 1 }, 2);
    report(0);
    detector.setHosts([hosts[1]]);
    expect(value('active')).toBe(0);
    traffic(5, 500, 0);
    detector.setHosts([hosts[1], hostConfig(5, 90)]);
    scheduler.advance(10_000);
    expect(detector.hostRates(5).external).toBe(-1);
  });

  it('leave no timer when the cluster goes', () => {
    const { detector, scheduler, report, value } = setUp({ maxEjectionPercent: 100 });
    report(0);
    detector.close();
    expect([scheduler.pending(), value('active')]).toEqual([[], 0]);
  });
});
