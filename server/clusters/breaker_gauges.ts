/**
 * Main's part of the gauges `circuit_breakers.<priority>.remaining_*`: the limits. Workers write what they use with a minus before
 * it, and the sum is what remains. Thread: main.
 */
import type { RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';
import { CircuitKind } from '../../core/shared_memory/layout.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import { circuitLimits } from '../../core/upstream/circuit_limits.ts';
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import { REMAINING_GAUGES } from '../../core/upstream/cluster_info.ts';

/** Writes them for the priorities that have track_remaining, below the cluster's scope. */
export function writeRemainingGauges(config: ClusterConfig, scope: StatsScope, runtime: RuntimeSnapshot): void {
  for (const priority of [0, 1]) {
    const thresholds = priority === 0 ? config.defaultThresholds : config.highThresholds;
    if (!thresholds.trackRemaining) continue;
    const { limits, retryBudget } = circuitLimits(thresholds, config.name, priority, runtime);
    const below = scope.scope(`circuit_breakers.${priority === 0 ? 'default' : 'high'}`);
    // With a budget the number of retries left depends on the requests of the moment: 0, as in Envoy.
    REMAINING_GAUGES.forEach((name, kind) => below.gauge(name).set(kind === CircuitKind.retries && retryBudget !== null ? 0 : limits[kind]));
  }
}
