import type { HostSlabs } from '../clusters/host_table.ts';
import type { ServerConfig } from '../config/server_config.ts';
import type { ListenerStatus } from '../instance.ts';
import type { ProcessFacts } from './explain_subject.ts';

/** What a process that runs adds to its snapshot. */
export function processFacts(config: ServerConfig, status: readonly ListenerStatus[], { health }: HostSlabs): ProcessFacts {
  return {
    ports: new Map(status.map(({ name, addresses }) => [name, addresses.map(({ text }) => Number(/:(\d+)$/.exec(text)?.[1] ?? 0))])),
    clusterTypes: new Map(config.clusters.map(({ config: { name }, discovery }) => [name, discovery.kind.toUpperCase()])),
    health,
  };
}
