import type { HostConfig } from './cluster_config.ts';

/** Hosts of one place; the weight is what the configuration gives the place (0: none). */
export interface LocalityGroup<T> {
  weight: number;
  readonly hosts: T[];
}

/** Groups by region, zone and sub-zone, in that order; of several weights for one place the last counts. */
export function groupByLocality<T>(hosts: readonly T[], configOf: (host: T) => HostConfig, weightOf: (config: HostConfig) => number): LocalityGroup<T>[] {
  const groups = new Map<string, LocalityGroup<T>>();
  for (const host of hosts) {
    const config = configOf(host);
    const { region, zone, subZone } = config;
    const key = `${region}\0${zone}\0${subZone}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = { weight: 0, hosts: [] };
      groups.set(key, group);
    }
    group.weight = weightOf(config);
    group.hosts.push(host);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}
