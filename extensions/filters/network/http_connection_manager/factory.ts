import type { ConnectionManagerConfig } from '../../../../core/http/connection_manager/config.ts';
import { ConnectionManager } from '../../../../core/http/connection_manager/connection_manager.ts';
import { InternalAddressChecker } from '../../../../core/http/connection_manager/internal_address.ts';
import { ManagerContext } from '../../../../core/http/connection_manager/manager_context.ts';
import type { NetworkFilterContext } from '../../../../core/http/connection_manager/network_filter_context.ts';
import { ConnectionManagerStats } from '../../../../core/http/connection_manager/stats.ts';
import { StreamPool } from '../../../../core/http/connection_manager/stream_pool.ts';
import { HTTP_FILTER_CATEGORY, type HttpFilterFactory } from '../../../../core/http/filter.ts';
import { HTTP_FILTER_ROUTE_CATEGORY, type HttpFilterContext } from '../../../../core/http/filter_context.ts';
import { type Http1Settings, UnderscoreAction } from '../../../../core/http/http1/settings.ts';
import { type EarlyHeaderMutation, EARLY_HEADER_MUTATION_CATEGORY } from '../../../../core/http/early_header_mutation.ts';
import { type OriginalIpDetection, ORIGINAL_IP_DETECTION_CATEGORY } from '../../../../core/http/original_ip_detection.ts';
import { ProxyStatus } from '../../../../core/http/connection_manager/proxy_status.ts';
import type { HttpFilterConfig } from '../../../../core/registry/http_filter_config.ts';
import type { ExtensionConfig } from '../../../../core/registry/parse_context.ts';
import type { ConfiguredFilter } from '../../../../core/http/filter_manager/configured_filter.ts';
import type { TerminalFilter } from '../../../../core/http/terminal_filter.ts';
import { StringMatcher } from '../../../../core/matcher/string_matcher.ts';
import type { NetworkFilterFactory, NewConnection, TerminalConnection } from '../../../../core/network/network_filter.ts';
import { RouteTable } from '../../../../core/route/route_table.ts';
import type { StatsScope } from '../../../../core/stats/stats.ts';
import { withRuntimeSettings } from './runtime_settings.ts';

const UNDERSCORE_ACTIONS = { allow: UnderscoreAction.allow, reject_request: UnderscoreAction.rejectRequest, drop_header: UnderscoreAction.dropHeader } as const;

/** Builds the connection manager of a filter chain on this thread: filters, route table, loggers, stats, stream pool. */
export function createManagerFactory(configured: ConnectionManagerConfig, context: NetworkFilterContext): NetworkFilterFactory {
  const config = withRuntimeSettings(configured, context.runtime, context.random);
  const scope = context.rootScope.scope(`http.${config.statPrefix}`);
  const listenerScope = context.listenerScope.scope(`http.${config.statPrefix}`);
  const stats = new ConnectionManagerStats(scope, listenerScope);
  const filterContext: HttpFilterContext = {
    scope, rootScope: context.rootScope, names: context.names, runtime: context.runtime, server: context.server,
    clusters: context.clusters, slab: context.dispatcher.io.slab, clock: context.dispatcher.io.clock, random: context.random, localClusterName: '',
    turn: context.dispatcher.turn, localAddress: context.localAddress, createTimer: (target) => context.dispatcher.createTimer(target),
    nodeCluster: context.node.cluster, nodeId: context.node.id,
    formatEnvironment: context.formatEnvironment, createAccessLoggers: (configs) => context.createAccessLoggers(configs),
    dispatcher: context.dispatcher, product: (category, extension) => create(category, extension, context, filterContext),
  };
  const filters = createFilters(config.filters, context, filterContext);
  const createTerminal = terminalOf(filters);
  const isInbound = context.listener.trafficDirection === 'inbound';
  const loggers = context.createAccessLoggers(config.accessLogs);
  const upgrades = config.upgrades.map(({ type, enabled, filters: own }) => {
    const chain = own === null ? null : createFilters(own, context, filterContext);
    return { type, enabled, filters: chain, createTerminal: chain === null ? createTerminal : terminalOf(chain) };
  });
  const routeTable = compileRoutes(config, context, filterContext);
  const localReplies = context.createLocalReplies(config.localReply);
  const earlyMutations = config.earlyHeaderMutations.map((extension) => create<EarlyHeaderMutation>(EARLY_HEADER_MUTATION_CATEGORY, extension, context, filterContext));
  const honoursHealthCheckFail = context.listener.drainType === 'default';
  const manager = new ManagerContext({
    config, stats, filters, upgrades, loggers, routeTable, localReplies, earlyMutations,
    dispatcher: context.dispatcher, names: context.names, literals: context.literals, dates: context.dates,
    requestIds: context.requestIds, runtime: context.runtime, server: context.server,
    // Every format has been compiled by now.
    http1: http1Settings(config, context.rootScope, context.formatEnvironment.needs.headerBytes),
    internal: new InternalAddressChecker(config.internalAddresses),
    ipDetection: config.originalIpDetection.map((extension) => create<OriginalIpDetection>(ORIGINAL_IP_DETECTION_CATEGORY, extension, context, filterContext)),
    proxyStatus: createProxyStatus(config, context),
    node: context.node,
    bufferLimit: context.listener.perConnectionBufferLimitBytes,
    localAddress: context.localAddress, clusters: context.clusters,
    listenerPort: context.listener.addresses[0]?.port ?? 0,
    random: context.random,
    shouldDrainClose: () => context.server.shouldDrainClose(honoursHealthCheckFail, isInbound, context.random()),
  });
  const streams = new StreamPool(manager, createTerminal);
  return {
    onNewConnection: (connection: NewConnection): TerminalConnection => new ConnectionManager(manager, streams, connection),
  };
}

