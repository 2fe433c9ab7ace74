import { describe, expect, it } from 'vitest';
import { RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';
import { CircuitKind } from '../../core/shared_memory/layout.ts';
import { CircuitBreaker } from '../../core/upstream/circuit_breaker.ts';
import { DEFAULT_THRESHOLDS } from '../../core/upstream/cluster_config.ts';
import { circuitGauges } from '../../core/upstream/cluster_info.ts';
import { clusterConfig } from '../../test/support/in_process_worker.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { writeRemainingGauges } from './breaker_gauges.ts';

describe('remaining_* gauges', () => {
  const limits = { ...DEFAULT_THRESHOLDS, maxPendingRequests: 2 };

  it('says with track_remaining what each worker takes from the limits', () => {
    const stats = createLocalStats();
    const breaker = new CircuitBreaker([new Int32Array(64)], [], { worker: 0, cluster: 'c', clusterId: 0, priority: 1 }, { ...limits, trackRemaining: true }, circuitGauges(stats.scope, 'high', true));
    const main = createLocalStats();
    writeRemainingGauges({ ...clusterConfig(), name: 'c', highThresholds: { ...limits, trackRemaining: true } }, main.scope, new RuntimeSnapshot({ 'circuit_breakers.c.high.max_connections': 9 }));
    for (let i = 0; i < 2; i++) breaker.inc(CircuitKind.connections);
    breaker.inc(CircuitKind.retries);
    breaker.dec(CircuitKind.retries);
    expect(Number(main.value('circuit_breakers.high.remaining_cx')) + Number(stats.value('circuit_breakers.high.remaining_cx'))).toBe(7);
    expect([main.value('circuit_breakers.high.remaining_pending'), stats.value('circuit_breakers.high.remaining_retries')]).toEqual([2, 0]);
    expect(main.value('circuit_breakers.default.remaining_cx')).toBeUndefined();
  });
});
