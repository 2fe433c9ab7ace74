/** Ring hash and Maglev as plain data, and their parsing from the policies' messages or the cluster's old fields. Thread: main. */
import type { Cluster_CommonLbConfig, Cluster_CommonLbConfig_ConsistentHashingLbConfig, Cluster_MaglevLbConfig, Cluster_RingHashLbConfig } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { ConsistentHashingLbConfig } from '../../api/gen/envoy/extensions/load_balancing_policies/common/v3/common_pb.d.ts';
import type { Maglev } from '../../api/gen/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.d.ts';
import type { RingHash } from '../../api/gen/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.d.ts';
import type { ParseContext } from '../../registry/parse_context.ts';

const MINIMUM_RING_SIZE = 1024;
const MAXIMUM_RING_SIZE = 8 * 1024 * 1024;
const TABLE_SIZE = 65_537;
/** `MURMUR_HASH_2` of the policy's enum; the old field's is one less. */
const MURMUR_HASH_2 = 2;

/** What both have in common. */
export interface ConsistentHashConfig {
  /** Hosts are hashed by name, not by address (unless their metadata has a key). */
  readonly usesHostname: boolean;
  /** A host's share of the active requests at most, in percent of what its weight gives it; 0 = no bound, else at least 100. */
  readonly balanceFactor: number;
  /** A host's share is part of that of its locality. */
  readonly isLocalityWeighted: boolean;
}

export interface RingHashConfig extends ConsistentHashConfig {
  readonly isMurmur: boolean;
  /** Entries; at most 8,388,608. */
  readonly minimumRingSize: number;
  readonly maximumRingSize: number;
}

export interface MaglevConfig extends ConsistentHashConfig {
  /** A prime, at most 5,000,011. */
  readonly tableSize: number;
}

type Common = ConsistentHashingLbConfig | Cluster_CommonLbConfig_ConsistentHashingLbConfig | undefined;

/** From `lb_policy: RING_HASH`. */
export function parseLegacyRingHash(message: Cluster_RingHashLbConfig | undefined, common: Cluster_CommonLbConfig | undefined, cluster: object, context: ParseContext): RingHashConfig {
  return ringHash(message, (message?.hashFunction ?? 0) + 1 === MURMUR_HASH_2, parseLegacyCommon(common), message ?? cluster, context);
}

/** From the extension. Its own fields of the common options count only where there are no common options. */
export function parseRingHash(message: RingHash, context: ParseContext): RingHashConfig {
  const common = message.consistentHashingLbConfig;
  const isLocalityWeighted = message.localityWeightedLbConfig !== undefined;
  const own = { usesHostname: message.useHostnameForHashing, balanceFactor: message.hashBalanceFactor ?? 0, isLocalityWeighted };
  return ringHash(message, message.hashFunction === MURMUR_HASH_2, common === undefined ? own : parseCommon(common, isLocalityWeighted), message, context);
}

/** From `lb_policy: MAGLEV`. */
export function parseLegacyMaglev(message: Cluster_MaglevLbConfig | undefined, common: Cluster_CommonLbConfig | undefined, cluster: object, context: ParseContext): MaglevConfig {
  return maglev(message?.tableSize, parseLegacyCommon(common), message ?? cluster, context);
}

/** From the extension. */
export function parseMaglev(message: Maglev, context: ParseContext): MaglevConfig {
  return maglev(message.tableSize, parseCommon(message.consistentHashingLbConfig, message.localityWeightedLbConfig !== undefined), message, context);
}

function parseCommon(message: Common, isLocalityWeighted: boolean): ConsistentHashConfig {
  return { usesHostname: message?.useHostnameForHashing ?? false, balanceFactor: message?.hashBalanceFactor ?? 0, isLocalityWeighted };
}

function parseLegacyCommon(message: Cluster_CommonLbConfig | undefined): ConsistentHashConfig {
  return parseCommon(message?.consistentHashingLbConfig, message?.localityConfigSpecifier.case === 'localityWeightedLbConfig');
}

function ringHash(
  message: { readonly minimumRingSize?: bigint | undefined; readonly maximumRingSize?: bigint | undefined } | undefined, isMurmur: boolean, common: ConsistentHashConfig, holder: object, context: ParseContext,
): RingHashConfig {
  const minimumRingSize = Number(message?.minimumRingSize ?? MINIMUM_RING_SIZE);
  const maximumRingSize = Number(message?.maximumRingSize ?? MAXIMUM_RING_SIZE);
  if (minimumRingSize > maximumRingSize) {
    context.error(holder, message?.minimumRingSize === undefined ? 'maximum_ring_size' : 'minimum_ring_size', `ring hash: minimum_ring_size (${minimumRingSize}) > maximum_ring_size (${maximumRingSize})`);
  }
  return Object.freeze({ isMurmur, minimumRingSize, maximumRingSize, ...common });
}

function maglev(size: bigint | undefined, common: ConsistentHashConfig, holder: object, context: ParseContext): MaglevConfig {
  const tableSize = Number(size ?? TABLE_SIZE);
  if (!isPrime(tableSize)) context.error(holder, 'table_size', 'The table size of maglev must be prime number');
  return Object.freeze({ tableSize, ...common });
}

function isPrime(n: number): boolean {
  if (n < 2) return false;
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}
