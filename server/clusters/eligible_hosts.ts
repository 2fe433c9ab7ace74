/** Which hosts of each priority workers choose from: as their balancers see it, worked out on main. */
import type { ClusterConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
import { isDegradedHost, isExcludedHost, isHealthyHost } from '../../core/upstream/host_health.ts';
import { computePriorityLoad, type PriorityCounts } from '../../core/upstream/priority_load.ts';

export interface EligibleHosts {
  /** Healthy ones, or all of them in panic. */
  readonly hosts: readonly HostConfig[];
  /** All hosts of the priority. */
  readonly members: readonly HostConfig[];
}

/** What decides, besides health; the threshold as runtime has it. */
export type EligibilityConfig = Pick<ClusterConfig, 'weightedPriorityHealth' | 'overprovisioningFactor' | 'healthyPanicThreshold'>;

/** By priority. `health`: HostHealthFlag bits by host id. */
export function eligibleHosts(config: EligibilityConfig, hosts: readonly HostConfig[], health: ArrayLike<number>): EligibleHosts[] {
  const levels: HostConfig[][] = [[]];
  for (const host of hosts) {
    while (levels.length <= host.priority) levels.push([]);
    levels[host.priority].push(host);
  }
  const { isPanic } = computePriorityLoad(levels.map((level) => countsOf(level, health, config.weightedPriorityHealth)), config.overprovisioningFactor, config.healthyPanicThreshold);
  return levels.map((members, i) => ({ hosts: isPanic[i] ? members : members.filter((host) => isHealthyHost(health[host.id])), members }));
}

function countsOf(hosts: readonly HostConfig[], health: ArrayLike<number>, isByWeight: boolean): PriorityCounts {
  const count = (test: (flags: number) => boolean, isWeighted: boolean): number =>
    hosts.reduce((sum, host) => (test(health[host.id]) ? sum + (isWeighted ? host.weight : 1) : sum), 0);
  const all = (isWeighted: boolean): PriorityCounts => ({
    hosts: count(() => true, isWeighted), healthy: count(isHealthyHost, isWeighted), degraded: count(isDegradedHost, isWeighted), excluded: count(isExcludedHost, isWeighted),
  });
  return isByWeight ? { ...all(false), weights: all(true) } : all(false);
}
