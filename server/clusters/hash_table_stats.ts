/**
 * The gauges of consistent-hash balancers: how a ring's hashes or a Maglev table's entries divide over the hosts. Workers build the
 * tables; the numbers follow from the weights alone. Thread: main.
 */
import type { StatsScope } from '../../core/stats/stats.ts';
import type { ClusterConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
import { hashKey, orderByKey, planRing, tableShares, takeTurns } from '../../core/upstream/consistent_hash/entries.ts';
import type { ConsistentHashConfig, MaglevConfig, RingHashConfig } from '../../core/upstream/consistent_hash/config.ts';
import { hostAddressText } from '../../core/upstream/host.ts';
import { isDegradedHost, isExcludedHost, isHealthyHost } from '../../core/upstream/host_health.ts';
import { computePriorityLoad, type PriorityCounts } from '../../core/upstream/priority_load.ts';

const RING_HASH = 'envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash';
const MAGLEV = 'envoy.extensions.load_balancing_policies.maglev.v3.Maglev';

/** Writes them, if the cluster has any; those of the last priority that has hosts. `health`: HostHealthFlag bits by host id. */
export function writeHashTableStats(config: ClusterConfig, hosts: readonly HostConfig[], health: ArrayLike<number>, scope: StatsScope): void {
  const { typeName } = config.lbPolicy;
  if (typeName !== RING_HASH && typeName !== MAGLEV) return;
  const members = inTable(config, hosts, health);
  if (typeName === RING_HASH) writeRing(config.lbPolicy.config as RingHashConfig, members, scope.scope('ring_hash_lb'));
  else writeMaglev(config.lbPolicy.config as MaglevConfig, members, scope.scope('maglev_lb'));
}

interface Members {
  readonly hosts: readonly HostConfig[];
  readonly shares: Float64Array;
}

/** The hosts of that table: healthy ones, or all of them in panic. */
function inTable(config: ClusterConfig, hosts: readonly HostConfig[], health: ArrayLike<number>): Members {
  const levels: HostConfig[][] = [[]];
  for (const host of hosts) {
    while (levels.length <= host.priority) levels.push([]);
    levels[host.priority].push(host);
  }
  const { isPanic } = computePriorityLoad(levels.map((level) => countsOf(level, health, config.weightedPriorityHealth)), config.overprovisioningFactor, config.healthyPanicThreshold);
  const { isLocalityWeighted } = config.lbPolicy.config as ConsistentHashConfig;
  const tables = levels.map((level, i): Members => {
    const hosts = isPanic[i] ? level : level.filter((host) => isHealthyHost(health[host.id]));
    const { order, shares } = tableShares(hosts, level, isLocalityWeighted);
    return { hosts: order.map((index) => hosts[index]), shares };
  });
  return tables.findLast((members) => members.hosts.length > 0) ?? { hosts: [], shares: new Float64Array(0) };
}

function countsOf(hosts: readonly HostConfig[], health: ArrayLike<number>, isByWeight: boolean): PriorityCounts {
  const count = (test: (flags: number) => boolean, isWeighted: boolean): number =>
    hosts.reduce((sum, host) => (test(health[host.id]) ? sum + (isWeighted ? host.weight : 1) : sum), 0);
  const all = (isWeighted: boolean): PriorityCounts => ({
    hosts: count(() => true, isWeighted), healthy: count(isHealthyHost, isWeighted), degraded: count(isDegradedHost, isWeighted), excluded: count(isExcludedHost, isWeighted),
  });
  return isByWeight ? { ...all(false), weights: all(true) } : all(false);
}

function writeRing(config: RingHashConfig, { hosts, shares }: Members, scope: StatsScope): void {
  const gauges = [scope.gauge('size'), scope.gauge('min_hashes_per_host'), scope.gauge('max_hashes_per_host')];
  const { size, counts } = planRing(shares, config.minimumRingSize, config.maximumRingSize);
  const values = hosts.length === 0 ? [0, 0, 0] : [size, least(counts), most(counts)];
  gauges.forEach((gauge, i) => gauge.set(values[i]));
}

function writeMaglev(config: MaglevConfig, { hosts, shares }: Members, scope: StatsScope): void {
  const counts = new Uint32Array(hosts.length);
  if (hosts.length > 0) {
    const order = orderByKey(hosts.map((host) => hashKey(host, hostAddressText(host.address, host.port), config.usesHostname)));
    for (const i of takeTurns(Float64Array.from(order, (host) => shares[host]), config.tableSize)) counts[i]++;
  }
  scope.gauge('min_entries_per_host').set(hosts.length === 0 ? 0 : least(counts));
  scope.gauge('max_entries_per_host').set(most(counts));
}

function least(counts: Uint32Array): number {
  return counts.reduce((a, b) => Math.min(a, b));
}

function most(counts: Uint32Array): number {
  return counts.reduce((a, b) => Math.max(a, b), 0);
}
