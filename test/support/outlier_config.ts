import type { OutlierConfig } from '../../server/config/outlier_parser.ts';

/** Outlier detection with Envoy's defaults. */
export function outlierConfig(changes: Partial<OutlierConfig> = {}): OutlierConfig {
  return {
    intervalMs: 10_000, baseEjectionMs: 30_000, maxEjectionMs: 300_000, maxEjectionJitterMs: 0, maxEjectionPercent: 10, alwaysEjectsOneHost: false,
    splitsLocalOrigin: false, unejectsOnHealthCheck: true, consecutive5xx: 5, consecutiveGatewayFailure: 5, consecutiveLocalOriginFailure: 5,
    successRateMinimumHosts: 5, successRateRequestVolume: 100, successRateStdevFactor: 1900, failurePercentageThreshold: 85,
    failurePercentageMinimumHosts: 5, failurePercentageRequestVolume: 50, enforcingConsecutive5xx: 100, enforcingConsecutiveGatewayFailure: 0,
    enforcingConsecutiveLocalOriginFailure: 100, enforcingSuccessRate: 100, enforcingLocalOriginSuccessRate: 100, enforcingFailurePercentage: 0,
    enforcingFailurePercentageLocalOrigin: 0, ...changes,
  };
}
