/** envoy.config.route.v3.RouteConfiguration to plain data. Thread: main, config time. */
import type { Metadata } from '../api/gen/envoy/config/core/v3/base_pb.d.ts';
import type { RouteConfiguration } from '../api/gen/envoy/config/route/v3/route_pb.d.ts';
import type { Route, RouteMatch, VirtualHost } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import { parseHeaderMatcher, parseQueryParameterMatcher, parseRegex } from '../matcher/parse_matcher.ts';
import type { AnyMessage, ParseContext } from '../registry/parse_context.ts';
import { parseRuntimeFraction } from '../runtime/parse_runtime.ts';
import { parseHeaderMutations } from './parse_header_mutations.ts';
import { parseMirrorPolicies } from './parse_mirror_policies.ts';
import { parsePerFilterConfigs } from './parse_per_filter_config.ts';
import { parseRateLimits } from './parse_rate_limits.ts';
import { parseDirectResponse, parseRedirect, parseRouteAction, type RouteParseOptions } from './parse_route_action.ts';
import type { BodyBufferLimitConfig, PathMatcherConfig, RouteConfig, RouteEntryConfig, RouteMatchConfig, VirtualHostConfig } from './route_config.ts';

const DEFAULT_DIRECT_RESPONSE_BODY_BYTES_MAX = 4096;
const NO_LIMIT: BodyBufferLimitConfig = Object.freeze({ bytes: -1, perRequestBytes: -1 });
const REQUIRE_TLS = ['none', 'external_only', 'all'] as const;

/**
 * A whole route configuration. References to clusters are checked when `validate_clusters` says so (`validateClusters` where it
 * says nothing: true for inline tables, false for discovered ones) and the cluster names are known.
 */
export function parseRouteConfig(message: RouteConfiguration, validateClusters: boolean, context: ParseContext): RouteConfig {
  const options: RouteParseOptions = {
    clusterNames: message.validateClusters ?? validateClusters ? context.clusterNames : undefined,
    maxDirectResponseBodyBytes: message.maxDirectResponseBodySizeBytes ?? DEFAULT_DIRECT_RESPONSE_BODY_BYTES_MAX,
    mirrorPolicies: [],
    retryPolicy: undefined,
    bodyBufferLimit: NO_LIMIT,
  };
  const below = { ...options, mirrorPolicies: parseMirrorPolicies(message.requestMirrorPolicies, options.clusterNames, context) };
  if (message.vhds !== undefined) context.refuse(message, 'vhds', 'xDS (virtual host discovery)');
  if (message.clusterSpecifierPlugins.length > 0) context.refuse(message, 'cluster_specifier_plugins', 'cluster specifier plugins');
  if (message.ignorePathParametersInPathMatching) context.refuse(message, 'ignore_path_parameters_in_path_matching', 'ignoring path parameters in path matching');
  checkDomains(message, context);
  return {
    name: message.name,
    virtualHosts: message.virtualHosts.map((virtualHost) => parseVirtualHost(virtualHost, below, context)),
    requestHeaders: parseHeaderMutations(message, 'request', message.requestHeadersToAdd, message.requestHeadersToRemove, context),
    responseHeaders: parseHeaderMutations(message, 'response', message.responseHeadersToAdd, message.responseHeadersToRemove, context),
    internalOnlyHeaders: message.internalOnlyHeaders.map((name) => name.toLowerCase()),
    mostSpecificHeaderMutationsWins: message.mostSpecificHeaderMutationsWins,
    ignorePortInHostMatching: message.ignorePortInHostMatching,
    perFilterConfig: parsePerFilterConfigs(message, message.typedPerFilterConfig as Record<string, AnyMessage>, context),
  };
}

/** Each domain belongs to one virtual host, whatever its case. */
function checkDomains(message: RouteConfiguration, context: ParseContext): void {
  const seen = new Set<string>();
  for (const virtualHost of message.virtualHosts) {
    for (const [index, written] of virtualHost.domains.entries()) {
      const domain = written.toLowerCase();
      if (!seen.has(domain)) {
        seen.add(domain);
        continue;
      }
      context.error(virtualHost, `domains[${index}]`, domain === '*'
        ? `Only a single wildcard domain is permitted in route ${message.name}`
        : `Only unique values for domains are permitted. Duplicate entry of domain ${domain} in route ${message.name}`);
    }
  }
}

