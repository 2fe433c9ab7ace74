/** The policies that weigh hosts by their load reports, as plain data, and their parsing. Thread: main. */
import type { ClientSideWeightedRoundRobin } from '../../api/gen/envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin_pb.d.ts';
import { durationMsOr } from '../../api/scalar_values.ts';
import type { ExtensionConfig } from '../../registry/parse_context.ts';
import type { LoadWeightsConfig } from '../cluster_config.ts';
import { parseSlowStart, type SlowStartConfig } from '../slow_start.ts';

export const CLIENT_SIDE_TYPE = 'envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin';
export const WRR_LOCALITY_TYPE = 'envoy.extensions.load_balancing_policies.wrr_locality.v3.WrrLocality';

export interface ClientSideConfig {
  readonly loads: LoadWeightsConfig;
  /** absent: none. */
  readonly slowStart?: SlowStartConfig | undefined;
}

/** The policy that picks hosts within a locality; the loads are its. */
export interface WrrLocalityConfig {
  readonly picking: ExtensionConfig;
}

/** Reports that a host would have to be asked for (`enable_oob_load_report`, `oob_reporting_period`) do nothing in Envoy 1.37, so they are not read. */
export function parseClientSide(message: ClientSideWeightedRoundRobin): ClientSideConfig {
  const loads: LoadWeightsConfig = {
    metrics: Object.freeze([...message.metricNamesForComputingUtilization]),
    errorPenalty: Math.fround(message.errorUtilizationPenalty ?? 0),
    blackoutMs: durationMsOr(message.blackoutPeriod, 10_000),
    expirationMs: durationMsOr(message.weightExpirationPeriod, 180_000),
    updateMs: durationMsOr(message.weightUpdatePeriod, 1000),
  };
  return Object.freeze({ loads: Object.freeze(loads), slowStart: parseSlowStart(message.slowStartConfig) });
}

/** null: the policy does not look at reports. */
export function loadWeightsOf({ typeName, config }: ExtensionConfig): LoadWeightsConfig | null {
  if (typeName === CLIENT_SIDE_TYPE) return (config as ClientSideConfig).loads;
  return typeName === WRR_LOCALITY_TYPE ? loadWeightsOf((config as WrrLocalityConfig).picking) : null;
}
