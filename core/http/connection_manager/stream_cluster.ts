import type { ClusterLookup } from '../../conn_pool/cluster_lookup.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import type { RouteEntry } from '../../route/route_entry.ts';
import type { MetadataStructs, StreamInfo } from '../../stream_info/stream_info.ts';

/** Log lines name the cluster of a route as soon as there is a route. */
export function nameCluster(info: StreamInfo, route: RouteEntry | null, headers: HeaderMap, clusters: ClusterLookup): void {
  const name = route === null || route.action === null ? '' : route.resolveClusterName(headers);
  const cluster = name === '' ? null : clusters.get(name);
  info.upstreamClusterName = cluster === null ? '' : name;
  info.upstreamClusterObservabilityName = cluster === null ? '' : cluster.info.config.statName;
  if (cluster !== null) info.upstreamClusterMetadata = cluster.info.config.metadata as MetadataStructs;
}
