import { describe, expect, it } from 'vitest';
import type { OutlierDetection } from '../../core/api/gen/envoy/config/cluster/v3/outlier_detection_pb.d.ts';
import { configRegistry } from '../../test/support/config_registry.ts';
import { outlierConfig } from '../../test/support/outlier_config.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import { parseOutlierDetection } from './outlier_parser.ts';

function parse(yaml: string) {
  const parsed = parseYamlMessage(yaml, 'envoy.config.cluster.v3.OutlierDetection', configRegistry());
  const config = parseOutlierDetection(parsed.message as OutlierDetection, parsed.context);
  return { config, errors: parsed.errors(), warnings: parsed.warnings() };
}

describe('parseOutlierDetection', () => {
  it('has the documented defaults', () => {
    expect(parse('{}')).toEqual({ config: outlierConfig(), errors: [], warnings: [] });
  });

  it('reads every field but monitors', () => {
    const { config, errors, warnings } = parse(`{consecutive_5xx: 1, interval: 2s, base_ejection_time: 3s, max_ejection_percent: 4, enforcing_consecutive_5xx: 5,
      enforcing_success_rate: 6, success_rate_minimum_hosts: 7, success_rate_request_volume: 8, success_rate_stdev_factor: 9, consecutive_gateway_failure: 10,
      enforcing_consecutive_gateway_failure: 11, split_external_local_origin_errors: true, consecutive_local_origin_failure: 12,
      enforcing_consecutive_local_origin_failure: 13, enforcing_local_origin_success_rate: 14, failure_percentage_threshold: 15,
      enforcing_failure_percentage: 16, enforcing_failure_percentage_local_origin: 17, failure_percentage_minimum_hosts: 18,
      failure_percentage_request_volume: 19, max_ejection_time: 20s, max_ejection_time_jitter: 21s, successful_active_health_check_uneject_host: false,
      always_eject_one_host: true, monitors: [{name: m, typed_config: {"@type": type.googleapis.com/google.protobuf.Struct}}]}`);
    expect(config).toEqual({
      consecutive5xx: 1, intervalMs: 2000, baseEjectionMs: 3000, maxEjectionPercent: 4, enforcingConsecutive5xx: 5, enforcingSuccessRate: 6,
      successRateMinimumHosts: 7, successRateRequestVolume: 8, successRateStdevFactor: 9, consecutiveGatewayFailure: 10,
      enforcingConsecutiveGatewayFailure: 11, splitsLocalOrigin: true, consecutiveLocalOriginFailure: 12, enforcingConsecutiveLocalOriginFailure: 13,
      enforcingLocalOriginSuccessRate: 14, failurePercentageThreshold: 15, enforcingFailurePercentage: 16, enforcingFailurePercentageLocalOrigin: 17,
      failurePercentageMinimumHosts: 18, failurePercentageRequestVolume: 19, maxEjectionMs: 20_000, maxEjectionJitterMs: 21_000,
      unejectsOnHealthCheck: false, alwaysEjectsOneHost: true,
    });
    expect(errors).toEqual([]);
    expect(warnings.join()).toContain('monitors');
  });

  it('refuses a negative jitter', () => {
    expect(parse('{max_ejection_time_jitter: -1s}').errors.join()).toContain('Invalid duration: Expected positive duration: seconds: -1');
  });

  it('lets the longest ejection grow with the shortest, and refuses one that is shorter', () => {
    expect(parse('{base_ejection_time: 400s}').config?.maxEjectionMs).toBe(400_000);
    expect(parse('{base_ejection_time: 40s, max_ejection_time: 39s}').errors.join()).toContain("outlier detector's max_ejection_time cannot be smaller than base_ejection_time");
  });
});