function parseVirtualHost(message: VirtualHost, above: RouteParseOptions, context: ParseContext): VirtualHostConfig {
  const options: RouteParseOptions = {
    ...above,
    mirrorPolicies: message.requestMirrorPolicies.length === 0 ? above.mirrorPolicies : parseMirrorPolicies(message.requestMirrorPolicies, above.clusterNames, context),
    retryPolicy: message.retryPolicy,
    bodyBufferLimit: parseBodyBufferLimit(message, NO_LIMIT),
  };
  if (message.matcher !== undefined) context.refuse(message, 'matcher', 'matcher trees for routes');
  return {
    name: message.name,
    domains: [...message.domains],
    routes: message.routes.map((route) => parseRoute(route, options, context)),
    requireTls: REQUIRE_TLS[message.requireTls] ?? 'none',
    requestHeaders: parseHeaderMutations(message, 'request', message.requestHeadersToAdd, message.requestHeadersToRemove, context),
    responseHeaders: parseHeaderMutations(message, 'response', message.responseHeadersToAdd, message.responseHeadersToRemove, context),
    perFilterConfig: parsePerFilterConfigs(message, message.typedPerFilterConfig as Record<string, AnyMessage>, context),
    includeRequestAttemptCount: message.includeRequestAttemptCount,
    includeAttemptCountInResponse: message.includeAttemptCountInResponse,
    rateLimits: parseRateLimits(message.rateLimits, context),
    metadata: parseMetadata(message.metadata),
    position: context.position(message) ?? null,
  };
}

function parseRoute(message: Route, options: RouteParseOptions, context: ParseContext): RouteEntryConfig {
  return {
    name: message.name,
    match: parseRouteMatch(message.match, context),
    action: parseAction(message, options, context),
    requestHeaders: parseHeaderMutations(message, 'request', message.requestHeadersToAdd, message.requestHeadersToRemove, context),
    responseHeaders: parseHeaderMutations(message, 'response', message.responseHeadersToAdd, message.responseHeadersToRemove, context),
    perFilterConfig: parsePerFilterConfigs(message, message.typedPerFilterConfig as Record<string, AnyMessage>, context),
    metadata: parseMetadata(message.metadata),
    statPrefix: message.statPrefix,
    bodyBufferLimit: parseBodyBufferLimit(message, options.bodyBufferLimit),
    position: context.position(message) ?? null,
  };
}

/** The two limits of a route or virtual host, the newer one first; neither: what the level above says. */
function parseBodyBufferLimit(message: Route | VirtualHost, above: BodyBufferLimitConfig): BodyBufferLimitConfig {
  const { requestBodyBufferLimit, perRequestBufferLimitBytes } = message;
  if (requestBodyBufferLimit === undefined && perRequestBufferLimitBytes === undefined) return above;
  return { bytes: requestBodyBufferLimit === undefined ? -1 : Number(requestBodyBufferLimit), perRequestBytes: perRequestBufferLimitBytes ?? -1 };
}

function parseAction(message: Route, options: RouteParseOptions, context: ParseContext): RouteEntryConfig['action'] {
  const action = message.action;
  switch (action.case) {
    case 'route':
      return parseRouteAction(action.value, options, context);
    case 'redirect':
      return parseRedirect(action.value, context);
    case 'directResponse':
      return parseDirectResponse(action.value, options, context);
    case 'filterAction':
      context.refuse(message, 'filter_action', 'filter actions');
      break;
    case 'nonForwardingAction':
      context.consume(message, 'non_forwarding_action');
      break;
    default:
      break;
  }
  return { kind: 'non_forwarding' };
}

function parseRouteMatch(message: RouteMatch | undefined, context: ParseContext): RouteMatchConfig {
  if (message === undefined) return { path: { kind: 'prefix', value: '', caseSensitive: true }, headers: [], queryParameters: [], runtimeFraction: null, grpc: false };
  if (message.tlsContext !== undefined) context.refuse(message, 'tls_context', 'matching routes by client certificate');
  if (message.dynamicMetadata.length > 0) context.refuse(message, 'dynamic_metadata', 'matching routes by dynamic metadata');
  return {
    path: parsePathMatcher(message, context),
    headers: message.headers.map((header) => parseHeaderMatcher(header, context)),
    queryParameters: message.queryParameters.map((parameter) => parseQueryParameterMatcher(parameter, context)),
    runtimeFraction: message.runtimeFraction === undefined ? null : parseRuntimeFraction(message.runtimeFraction),
    grpc: message.grpc !== undefined,
  };
}

function parsePathMatcher(message: RouteMatch, context: ParseContext): PathMatcherConfig {
  const specifier = message.pathSpecifier;
  switch (specifier.case) {
    case 'prefix':
      return { kind: 'prefix', value: specifier.value, caseSensitive: message.caseSensitive ?? true };
    case 'path':
      return { kind: 'path', value: specifier.value, caseSensitive: message.caseSensitive ?? true };
    case 'pathSeparatedPrefix':
      return { kind: 'path_separated_prefix', value: specifier.value, caseSensitive: message.caseSensitive ?? true };
    case 'safeRegex':
      return { kind: 'regex', regex: parseRegex(specifier.value, context) };
    case 'connectMatcher':
      context.consume(message, 'connect_matcher');
      return { kind: 'connect' };
    case 'pathMatchPolicy':
      context.refuse(message, 'path_match_policy', 'path match policies');
      break;
    default:
      break;
  }
  return { kind: 'prefix', value: '', caseSensitive: true };
}

/** Untyped metadata by namespace as JSON values; typed metadata is left unread. */
export function parseMetadata(message: Metadata | undefined): Readonly<Record<string, unknown>> {
  if (message === undefined) return {};
  return JSON.parse(JSON.stringify(message.filterMetadata)) as Record<string, unknown>;
}
