import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';

/** Why a cluster takes no request, or not this one. */
export const Refusal = { none: 0, maintenance: 1, drop: 2 } as const;
export type Refusal = (typeof Refusal)[keyof typeof Refusal];

/** Maintenance mode (runtime upstream.maintenance_mode.<cluster>), then drop_overloads. `random`: the stream's number. */
export function refusalOf(cluster: UpstreamCluster, runtime: RuntimeSnapshot, random: number): Refusal {
  const { config, maintenance } = cluster.info;
  if (runtime.featureEnabled(maintenance, random)) return Refusal.maintenance;
  const drop = config.dropOverload;
  return drop === null || random % drop.denominator >= drop.numerator ? Refusal.none : Refusal.drop;
}
