/**
 * The gauges of consistent-hash balancers: how a ring's hashes or a Maglev table's entries divide over the hosts. Where tables are
 * small the numbers follow from the weights alone; those of others are counted where they are made. Thread: main.
 */
import type { StatsScope } from '../../core/stats/stats.ts';
import type { ClusterConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
import type { ConsistentHashConfig, MaglevConfig, RingHashConfig } from '../../core/upstream/consistent_hash/config.ts';
import { hashKey, planRing, tableShares, takeTurns } from '../../core/upstream/consistent_hash/entries.ts';
import { orderByKey } from '../../core/upstream/consistent_hash/key_order.ts';
import { hostAddressText } from '../../core/upstream/host.ts';
import { eligibleHosts } from './eligible_hosts.ts';
import { type ClusterHashTables, MAGLEV, RING_HASH } from './hash_tables.ts';

/** Writes them, if the cluster has any; those of the last priority that has hosts. `health`: HostHealthFlag bits by host id. */
export function writeHashTableStats(config: ClusterConfig, hosts: readonly HostConfig[], health: ArrayLike<number>, scope: StatsScope, tables: ClusterHashTables | null): void {
  const { typeName } = config.lbPolicy;
  if (typeName !== RING_HASH && typeName !== MAGLEV) return;
  const members = inTable(config, hosts, health);
  if (typeName === RING_HASH) writeRing(config.lbPolicy.config as RingHashConfig, members, scope.scope('ring_hash_lb'));
  else writeMaglev(config.lbPolicy.config as MaglevConfig, members, scope.scope('maglev_lb'), tables);
}

interface Members {
  readonly hosts: readonly HostConfig[];
  readonly shares: Float64Array;
}

/** The hosts of that table. */
function inTable(config: ClusterConfig, hosts: readonly HostConfig[], health: ArrayLike<number>): Members {
  const { isLocalityWeighted } = config.lbPolicy.config as ConsistentHashConfig;
  const tables = eligibleHosts(config, hosts, health).map((level): Members => {
    const { order, shares } = tableShares(level.hosts, level.members, isLocalityWeighted);
    return { hosts: order.map((index) => level.hosts[index]), shares };
  });
  return tables.findLast((members) => members.hosts.length > 0) ?? { hosts: [], shares: new Float64Array(0) };
}

function writeRing(config: RingHashConfig, { hosts, shares }: Members, scope: StatsScope): void {
  const gauges = [scope.gauge('size'), scope.gauge('min_hashes_per_host'), scope.gauge('max_hashes_per_host')];
  const { size, counts } = planRing(shares, config.minimumRingSize, config.maximumRingSize);
  const values = hosts.length === 0 ? [0, 0, 0] : [size, least(counts), most(counts)];
  gauges.forEach((gauge, i) => gauge.set(values[i]));
}

function writeMaglev(config: MaglevConfig, members: Members, scope: StatsScope, tables: ClusterHashTables | null): void {
  const counts = tables === null || tables.isSmall(members.shares) ? countEntries(config, members) : tables.countsOf(members.hosts);
  // Still to come with its table.
  if (counts === null) return;
  scope.gauge('min_entries_per_host').set(counts.length === 0 ? 0 : least(counts));
  scope.gauge('max_entries_per_host').set(most(counts));
}

function countEntries(config: MaglevConfig, { hosts, shares }: Members): Uint32Array {
  const counts = new Uint32Array(hosts.length);
  if (hosts.length === 0) return counts;
  const order = orderByKey(hosts.map((host) => hashKey(host, hostAddressText(host.address, host.port), config.usesHostname)));
  for (const i of takeTurns(Float64Array.from(order, (host) => shares[host]), config.tableSize)) counts[i]++;
  return counts;
}

function least(counts: Uint32Array): number {
  return counts.reduce((a, b) => Math.min(a, b));
}

function most(counts: Uint32Array): number {
  return counts.reduce((a, b) => Math.max(a, b), 0);
}
