/** The part of an explanation that the chosen route gives: action, header mutations, settings, filters. */
import type { HeaderMutationsConfig } from '../../core/headers/header_mutation.ts';
import type { ConnectionManagerConfig } from '../../core/http/connection_manager/config.ts';
import type { HttpFilterConfig } from '../../core/registry/http_filter_config.ts';
import type { ConfigPosition } from '../../core/registry/parse_context.ts';
import type { PerFilterConfigs, RouteActionConfig, RouteConfig, RouteEntryConfig, VirtualHostConfig, WeightedClusterConfig } from '../../core/route/route_config.ts';
import type { ClusterPoliciesConfig } from '../../core/route/cluster_policies.ts';
import { conditionNames, type RetryPolicyConfig } from '../../core/route/retry_policy.ts';
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import { mutationLevels } from '../../core/route/route_entry.ts';
import type { RouterConfig } from '../../core/router/router_context.ts';
import type { RequestState } from '../../workers/protocol/dry_run.ts';
import type { ConfigLookup } from './config_lookup.ts';
import type { FilterText, HeaderMutationText, Place, Setting } from './explanation.ts';

/** A route with what stands above it. */
export interface RoutePlace {
  readonly table: RouteConfig;
  readonly virtualHost: VirtualHostConfig;
  readonly route: RouteEntryConfig;
  readonly weighted: WeightedClusterConfig | null;
}

export function placeText(position: ConfigPosition | null | undefined): Place {
  return position === null || position === undefined ? undefined : `${position.file}:${position.line}:${position.column}`;
}

/** What the route does. */
export function actionText(route: RouteEntryConfig): string {
  const { action } = route;
  switch (action.kind) {
    case 'route':
      return action.cluster.kind === 'cluster' ? `route to cluster ${action.cluster.name}`
        : action.cluster.kind === 'cluster_header' ? `route to the cluster that the header ${action.cluster.header} names` : 'route to one of its weighted clusters';
    case 'redirect':
      return `redirect with ${action.responseCode}`;
    case 'direct_response':
      return `direct response with ${action.status}`;
    default:
      return 'non-forwarding';
  }
}

