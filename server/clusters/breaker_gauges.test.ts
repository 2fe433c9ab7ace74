import { describe, expect, it } from 'vitest';
import { RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';
import { CircuitKind, HOST_STAT_WORDS } from '../../core/shared_memory/layout.ts';
import { CircuitBreaker } from '../../core/upstream/circuit_breaker.ts';
import { Host } from '../../core/upstream/host.ts';
import { type CircuitBreakerThresholds, DEFAULT_THRESHOLDS } from '../../core/upstream/cluster_config.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { BreakerGauges, createBreakerGauges } from './breaker_gauges.ts';

describe('circuit_breakers.* gauges', () => {
  function setUp(thresholds: Partial<CircuitBreakerThresholds>) {
    const slabs = [new Int32Array(64), new Int32Array(64)];
    const highThresholds = { ...DEFAULT_THRESHOLDS, ...thresholds };
    const [a, b] = [0, 1].map((worker) => new CircuitBreaker(slabs, { worker, cluster: 'c', clusterId: 2, priority: 1 }, highThresholds));
    const state = { runtime: new RuntimeSnapshot({}) };
    const gauges = new BreakerGauges({ ...clusterConfig(), name: 'c', highThresholds }, 2, slabs, () => state.runtime);
    return { a, b, state, value: (name: string) => gauges.value(`.circuit_breakers.high.${name}`), other: (suffix: string) => gauges.value(suffix) };
  }

  it('are open while all workers together use what there is, whoever gives it back', () => {
    const { a, b, value, other } = setUp({ maxConnections: 2 });
    a.inc(CircuitKind.connections);
    expect(value('cx_open')).toBe(0);
    b.inc(CircuitKind.connections);
    expect([value('cx_open'), value('rq_open'), other('.circuit_breakers.default.cx_open')]).toEqual([1, 0, 0]);
    a.dec(CircuitKind.connections);
    expect(value('cx_open')).toBe(0);
  });

  it('are open for good where the limit is 0 and something got past it', () => {
    const { a, value } = setUp({ maxConnections: 0, maxRetries: 0, retryBudget: { percent: 0, minConcurrency: 1 } });
    expect([value('cx_open'), value('rq_retry_open')]).toEqual([0, 0]);
    expect(a.canRetry()).toBe(true);
    for (const kind of [CircuitKind.connections, CircuitKind.retries]) {
      a.canConnect(new Host(hostConfig(0, 80), new Int32Array(1), new Float64Array(HOST_STAT_WORDS)));
      a.inc(kind);
      a.dec(kind);
    }
    expect([value('cx_open'), value('rq_retry_open')]).toEqual([1, 1]);
    const none = setUp({ maxRetries: 0 });
    none.a.canRetry();
    expect(none.value('rq_retry_open')).toBe(0);
  });

  it('say what remains of the limits, those of runtime first', () => {
    const { a, b, state, value } = setUp({ maxConnections: 2, maxPendingRequests: 2 });
    a.inc(CircuitKind.connections);
    b.inc(CircuitKind.connections);
    expect([value('remaining_cx'), value('remaining_pending'), value('remaining_rq')]).toEqual([0, 2, 1024]);
    state.runtime = new RuntimeSnapshot({ 'circuit_breakers.c.high.max_connections': 9 });
    expect([value('remaining_cx'), value('cx_open')]).toEqual([7, 0]);
    state.runtime = new RuntimeSnapshot({ 'circuit_breakers.c.high.max_connections': 1 });
    expect([value('remaining_cx'), value('cx_open')]).toEqual([0, 1]);
  });

  it('are exact where there is no limit of pools', () => {
    const { a, value } = setUp({});
    expect(`${value('remaining_cx_pools')}`).toBe('18446744073709551615');
    a.inc(CircuitKind.pools);
    expect(`${value('remaining_cx_pools')}`).toBe('18446744073709551614');
    expect(setUp({ maxConnectionPools: 4 }).value('remaining_cx_pools')).toBe(4);
  });

  it('say what max_retries leaves, until a retry budget is first asked', () => {
    const { b, value } = setUp({ retryBudget: { percent: 20, minConcurrency: 3 } });
    expect(value('remaining_retries')).toBe(3);
    b.canRetry();
    expect(value('remaining_retries')).toBe(0);
    const { a, value: ofLimit } = setUp({});
    a.canRetry();
    expect(ofLimit('remaining_retries')).toBe(3);
  });

  it('are nothing for other names', () => {
    expect(setUp({}).other('.membership_total')).toBe(0);
  });

  it('exist from the start, those of what remains where it is tracked', () => {
    const stats = createLocalStats();
    createBreakerGauges(stats.scope, [false, true]);
    expect([stats.value('circuit_breakers.default.cx_open'), stats.value('circuit_breakers.default.remaining_cx'), stats.value('circuit_breakers.high.remaining_cx')]).toEqual([0, undefined, 0]);
  });
});
