import type { RouteEntry } from '../route/route_entry.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';
import { LB_METADATA, MetadataCriteria } from '../upstream/metadata_criteria.ts';

/** What a request wants of its host's metadata: the route's criteria, with those that filters left in its dynamic metadata on top. */
export function criteriaFor(route: RouteEntry, info: StreamInfo): MetadataCriteria | null {
  const { metadataCriteria } = route;
  const own = info.dynamicMetadata?.get(LB_METADATA);
  if (own === undefined) return metadataCriteria;
  return metadataCriteria === null ? new MetadataCriteria(own) : metadataCriteria.merge(own);
}
