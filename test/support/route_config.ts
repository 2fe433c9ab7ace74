import { createFormatNeeds } from '../../core/formatter/format_environment.ts';
import type { HeaderMap } from '../../core/headers/header_map.ts';
import { compileFormat } from '../../core/formatter/formatter.ts';
import { HeaderMutator, NO_HEADER_MUTATIONS } from '../../core/headers/header_mutation.ts';
import { HeaderNames } from '../../core/headers/header_names.ts';
import { MatchInput } from '../../core/matcher/match_input.ts';
import type { PathMatcherConfig, RedirectConfig, RouteActionConfig, RouteConfig, RouteEntryConfig, RouteMatchConfig, VirtualHostConfig } from '../../core/route/route_config.ts';
import { DEFAULT_ROUTE_TIMEOUTS } from '../../core/route/route_timeouts.ts';
import type { RouteCompileContext } from '../../core/route/route_entry.ts';
import { RuntimeSnapshot, type RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';
import { StreamInfo } from '../../core/stream_info/stream_info.ts';

/** Builders of route configurations with Envoy's defaults; every argument overrides some. */

export function prefix(value: string): PathMatcherConfig {
  return { kind: 'prefix', value, caseSensitive: true };
}

export function routeMatch(overrides: Partial<RouteMatchConfig> = {}): RouteMatchConfig {
  return { path: prefix('/'), headers: [], queryParameters: [], runtimeFraction: null, grpc: false, cookies: [], tlsContext: null, dynamicMetadata: [], filterState: [], ...overrides };
}

export function routeAction(overrides: Partial<RouteActionConfig> = {}): RouteActionConfig {
  return {
    kind: 'route', cluster: { kind: 'cluster', name: 'c' }, clusterNotFoundResponseCode: 503, prefixRewrite: '', regexRewrite: null,
    templateRewrite: '', hostRewriteLiteral: '', hostRewriteHeader: '', hostRewritePathRegex: null, autoHostRewrite: false, appendForwardedHost: false, ...DEFAULT_ROUTE_TIMEOUTS,
    pathRewriteFormat: '', hostRewriteFormat: '', priority: 'default', upgrades: [], connect: null, hashPolicies: [], mirrorPolicies: [], internalRedirect: null, retries: null, rateLimits: [],
    includesVirtualHostRateLimits: false, ...overrides,
  };
}

export function redirect(overrides: Partial<RedirectConfig> = {}): RedirectConfig {
  return {
    kind: 'redirect', httpsRedirect: false, scheme: '', host: '', port: 0, path: '', prefixRewrite: '', regexRewrite: null, responseCode: 301,
    stripQuery: false, ...overrides,
  };
}

export function routeEntry(overrides: Partial<RouteEntryConfig> = {}): RouteEntryConfig {
  return {
    name: '', match: routeMatch(), action: routeAction(), requestHeaders: NO_HEADER_MUTATIONS, responseHeaders: NO_HEADER_MUTATIONS,
    perFilterConfig: {}, metadata: {}, statPrefix: '', bodyBufferLimit: { bytes: -1, perRequestBytes: -1 }, position: null, ...overrides,
  };
}

export function virtualHost(overrides: Partial<VirtualHostConfig> = {}): VirtualHostConfig {
  return {
    name: 'v', domains: ['*'], routes: [routeEntry()], matcher: null, virtualClusters: [], requireTls: 'none', requestHeaders: NO_HEADER_MUTATIONS, responseHeaders: NO_HEADER_MUTATIONS,
    perFilterConfig: {}, includeRequestAttemptCount: false, includeAttemptCountInResponse: false, includeIsTimeoutRetryHeader: false, rateLimits: [], metadata: {}, position: null, ...overrides,
  };
}

export function routeConfig(overrides: Partial<RouteConfig> = {}): RouteConfig {
  return {
    name: 'r', virtualHosts: [virtualHost()], requestHeaders: NO_HEADER_MUTATIONS, responseHeaders: NO_HEADER_MUTATIONS, internalOnlyHeaders: [],
    mostSpecificHeaderMutationsWins: false, ignorePortInHostMatching: false, ignorePathParameters: false, vhostHeader: '', perFilterConfig: {}, ...overrides,
  };
}

/** A compile context whose formats are constants and whose per-filter products are the configs themselves. */
export function compileContext(names: HeaderNames = new HeaderNames(), runtime: RuntimeValues = {}): RouteCompileContext {
  const formatEnvironment = { names, hostname: '', variables: {}, nowWallMs: () => 0, random: () => 0, needs: createFormatNeeds() };
  return {
    names,
    formatEnvironment,
    runtime: new RuntimeSnapshot(runtime),
    perFilter: (_, extension) => extension.config,
    product: (_, extension) => extension.config,
    compileFormat: (format) => compileFormat(format, formatEnvironment),
    compileMutations: (levels) => new HeaderMutator(levels, names, (format) => ({ formatToString: () => format })),
  };
}

/** A match input around headers; `facts` overrides some of the plain, external, first request's. */
export function matchInput(headers: HeaderMap, facts: Partial<Pick<MatchInput, 'random' | 'isHttps' | 'isInternal'>> & { info?: Partial<StreamInfo> } = {}): MatchInput {
  const { info, ...rest } = facts;
  return Object.assign(new MatchInput(headers, Object.assign(new StreamInfo(), info)), rest);
}