/** How a weighted cluster came to be chosen, with the odds of all. */
export function choiceText({ route, weighted }: RoutePlace, random: number): string | undefined {
  const { action } = route;
  if (action.kind !== 'route' || action.cluster.kind !== 'weighted') return undefined;
  const { clusters, totalWeight, headerName, runtimeKeyPrefix } = action.cluster;
  const odds = clusters.map((cluster) => `${cluster.name} ${shortNumber((100 * cluster.weight) / totalWeight)} %`).join(', ');
  const by = headerName === '' ? `random number ${random}` : `request header ${headerName}`;
  const runtime = runtimeKeyPrefix === '' ? '' : `; runtime keys ${runtimeKeyPrefix}.<cluster> may change the weights`;
  return `${weighted?.name ?? 'none'} by ${by} (${odds}${runtime})`;
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Header mutations of all levels, in the order in which they are applied. */
export function mutationTexts({ table, virtualHost, route, weighted }: RoutePlace, direction: 'requestHeaders' | 'responseHeaders'): HeaderMutationText[] {
  const parents = { table, virtualHost: { config: virtualHost } };
  return mutationLevels(route, parents, weighted).flatMap((level) => {
    const name = level === weighted ? 'weighted cluster' : level === route ? 'route' : level === virtualHost ? 'virtual host' : 'route configuration';
    return levelTexts(level[direction]).map((mutation) => ({ level: name, mutation }));
  });
}

/** Removals, then what is added or overwritten: the order within a level. */
function levelTexts(mutations: HeaderMutationsConfig): string[] {
  return [...mutations.remove.map((name) => `- ${name}`), ...mutations.add.map((add) => `+ ${add.name}: ${add.value} (${add.action})`)];
}

/** What stands between router and upstream: the filters of the cluster, else those of the router. */
export function upstreamFiltersOf(manager: ConnectionManagerConfig, cluster: ClusterConfig): readonly HttpFilterConfig[] {
  const own = (cluster.requestPolicies as ClusterPoliciesConfig | null)?.upstreamFilters;
  return own ?? (manager.filters.at(-1)?.extension.config as RouterConfig | undefined)?.upstreamFilters ?? [];
}

/** HTTP filters of a chain, and what the route's levels say of each. */
export function filterTexts(chain: readonly HttpFilterConfig[], place: RoutePlace | undefined): FilterText[] {
  const levels: readonly (readonly [string, PerFilterConfigs])[] = place === undefined ? [] : [
    ...(place.weighted === null ? [] : [['weighted cluster', place.weighted.perFilterConfig] as const]),
    ['route', place.route.perFilterConfig], ['virtual host', place.virtualHost.perFilterConfig], ['route configuration', place.table.perFilterConfig],
  ];
  return chain.map((filter) => {
    const level = levels.find(([, configs]) => Object.hasOwn(configs, filter.name));
    if (level === undefined) return { name: filter.name, isOn: !filter.disabled, note: filter.disabled ? 'disabled in the filter chain' : '' };
    const { disabled, extension } = level[1][filter.name];
    const note = disabled ? `disabled by the ${level[0]}` : extension !== null ? `configured by the ${level[0]}` : `enabled by the ${level[0]}`;
    return { name: filter.name, isOn: !disabled, note };
  });
}

/** What became of the request that is explained. */
export interface SentRequest {
  readonly request: RequestState;
  /** What the router told the upstream host; undefined when it says nothing. */
  readonly expectedMs: number | undefined;
  /** Where it went. */
  readonly cluster: ClusterConfig | undefined;
}

/** Timeouts and retries in force. */
export function settingsOf({ route, virtualHost }: RoutePlace, manager: ConnectionManagerConfig, sent: SentRequest, lookup: ConfigLookup | undefined): Setting[] {
  const { request, expectedMs, cluster } = sent;
  if (route.action.kind !== 'route') return [];
  const path = route.position === null ? undefined : `${route.position.path}.route`;
  const at = (field: string): { isSet: boolean; at: Place } => (path === undefined ? undefined : lookup?.field(path, field)) ?? { isSet: false, at: undefined };
  return [
    timeoutSetting(route.action, request, expectedMs, at('timeout')),
    inherited('idle timeout', route.action.idleTimeoutMs, manager.streamIdleTimeoutMs, at('idle_timeout').at),
    inherited('max stream duration', route.action.maxStreamDurationMs, manager.maxStreamDurationMs, at('max_stream_duration').at),
    clusterRetrySetting(route.action, cluster) ?? retrySetting(route, virtualHost, lookup),
  ];
}

function timeoutSetting(action: RouteActionConfig, request: RequestState, expectedMs: number | undefined, field: { isSet: boolean; at: Place }): Setting {
  const header = request.headers.find(([name]) => name === 'x-envoy-upstream-rq-timeout-ms' || name === 'grpc-timeout');
  if (expectedMs !== undefined && expectedMs !== action.timeoutMs && header !== undefined) {
    return { name: 'timeout', value: msText(expectedMs), from: `request header ${header[0]}`, at: undefined };
  }
  return { name: 'timeout', value: msText(action.timeoutMs), from: field.isSet ? 'route' : 'default', at: field.at };
}

/** `ownMs` -1: the connection manager's counts. */
function inherited(name: string, ownMs: number, managerMs: number, at: Place): Setting {
  return ownMs >= 0 ? { name, value: msText(ownMs), from: 'route', at } : { name, value: msText(managerMs), from: 'connection manager', at: undefined };
}

function retrySetting(route: RouteEntryConfig, virtualHost: VirtualHostConfig, lookup: ConfigLookup | undefined): Setting {
  const own = route.position === null ? undefined : lookup?.field(`${route.position.path}.route`, 'retry_policy');
  const above = virtualHost.position === null ? undefined : lookup?.field(virtualHost.position.path, 'retry_policy');
  const set = own?.isSet === true ? own : above?.isSet === true ? above : undefined;
  const retries = route.action.kind === 'route' ? route.action.retries : null;
  if (set === undefined || retries === null) return { name: 'retries', value: 'none', from: 'default', at: undefined };
  const from = set === own ? 'route' : 'virtual host';
  if (retries.retryOn === 0) return { name: 'retries', value: 'none', from: `${from} (no retry_on)`, at: set.at };
  return { name: 'retries', value: retriesText(route.action, retries), from, at: set.at };
}

/** The cluster's own retries come before those of the route. */
function clusterRetrySetting(action: RouteActionConfig, cluster: ClusterConfig | undefined): Setting | undefined {
  const retries = (cluster?.requestPolicies as ClusterPoliciesConfig | null | undefined)?.retries;
  if (cluster === undefined || retries === undefined || retries === null) return undefined;
  return { name: 'retries', value: retries.retryOn === 0 ? 'none' : retriesText(action, retries), from: `cluster ${cluster.name}`, at: undefined };
}

function retriesText(action: RouteEntryConfig['action'], retries: RetryPolicyConfig): string {
  const hedged = action.kind === 'route' && action.hedgesOnPerTryTimeout && action.perTryTimeoutMs > 0 ? `, and beside tries slower than ${msText(action.perTryTimeoutMs)}` : '';
  return `${retries.numRetries} on ${conditionNames(retries.retryOn).join(', ')}${hedged}`;
}

function msText(ms: number): string {
  return ms === 0 ? 'none' : `${ms / 1000}s`;
}
