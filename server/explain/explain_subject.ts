/** The process, or the configuration, that is asked. */
import type { ListenerConfig } from '../../core/network/listener/listener_config.ts';
import type { RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';
import type { ClusterSnapshot, Snapshot } from '../../core/snapshot/snapshot.ts';
import type { ClusterConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
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
  /** Hosts whose address is not known: the name and port stands for it. By host id. */
  readonly unresolved: ReadonlyMap<number, string>;
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

/** A configuration that nobody runs: names are not resolved, ports are those written, health is that written. */
export function subjectOfConfig(config: ServerConfig, lookup: ConfigLookup, dryRun: DryRun, nowMs: () => number): ExplainSubject {
  let nextHost = 0;
  const hostHealth = new Map<number, number>();
  const clusters = config.clusters.map((cluster, id): SubjectCluster => {
    const { discovery } = cluster;
    const unresolved = new Map<number, string>();
    const hosts = discovery.endpoints.map((endpoint): HostConfig => {
      const host = nextHost++;
      const flags = configuredHealthFlags(endpoint.healthStatus);
      if (flags !== 0) hostHealth.set(host, flags);
      const isName = discovery.kind !== 'static';
      if (isName) unresolved.set(host, `${endpoint.address}:${endpoint.port}`);
      return {
        id: host, port: endpoint.port, weight: endpoint.weight, priority: endpoint.priority, region: endpoint.region, zone: endpoint.zone,
        subZone: endpoint.subZone, localityWeight: endpoint.localityWeight, canary: false, metadata: endpoint.metadata,
        address: isName ? standInAddress(host) : endpoint.address,
        hostname: endpoint.hostname !== '' || !isName ? endpoint.hostname : endpoint.address,
      };
    });
    return { id, config: cluster.config, type: discovery.kind.toUpperCase(), hosts, unresolved };
  });
  const { id, cluster, zone } = config.node;
  return {
    listeners: config.listeners.map((listener) => ({ config: listener, ports: listener.addresses.map((address) => address.port) })),
    clusters, hostHealth, runtime: config.runtime, node: { id, cluster, zone }, lookup, dryRun, nowMs,
  };
}

/** An address that no host has (RFC 2544), another one for each. */
function standInAddress(host: number): string {
  return `198.${18 + ((host >> 16) & 1)}.${(host >> 8) & 255}.${host & 255}`;
}

/** What is known of a process beside its snapshot. */
export interface ProcessFacts {
  /** Ports that listeners are bound to, by name. Others are closed. */
  readonly ports: ReadonlyMap<string, readonly number[]>;
  /** STATIC and so on, by cluster name. */
  readonly clusterTypes: ReadonlyMap<string, string>;
  /** HostHealthFlag bits by host id. Shared memory. */
  readonly health: Int32Array;
}

/** The listeners, clusters and hosts of a process that runs. */
export function subjectOfProcess(
  listeners: readonly ListenerConfig[], clusters: readonly ClusterSnapshot[], { ports, clusterTypes, health }: ProcessFacts,
): Pick<ExplainSubject, 'listeners' | 'clusters' | 'hostHealth'> {
  const hostHealth = new Map<number, number>();
  const subjects = clusters.map(({ id: clusterId, config, hosts: { hosts } }): SubjectCluster => {
    for (const { id } of hosts) if (health[id] !== 0) hostHealth.set(id, health[id]);
    return { id: clusterId, config, type: clusterTypes.get(config.name) ?? 'STATIC', hosts, unresolved: new Map() };
  });
  const bound = listeners.flatMap((listener): SubjectListener[] => {
    const own = ports.get(listener.name);
    return own === undefined ? [] : [{ config: listener, ports: own }];
  });
  return { listeners: bound, clusters: subjects, hostHealth };
}
