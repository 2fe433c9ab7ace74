/** The process, or the configuration, that is asked. */
import type { ListenerConfig } from '../../core/network/listener/listener_config.ts';
import type { RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';
import type { Snapshot } from '../../core/snapshot/snapshot.ts';
import type { ClusterConfig, EndpointConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
import type { DryRun } from '../../workers/protocol/dry_run.ts';
import { configuredHealthFlags } from '../clusters/host_table.ts';
import type { ServerConfig } from '../config/server_config.ts';
import type { ConfigLookup } from './config_lookup.ts';

export interface SubjectListener {
  readonly config: ListenerConfig;
  /** Ports that its addresses are bound to. */
  readonly ports: readonly number[];
}

export interface SubjectCluster {
  readonly id: number;
  readonly config: ClusterConfig;
  /** STATIC, STRICT_DNS, LOGICAL_DNS. */
  readonly type: string;
  readonly hosts: readonly HostConfig[];
  /** About hosts that are not known here. */
  readonly note: string | undefined;
}

export interface ExplainSubject {
  readonly listeners: readonly SubjectListener[];
  readonly clusters: readonly SubjectCluster[];
  /** HostHealthFlag bits by host id; absent = healthy. */
  readonly hostHealth: ReadonlyMap<number, number>;
  readonly runtime: RuntimeValues;
  readonly node: Snapshot['node'];
  readonly lookup: ConfigLookup | undefined;
  readonly dryRun: DryRun;
  /** Wall clock, milliseconds. */
  readonly nowMs: () => number;
}

/** TEST-NET-1 (RFC 5737): stands for the address of a name that was not resolved. */
export const UNRESOLVED_ADDRESS = '192.0.2.1';

/** A configuration that nobody runs: names are not resolved, ports are those written, health is that written. */
export function subjectOfConfig(config: ServerConfig, lookup: ConfigLookup, dryRun: DryRun, nowMs: () => number): ExplainSubject {
  let nextHost = 0;
  const hostHealth = new Map<number, number>();
  const clusters = config.clusters.map((cluster, id): SubjectCluster => {
    const { discovery } = cluster;
    const hosts = discovery.endpoints.map((endpoint): HostConfig => ({
      id: noteHealth(hostHealth, nextHost++, endpoint), port: endpoint.port, weight: endpoint.weight, priority: endpoint.priority, region: endpoint.region, zone: endpoint.zone,
      subZone: endpoint.subZone, canary: false, metadata: endpoint.metadata,
      address: discovery.kind === 'static' ? endpoint.address : UNRESOLVED_ADDRESS,
      hostname: endpoint.hostname !== '' || discovery.kind === 'static' ? endpoint.hostname : endpoint.address,
    }));
    const note = discovery.kind === 'static' ? undefined : 'names are not resolved here';
    return { id, config: cluster.config, type: discovery.kind.toUpperCase(), hosts, note };
  });
  const { id, cluster, zone } = config.node;
  return {
    listeners: config.listeners.map((listener) => ({ config: listener, ports: listener.addresses.map((address) => address.port) })),
    clusters, hostHealth, runtime: config.runtime, node: { id, cluster, zone }, lookup, dryRun, nowMs,
  };
}

function noteHealth(hostHealth: Map<number, number>, id: number, { healthStatus }: EndpointConfig): number {
  const flags = configuredHealthFlags(healthStatus);
  if (flags !== 0) hostHealth.set(id, flags);
  return id;
}
