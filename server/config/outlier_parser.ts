/** envoy.config.cluster.v3.OutlierDetection to plain data. Thread: main. */
import type { ClusterManager_OutlierDetection } from '../../core/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.d.ts';
import type { OutlierDetection } from '../../core/api/gen/envoy/config/cluster/v3/outlier_detection_pb.d.ts';
import { durationMsOr } from '../../core/api/scalar_values.ts';
import { positiveDurationMs } from './positive_duration.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';

const MAX_EJECTION_TIME_MS = 300_000;

/** Times in milliseconds, `enforcing...` in percent. All but `splitsLocalOrigin` and `alwaysEjectsOneHost` may be overridden by runtime keys. */
export interface OutlierConfig {
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  readonly maxEjectionJitterMs: number;
  readonly maxEjectionPercent: number;
  readonly alwaysEjectsOneHost: boolean;
  readonly splitsLocalOrigin: boolean;
  readonly unejectsOnHealthCheck: boolean;
  readonly consecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly consecutiveLocalOriginFailure: number;
  readonly successRateMinimumHosts: number;
  readonly successRateRequestVolume: number;
  /** Thousandths. */
  readonly successRateStdevFactor: number;
  readonly failurePercentageThreshold: number;
  readonly failurePercentageMinimumHosts: number;
  readonly failurePercentageRequestVolume: number;
  readonly enforcingConsecutive5xx: number;
  readonly enforcingConsecutiveGatewayFailure: number;
  readonly enforcingConsecutiveLocalOriginFailure: number;
  readonly enforcingSuccessRate: number;
  readonly enforcingLocalOriginSuccessRate: number;
  readonly enforcingFailurePercentage: number;
  readonly enforcingFailurePercentageLocalOrigin: number;
}

/** null = none. Monitors stay unread. */
export function parseOutlierDetection(message: OutlierDetection | undefined, context: ParseContext): OutlierConfig | null {
  if (message === undefined) return null;
  const baseEjectionMs = durationMsOr(message.baseEjectionTime, 30_000);
  const maxEjectionMs = durationMsOr(message.maxEjectionTime, Math.max(MAX_EJECTION_TIME_MS, baseEjectionMs));
  if (maxEjectionMs < baseEjectionMs) {
    context.error(message, 'max_ejection_time', "outlier detector's max_ejection_time cannot be smaller than base_ejection_time");
  }
  return {
    intervalMs: durationMsOr(message.interval, 10_000),
    baseEjectionMs,
    maxEjectionMs,
    maxEjectionJitterMs: positiveDurationMs(message.maxEjectionTimeJitter, message, 'max_ejection_time_jitter', context),
    maxEjectionPercent: message.maxEjectionPercent ?? 10,
    alwaysEjectsOneHost: message.alwaysEjectOneHost ?? false,
    splitsLocalOrigin: message.splitExternalLocalOriginErrors,
    unejectsOnHealthCheck: message.successfulActiveHealthCheckUnejectHost ?? true,
    consecutive5xx: message.consecutive5xx ?? 5,
    consecutiveGatewayFailure: message.consecutiveGatewayFailure ?? 5,
    consecutiveLocalOriginFailure: message.consecutiveLocalOriginFailure ?? 5,
    successRateMinimumHosts: message.successRateMinimumHosts ?? 5,
    successRateRequestVolume: message.successRateRequestVolume ?? 100,
    successRateStdevFactor: message.successRateStdevFactor ?? 1900,
    failurePercentageThreshold: message.failurePercentageThreshold ?? 85,
    failurePercentageMinimumHosts: message.failurePercentageMinimumHosts ?? 5,
    failurePercentageRequestVolume: message.failurePercentageRequestVolume ?? 50,
    enforcingConsecutive5xx: message.enforcingConsecutive5xx ?? 100,
    enforcingConsecutiveGatewayFailure: message.enforcingConsecutiveGatewayFailure ?? 0,
    enforcingConsecutiveLocalOriginFailure: message.enforcingConsecutiveLocalOriginFailure ?? 100,
    enforcingSuccessRate: message.enforcingSuccessRate ?? 100,
    enforcingLocalOriginSuccessRate: message.enforcingLocalOriginSuccessRate ?? 100,
    enforcingFailurePercentage: message.enforcingFailurePercentage ?? 0,
    enforcingFailurePercentageLocalOrigin: message.enforcingFailurePercentageLocalOrigin ?? 0,
  };
}

/** Where ejections are logged; what cannot be opened is refused. */
export function parseOutlierLog(message: ClusterManager_OutlierDetection | undefined, context: ParseContext): string {
  if (message === undefined || message.eventLogPath === '') return '';
  const path = message.eventLogPath;
  const reason = path === '/dev/stdout' || path === '/dev/stderr' ? undefined : context.whyNotAppendable?.(path);
  if (reason !== undefined) context.error(message, 'event_log_path', `unable to open file '${path}': ${reason}`);
  return path;
}
