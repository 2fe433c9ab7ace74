/** Why a host is ejected: the names in stats, event log and runtime keys. */
import type { RuntimeFraction, RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';
import type { OutlierConfig } from '../config/outlier_parser.ts';

/** envoy.data.cluster.v3.OutlierEjectionType. */
export type EjectionType = keyof typeof EJECTIONS;

interface Ejection {
  /** In `ejections_detected_<stat>` and `ejections_enforced_<stat>`, and as runtime key `outlier_detection.enforcing_<key>`. */
  readonly stat: EjectionStat;
  readonly key: string;
  readonly enforcing: (config: OutlierConfig) => number;
}

type EjectionStat =
  | 'consecutive_5xx' | 'consecutive_gateway_failure' | 'consecutive_local_origin_failure' | 'success_rate' | 'local_origin_success_rate'
  | 'failure_percentage' | 'local_origin_failure_percentage';

export const EJECTIONS = {
  CONSECUTIVE_5XX: { stat: 'consecutive_5xx', key: 'consecutive_5xx', enforcing: (config) => config.enforcingConsecutive5xx },
  CONSECUTIVE_GATEWAY_FAILURE: { stat: 'consecutive_gateway_failure', key: 'consecutive_gateway_failure', enforcing: (config) => config.enforcingConsecutiveGatewayFailure },
  SUCCESS_RATE: { stat: 'success_rate', key: 'success_rate', enforcing: (config) => config.enforcingSuccessRate },
  CONSECUTIVE_LOCAL_ORIGIN_FAILURE: {
    stat: 'consecutive_local_origin_failure', key: 'consecutive_local_origin_failure', enforcing: (config) => config.enforcingConsecutiveLocalOriginFailure,
  },
  SUCCESS_RATE_LOCAL_ORIGIN: { stat: 'local_origin_success_rate', key: 'local_origin_success_rate', enforcing: (config) => config.enforcingLocalOriginSuccessRate },
  FAILURE_PERCENTAGE: { stat: 'failure_percentage', key: 'failure_percentage', enforcing: (config) => config.enforcingFailurePercentage },
  FAILURE_PERCENTAGE_LOCAL_ORIGIN: {
    stat: 'local_origin_failure_percentage', key: 'failure_percentage_local_origin', enforcing: (config) => config.enforcingFailurePercentageLocalOrigin,
  },
} as const satisfies Record<string, Ejection>;

/** `cluster.<name>.outlier_detection.`; names: Envoy's ALL_OUTLIER_DETECTION_STATS. */
export const OUTLIER_NAMES = {
  counters: [
    'ejections_consecutive_5xx', 'ejections_detected_consecutive_5xx', 'ejections_detected_consecutive_gateway_failure', 'ejections_detected_success_rate',
    'ejections_detected_failure_percentage', 'ejections_enforced_consecutive_5xx', 'ejections_enforced_consecutive_gateway_failure',
    'ejections_enforced_success_rate', 'ejections_enforced_failure_percentage', 'ejections_detected_consecutive_local_origin_failure',
    'ejections_enforced_consecutive_local_origin_failure', 'ejections_detected_local_origin_success_rate', 'ejections_enforced_local_origin_success_rate',
    'ejections_detected_local_origin_failure_percentage', 'ejections_enforced_local_origin_failure_percentage', 'ejections_enforced_total',
    'ejections_overflow', 'ejections_success_rate', 'ejections_total',
  ],
  gauges: ['ejections_active'],
  histograms: {},
} as const;

/** Whether an ejection of this type is carried out, by chance `random` (an integer). */
export function isEnforced(type: EjectionType, config: OutlierConfig, runtime: RuntimeSnapshot, random: number): boolean {
  const { key, enforcing } = EJECTIONS[type];
  const fraction: RuntimeFraction = { defaultValue: { numerator: enforcing(config), denominator: 100 }, runtimeKey: `outlier_detection.enforcing_${key}` };
  return runtime.featureEnabled(fraction, random);
}
