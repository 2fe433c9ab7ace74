/** What a balancing policy does about localities, as plain data, and its parsing. Thread: main. */
import type { Cluster_CommonLbConfig } from '../api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { LocalityLbConfig as LocalityMessage, LocalityLbConfig_ZoneAwareLbConfig as ZoneMessage } from '../api/gen/envoy/extensions/load_balancing_policies/common/v3/common_pb.d.ts';

/** Routing within the zone; it needs a local cluster besides. */
export interface ZoneConfig {
  /** Percent of the requests; a runtime key goes over it. */
  readonly routingEnabled: number;
  /** Healthy hosts that there must be; a runtime key goes over it. */
  readonly minClusterSize: number;
  /** From so many healthy hosts in the own zone on all requests stay there; 0 = never by number alone. */
  readonly forceLocalMinSize: number;
  /** Zones count by the weights of their hosts instead of the number. */
  readonly isByWeight: boolean;
}

export interface LocalityConfig {
  /** Requests are refused, instead of going to unhealthy hosts too, while too few hosts of a priority are available. */
  readonly failsOnPanic: boolean;
  /** Localities share the load by their weights. */
  readonly isWeighted: boolean;
  readonly zone: ZoneConfig;
}

const DEFAULT_ZONE: ZoneConfig = Object.freeze({ routingEnabled: 100, minClusterSize: 6, forceLocalMinSize: 0, isByWeight: false });

/** What applies where nothing is said. */
export const NO_LOCALITY: LocalityConfig = Object.freeze({ failsOnPanic: false, isWeighted: false, zone: DEFAULT_ZONE });

/** Both messages have the same fields, but for two that the cluster's lacks. */
export function parseLocality(message: Pick<Cluster_CommonLbConfig | LocalityMessage, 'localityConfigSpecifier'> | undefined): LocalityConfig {
  const choice = message?.localityConfigSpecifier;
  if (choice?.case === 'localityWeightedLbConfig') return Object.freeze({ ...NO_LOCALITY, isWeighted: true });
  if (choice?.case !== 'zoneAwareLbConfig') return NO_LOCALITY;
  const { value } = choice;
  return Object.freeze({
    failsOnPanic: value.failTrafficOnPanic,
    isWeighted: false,
    zone: Object.freeze({
      routingEnabled: Math.round(value.routingEnabled?.value ?? DEFAULT_ZONE.routingEnabled),
      minClusterSize: Number(value.minClusterSize ?? DEFAULT_ZONE.minClusterSize),
      ...('localityBasis' in value ? newerZone(value as ZoneMessage) : { forceLocalMinSize: 0, isByWeight: false }),
    }),
  });
}

function newerZone(message: ZoneMessage): Pick<ZoneConfig, 'forceLocalMinSize' | 'isByWeight'> {
  const { forceLocalZone } = message;
  const isForced = message.forceLocalityDirectRouting;
  return { forceLocalMinSize: forceLocalZone === undefined ? Number(isForced) : forceLocalZone.minSize ?? 1, isByWeight: message.localityBasis === 1 };
}
