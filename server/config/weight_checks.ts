/** What weights must not sum up to. Thread: main. */
import type { ParseContext, ExtensionConfig } from '../../core/registry/parse_context.ts';
import type { EndpointConfig } from '../../core/upstream/cluster_config.ts';
import type { ConsistentHashConfig } from '../../core/upstream/consistent_hash/config.ts';

const WEIGHT_MAX = 0xffff_ffff;
const HOSTS_TEXT = `The sum of weights of all upstream hosts in a locality exceeds ${WEIGHT_MAX}`;
const LOCALITIES_TEXT = `The sum of weights of all localities at the same priority exceeds ${WEIGHT_MAX}`;

/** Tables of hashes are made by shares of a sum of weights, which has 32 bits in Envoy; other policies know no sum. */
export function checkWeights(endpoints: readonly EndpointConfig[], policy: ExtensionConfig, holder: object, context: ParseContext): void {
  const { isLocalityWeighted } = policy.config as Partial<ConsistentHashConfig>;
  if (isLocalityWeighted === undefined) return;
  const hosts = new Map<string, number>();
  const localities = new Map<string, { priority: number; weight: number }>();
  for (const { priority, region, zone, subZone, weight, localityWeight } of endpoints) {
    const place = `${priority}\0${region}\0${zone}\0${subZone}`;
    const key = isLocalityWeighted ? place : `${priority}`;
    hosts.set(key, (hosts.get(key) ?? 0) + weight);
    localities.set(place, { priority, weight: localityWeight });
  }
  const byPriority = new Map<number, number>();
  for (const { priority, weight } of localities.values()) byPriority.set(priority, (byPriority.get(priority) ?? 0) + weight);
  if (isLocalityWeighted && [...byPriority.values()].some((sum) => sum > WEIGHT_MAX)) context.error(holder, 'load_assignment', LOCALITIES_TEXT);
  else if ([...hosts.values()].some((sum) => sum > WEIGHT_MAX)) context.error(holder, 'load_assignment', HOSTS_TEXT);
}
