/** Weights of localities in a subset. Thread: worker. */
import type { HostConfig } from '../cluster_config.ts';
import type { Host } from '../host.ts';

/** As much of a locality's weight as the subset has of its hosts, rounded; by the host's configuration. Both lists are by priority. */
export function scaledLocalityWeights(hosts: readonly (readonly Host[])[], whole: readonly (readonly Host[])[]): (config: HostConfig) => number {
  const counts = countByLocality(hosts);
  const all = countByLocality(whole);
  return (config) => {
    const key = keyOf(config);
    return Math.round((config.localityWeight * (counts.get(key) ?? 0)) / (all.get(key) ?? 1));
  };
}

function countByLocality(byPriority: readonly (readonly Host[])[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const hosts of byPriority) {
    for (const { config } of hosts) counts.set(keyOf(config), (counts.get(keyOf(config)) ?? 0) + 1);
  }
  return counts;
}

function keyOf({ priority, region, zone, subZone }: HostConfig): string {
  return `${priority}\0${region}\0${zone}\0${subZone}`;
}
