/** Builds the bootstrap of a case group: ordinary Envoy configuration around what the group's file says. */
import type { CaseGroup, ClusterSpec, ListenerSpec, YamlMap, YamlValue } from './case_file.ts';
import { jsonLogFormat } from './log_format.ts';
import { substituteTls } from './scripted_tls.ts';

const HCM_TYPE = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const FILE_LOG_TYPE = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog';
const ROUTER_TYPE = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';

/** Where the pieces of a group's configuration are on this machine. */
export interface GroupPlaces {
  /** Listener name → port. */
  readonly listenerPorts: ReadonlyMap<string, number>;
  /** Upstream name → port. */
  readonly upstreamPorts: ReadonlyMap<string, number>;
  readonly accessLogPath: string;
}

function isMap(value: YamlValue | undefined): value is YamlMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `over` merged into `base`: maps key by key, all else replaced. */
export function merge(base: YamlMap, over: YamlMap): YamlMap {
  const merged: YamlMap = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isMap(below) && isMap(value) && !('@type' in value) ? merge(below, value) : value;
  }
  return merged;
}

function address(port: number): YamlMap {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function portOf(ports: ReadonlyMap<string, number>, name: string): number {
  const port = ports.get(name);
  if (port === undefined) {
    throw new Error(`no port was given to ${name}`);
  }
  return port;
}

function substitute(value: YamlValue, places: GroupPlaces): YamlValue {
  if (value === '{{log_format}}') return jsonLogFormat();
  if (typeof value === 'string') {
    return substituteTls(value)
      .replaceAll('{{log}}', places.accessLogPath)
      .replace(/\{\{port\.([a-z0-9_]+)\}\}/g, (_whole, name: string) => String(portOf(places.upstreamPorts, name)));
  }
  if (Array.isArray(value)) {
    return value.map((item) => substitute(item, places));
  }
  if (isMap(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substitute(item, places)]));
  }
  return value;
}

function httpConnectionManager(name: string, spec: ListenerSpec): YamlMap {
  const defaultHosts: YamlMap[] = [
    { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'up' } }] },
  ];
  const manager: YamlMap = {
    '@type': HCM_TYPE,
    stat_prefix: name,
    delayed_close_timeout: '0.1s',
    access_log: spec.access_log ?? [
      {
        name: 'envoy.access_loggers.file',
        typed_config: { '@type': FILE_LOG_TYPE, path: '{{log}}', log_format: { json_format: jsonLogFormat() } },
      },
    ],
    route_config: merge({ name: 'routes', virtual_hosts: spec.virtual_hosts ?? defaultHosts }, spec.route_config ?? {}),
    http_filters: [
      ...(spec.filters ?? []),
      { name: 'envoy.filters.http.router', typed_config: { '@type': ROUTER_TYPE } },
    ],
  };
  return merge(manager, spec.hcm ?? {});
}

function listener(name: string, spec: ListenerSpec, port: number): YamlMap {
  const base: YamlMap = {
    name,
    address: address(port),
    filter_chains: [
      { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: httpConnectionManager(name, spec) }] },
    ],
  };
  return merge(base, spec.listener ?? {});
}

function cluster(name: string, spec: ClusterSpec, ports: ReadonlyMap<string, number>): YamlMap {
  const hosts = (spec.hosts ?? [name]).map((host) => ({ endpoint: { address: address(portOf(ports, host)) } }));
  const base: YamlMap = {
    name,
    type: 'STATIC',
    connect_timeout: '2s',
    load_assignment: { cluster_name: name, endpoints: hosts.length > 0 ? [{ lb_endpoints: hosts }] : [] },
  };
  return merge(base, spec.config ?? {});
}

/** Names of all upstreams that the group's clusters point at. */
export function upstreamNames(group: CaseGroup): string[] {
  const names = new Set(Object.keys(group.upstreams));
  for (const [name, spec] of Object.entries(group.clusters)) {
    for (const host of spec.hosts ?? [name]) {
      names.add(host);
    }
  }
  return [...names];
}

/** The bootstrap of `group`, with an admin listener on a free port. */
export function buildBootstrap(group: CaseGroup, places: GroupPlaces): YamlMap {
  const base: YamlMap = {
    admin: { address: address(0) },
    static_resources: {
      listeners: Object.entries(group.listeners).map(([name, spec]) =>
        listener(name, spec, portOf(places.listenerPorts, name)),
      ),
      clusters: Object.entries(group.clusters).map(([name, spec]) => cluster(name, spec, places.upstreamPorts)),
    },
  };
  return substitute(merge(base, group.bootstrap), places) as YamlMap;
}
