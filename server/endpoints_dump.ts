/** The hosts of all clusters as `/config_dump?include_eds` shows them (envoy.admin.v3.EndpointsConfigDump). Thread: main. */
import { TYPE_URL_PREFIX } from '../core/api/type_urls.ts';
import { HostHealthFlag } from '../core/shared_memory/layout.ts';
import type { ClusterConfig, HostConfig } from '../core/upstream/cluster_config.ts';
import { addressStatus } from './address_status.ts';
import type { CheckTarget } from './health_checks/cluster_health_checker.ts';
import type { ConfigDumpSection, JsonObject } from './instance.ts';

const DUMP = 'envoy.admin.v3.EndpointsConfigDump';
const DEGRADED = HostHealthFlag.degradedActiveHc | HostHealthFlag.degradedEdsHealth;

/** A cluster with its hosts of this moment. */
export interface DumpedCluster {
  readonly config: Pick<ClusterConfig, 'name' | 'overprovisioningFactor'>;
  hosts(): readonly HostConfig[];
  /** Where each of them is asked for its health, or would be; by id. */
  checkTargets(): ReadonlyMap<number, Pick<CheckTarget, 'address' | 'port' | 'hostname'>>;
}

/** `health`: HostHealthFlag bits by host id; `weightOf`: what hosts have now. Each cluster is looked at when its item is printed. */
export function endpointsSection(clusters: readonly DumpedCluster[], health: ArrayLike<number>, weightOf: (host: HostConfig) => number): ConfigDumpSection {
  const items = clusters.map((cluster) => ({
    name: cluster.config.name,
    json: (): JsonObject => ({ endpoint_config: loadAssignment(cluster, health, weightOf) }),
  }));
  return { key: 'endpoint', typeName: DUMP, fields: () => ({}), lists: [{ field: 'static_endpoint_configs', itemTypeName: `${DUMP}.StaticEndpointConfig`, items }] };
}

function loadAssignment(cluster: DumpedCluster, health: ArrayLike<number>, weightOf: (host: HostConfig) => number): JsonObject {
  const targets = cluster.checkTargets();
  const endpoints = [...byLocality(cluster.hosts())].map(([first, group]): JsonObject => ({
    ...localityOf(first),
    lb_endpoints: group.map((host) => lbEndpoint(host, targets.get(host.id), health[host.id] & ~HostHealthFlag.pendingDynamicRemoval, weightOf(host))),
    ...(first.priority === 0 ? {} : { priority: first.priority }),
  }));
  return {
    '@type': `${TYPE_URL_PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment`,
    cluster_name: cluster.config.name,
    ...(endpoints.length === 0 ? {} : { endpoints }),
    policy: { overprovisioning_factor: cluster.config.overprovisioningFactor },
  };
}

/** Hosts of one priority and locality together, under the first of them. */
function byLocality(hosts: readonly HostConfig[]): Map<HostConfig, HostConfig[]> {
  const firsts = new Map<string, HostConfig>();
  const groups = new Map<HostConfig, HostConfig[]>();
  for (const host of hosts) {
    const key = JSON.stringify([host.priority, host.region, host.zone, host.subZone]);
    const first = firsts.get(key) ?? host;
    firsts.set(key, first);
    const group = groups.get(first);
    if (group === undefined) groups.set(first, [host]);
    else group.push(host);
  }
  return groups;
}

function localityOf({ region, zone, subZone }: HostConfig): JsonObject {
  const locality = { ...(region === '' ? {} : { region }), ...(zone === '' ? {} : { zone }), ...(subZone === '' ? {} : { sub_zone: subZone }) };
  return Object.keys(locality).length === 0 ? {} : { locality };
}

/** The port stands there when checks go anywhere else, be it another address with the same port. */
function healthCheckConfig(host: HostConfig, target: Pick<CheckTarget, 'address' | 'port' | 'hostname'> | undefined): JsonObject {
  if (target === undefined) return {};
  const { address, port, hostname } = target;
  const isElsewhere = address !== host.address || port !== host.port;
  return { ...(isElsewhere ? { port_value: port } : {}), ...(hostname === '' ? {} : { hostname }) };
}

function lbEndpoint(host: HostConfig, target: Pick<CheckTarget, 'address' | 'port' | 'hostname'> | undefined, flags: number, weight: number): JsonObject {
  const metadata = host.metadata as JsonObject;
  return {
    endpoint: {
      address: addressStatus(host.address, host.port).json,
      health_check_config: healthCheckConfig(host, target),
      ...(host.hostname === '' ? {} : { hostname: host.hostname }),
    },
    health_status: flags === 0 ? 'HEALTHY' : (flags & ~DEGRADED) === 0 ? 'DEGRADED' : 'UNHEALTHY',
    ...(Object.keys(metadata).length === 0 ? {} : { metadata: { filter_metadata: metadata } }),
    load_balancing_weight: weight,
  };
}
