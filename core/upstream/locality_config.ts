/** What a balancing policy does about localities, as plain data, and its parsing. Thread: main. */
import type { Cluster_CommonLbConfig } from '../api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { LocalityLbConfig as LocalityMessage } from '../api/gen/envoy/extensions/load_balancing_policies/common/v3/common_pb.d.ts';

export interface LocalityConfig {
  /** Requests are refused, instead of going to unhealthy hosts too, while too few hosts of a priority are available. */
  readonly failsOnPanic: boolean;
  /** Localities share the load by their weights. */
  readonly isWeighted: boolean;
}

const NONE: LocalityConfig = Object.freeze({ failsOnPanic: false, isWeighted: false });

/** Both messages have the same fields; routing within the zone is left unread. */
export function parseLocality(message: Pick<Cluster_CommonLbConfig | LocalityMessage, 'localityConfigSpecifier'> | undefined): LocalityConfig {
  const choice = message?.localityConfigSpecifier;
  if (choice?.case === 'zoneAwareLbConfig') return Object.freeze({ failsOnPanic: choice.value.failTrafficOnPanic, isWeighted: false });
  return choice?.case === 'localityWeightedLbConfig' ? Object.freeze({ failsOnPanic: false, isWeighted: true }) : NONE;
}