/** Makes the filter that ends a chain. */
function terminalOf(filters: readonly ConfiguredFilter[]): () => TerminalFilter {
  const terminal = filters.at(-1);
  if (terminal?.factory.isTerminal !== true) throw new Error('the last HTTP filter is not terminal');
  return () => terminal.factory.createFilter() as TerminalFilter;
}

function create<Product>(category: string, extension: ExtensionConfig, context: NetworkFilterContext, filterContext: HttpFilterContext): Product {
  const factory = context.registry.get(category, extension.typeName);
  if (factory === undefined) throw new Error(`no ${extension.typeName} on this thread`);
  return factory.createFactory(extension.config, filterContext) as Product;
}

function createProxyStatus(config: ConnectionManagerConfig, context: NetworkFilterContext): ProxyStatus | null {
  const status = config.proxyStatus;
  if (status === null) return null;
  return new ProxyStatus(status, status.name.kind === 'literal' ? status.name.value : status.name.kind === 'node_id' ? context.node.id : config.serverName);
}

function createFilters(filters: readonly HttpFilterConfig[], context: NetworkFilterContext, filterContext: HttpFilterContext): ConfiguredFilter[] {
  return filters.map((filter) => {
    const factory = context.registry.get(HTTP_FILTER_CATEGORY, filter.extension.typeName);
    if (factory === undefined) throw new Error(`no HTTP filter ${filter.extension.typeName} on this thread`);
    return { name: filter.name, disabled: filter.disabled, factory: factory.createFactory(filter.extension.config, filterContext) as HttpFilterFactory };
  });
}

function compileRoutes(config: ConnectionManagerConfig, context: NetworkFilterContext, filterContext: HttpFilterContext): RouteTable {
  if (config.routeConfig === null) throw new Error(`route configuration ${config.rdsName} is not here`);
  return RouteTable.compile(config.routeConfig, {
    names: context.names,
    runtime: context.runtime,
    rootScope: context.rootScope,
    compileMutations: (levels) => context.compileMutations(levels),
    compileFormat: (format) => context.compileFormat(format),
    product: (category, extension) => create(category, extension, context, filterContext),
    formatEnvironment: context.formatEnvironment,
    perFilter: (_name, extension) => {
      const factory = context.registry.get(HTTP_FILTER_ROUTE_CATEGORY, extension.typeName);
      if (factory === undefined) throw new Error(`no per-route configuration ${extension.typeName} on this thread`);
      return factory.createFactory(extension.config, filterContext);
    },
  });
}

function http1Settings(config: ConnectionManagerConfig, scope: StatsScope, countsHeaderBytes: boolean): Http1Settings {
  // One set for all listeners, as in Envoy.
  const below = scope.scope('http1');
  return {
    maxHeadersCount: config.maxHeadersCount,
    maxHeadersBytes: config.maxRequestHeadersKb * 1024,
    allowChunkedLength: config.http1.allowChunkedLength,
    enableTrailers: config.http1.enableTrailers,
    properCaseWords: config.http1.properCaseWords,
    acceptHttp10: config.http1.acceptHttp10,
    allowCustomMethods: config.http1.allowCustomMethods,
    allowAbsoluteUrl: config.http1.allowAbsoluteUrl,
    ignoredUpgrades: config.http1.ignoredUpgrades.map((matcher) => new StringMatcher(matcher)),
    sendsFullUrl: false,
    preserveCase: config.http1.preserveCase,
    countsHeaderBytes,
    underscores: UNDERSCORE_ACTIONS[config.headersWithUnderscores],
    droppedHeadersWithUnderscores: below.counter('dropped_headers_with_underscores'),
    rejectedWithUnderscores: below.counter('requests_rejected_with_underscores_in_headers'),
    onProtocolError: noop,
  };
}

function noop(): void {}
