import { describe, expect, it } from 'vitest';
import { createSharedSlabs, HEALTH_GENERATION, HostHealthFlag, OUTLIER_KINDS, OUTLIER_WORDS, OutlierKind, OutlierWord, PASSIVE_FAILURE } from '../shared_memory/layout.ts';
import { OutlierMonitor, type OutlierReport } from './outlier_monitor.ts';

const { consecutive5xx, consecutiveGatewayFailure, consecutiveLocalOriginFailure } = OutlierKind;

/** Two workers that count host 1 of cluster 2. */
function setUp(splitsLocalOrigin = false, thresholds = [3, 3, 3]) {
  const slabs = createSharedSlabs(2);
  const counts = slabs.outliers.counts.map((slab) => new Float64Array(slab));
  const resets = new Int32Array(slabs.outliers.resets);
  const limits = new Int32Array(slabs.outliers.thresholds);
  limits.set(thresholds, 2 * OUTLIER_KINDS);
  const health = new Int32Array(slabs.hostHealth);
  const reports: OutlierReport[] = [];
  const monitor = (workerIndex: number) => new OutlierMonitor(
    { shared: { workerIndex, counts, resets, thresholds: limits, health, report: (report) => reports.push(report) }, clusterId: 2, splitsLocalOrigin, isError: null, isHealthChecked: true, loads: null }, 1,
  );
  const workers = [monitor(0), monitor(1)];
  const kinds = () => reports.map((report) => report.kind);
  const reset = (kind: number) => resets[OUTLIER_KINDS + kind]++;
  const sum = (field: number) => counts[0][OUTLIER_WORDS + field] + counts[1][OUTLIER_WORDS + field];
  return { health, a: workers[0], b: workers[1], reports, kinds, reset, sum };
}

describe('OutlierMonitor', () => {
  it('reports failures in a row, once per row', () => {
    const { a, reports, kinds, reset } = setUp();
    for (let i = 0; i < 2; i++) a.onResponse(500);
    expect(reports).toEqual([]);
    for (let i = 0; i < 4; i++) a.onResponse(500);
    expect(reports).toEqual([{ clusterId: 2, hostId: 1, kind: consecutive5xx, resets: 0 }]);
    reset(consecutive5xx);
    for (let i = 0; i < 2; i++) a.onResponse(500);
    expect(reports).toHaveLength(1);
    a.onResponse(500);
    expect(kinds()).toEqual([consecutive5xx, consecutive5xx]);
    expect(reports[1].resets).toBe(1);
  });

  it('counts what all workers see, one after another', () => {
    const { a, b, kinds } = setUp();
    a.onResponse(500);
    b.onResponse(500);
    expect(kinds()).toEqual([]);
    a.onResponse(500);
    expect(kinds()).toEqual([consecutive5xx]);
  });

  it('begins anew after a success that any worker sees', () => {
    const { a, b, kinds } = setUp();
    a.onResponse(500);
    a.onResponse(500);
    b.onResponse(404);
    a.onResponse(500);
    b.onResponse(500);
    expect(kinds()).toEqual([]);
    b.onResponse(500);
    expect(kinds()).toEqual([consecutive5xx]);
  });

  it('takes 502, 503 and 504 for failures of a gateway, whose row another 5xx ends', () => {
    const { a, b, kinds } = setUp(false, [0, 3, 0]);
    for (const status of [502, 503, 500, 504, 503]) a.onResponse(status);
    expect(kinds()).toEqual([]);
    b.onResponse(502);
    expect(kinds()).toEqual([consecutiveGatewayFailure]);
  });

  it('takes failed connections and timeouts for responses', () => {
    const { a, kinds, sum } = setUp(false, [3, 2, 1]);
    a.onConnected();
    a.onConnectionFailure();
    a.onTimeout(504);
    expect(kinds()).toEqual([consecutiveGatewayFailure]);
    // A timeout that the client is told as 204 is none.
    a.onTimeout(204);
    a.onConnectionFailure();
    expect(kinds()).toEqual([consecutiveGatewayFailure]);
    expect([sum(OutlierWord.total), sum(OutlierWord.success), sum(OutlierWord.localTotal)]).toEqual([4, 1, 0]);
  });

  it('keeps what happens on our side apart when asked to', () => {
    const { a, b, kinds, sum } = setUp(true, [2, 2, 3]);
    a.onConnectionFailure();
    b.onTimeout(504);
    a.onConnected();
    a.onConnectionFailure();
    a.onResponse(200);
    b.onConnectionFailure();
    expect(kinds()).toEqual([]);
    a.onConnectionFailure();
    expect(kinds()).toEqual([consecutiveLocalOriginFailure]);
    expect([OutlierWord.total, OutlierWord.success, OutlierWord.localTotal, OutlierWord.localSuccess].map(sum)).toEqual([1, 1, 6, 1]);
  });

  it('reports nothing where the limit is 0', () => {
    const { a, kinds } = setUp(false, [0, 0, 0]);
    for (let i = 0; i < 9; i++) a.onResponse(503);
    expect(kinds()).toEqual([]);
  });

  it('tells main of a host that wants to be left out: not again before main acts, nor while it is left out', () => {
    const { a, b, health, reports, sum } = setUp();
    a.onImmediateFail();
    a.onImmediateFail();
    expect(reports).toEqual([{ clusterId: 2, hostId: 1, kind: PASSIVE_FAILURE, resets: 0 }]);
    health[1] = HostHealthFlag.excludedViaImmediateHcFail;
    health[HEALTH_GENERATION]++;
    a.onImmediateFail();
    b.onImmediateFail();
    expect(reports).toHaveLength(1);
    health[1] = 0;
    health[HEALTH_GENERATION]++;
    a.onImmediateFail();
    expect([reports.length, sum(OutlierWord.passiveFailures)]).toEqual([2, 5]);
  });
});
