/** envoy.config.route.v3.RouteConfiguration to plain data. Thread: main, config time. */
import type { MetadataStructs } from '../stream_info/stream_info.ts';
import type { RouteConfiguration } from '../api/gen/envoy/config/route/v3/route_pb.d.ts';
import type { Route, RouteList, VirtualCluster, VirtualHost } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import type { MatchInputConfig } from '../matcher/match_tree_config.ts';
import { parseHeaderMatcher } from '../matcher/parse_matcher.ts';
import { type MatchTreeOptions, parseMatchTree } from '../matcher/parse_match_tree.ts';
import type { AnyMessage, ParseContext } from '../registry/parse_context.ts';
import { parseHeaderMutations } from './parse_header_mutations.ts';
import { parseMetadata } from './parse_metadata.ts';
import { parseMirrorPolicies } from './parse_mirror_policies.ts';
import { parsePerFilterConfigs } from './parse_per_filter_config.ts';
import { parseRouteMatch } from './parse_route_match.ts';
import { parseRateLimits } from './parse_rate_limits.ts';
import { parseRetryPolicy } from './parse_retry_policy.ts';
import { parseDirectResponse, parseRedirect, parseRouteAction, type RouteParseOptions } from './parse_route_action.ts';
import type { BodyBufferLimitConfig, RouteConfig, RouteEntryConfig, VirtualClusterConfig, VirtualHostConfig } from './route_config.ts';
import { bindRewrite } from './uri_template.ts';

const DEFAULT_DIRECT_RESPONSE_BODY_BYTES_MAX = 4096;
/** What may stand at a leaf of a virtual host's matcher tree, and what it may look at. */
const ROUTE = 'envoy.config.route.v3.Route';
const ROUTE_LIST = 'envoy.config.route.v3.RouteList';
const TREE_INPUTS = new Set<MatchInputConfig['kind']>(['request_header', 'filter_state']);
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
    times: { retryPolicy: undefined, hedgePolicy: undefined },
    retries: null,
    bodyBufferLimit: NO_LIMIT,
  };
  const below = { ...options, mirrorPolicies: parseMirrorPolicies(message.requestMirrorPolicies, options.clusterNames, context) };
  if (message.vhds !== undefined) context.refuse(message, 'vhds', 'xDS (virtual host discovery)');
  if (message.clusterSpecifierPlugins.length > 0) context.refuse(message, 'cluster_specifier_plugins', 'cluster specifier plugins');
  checkDomains(message, context);
  return {
    name: message.name,
    virtualHosts: message.virtualHosts.map((virtualHost) => parseVirtualHost(virtualHost, below, context)),
    requestHeaders: parseHeaderMutations(message, 'request', message.requestHeadersToAdd, message.requestHeadersToRemove, context),
    responseHeaders: parseHeaderMutations(message, 'response', message.responseHeadersToAdd, message.responseHeadersToRemove, context),
    internalOnlyHeaders: message.internalOnlyHeaders.map((name) => name.toLowerCase()),
    mostSpecificHeaderMutationsWins: message.mostSpecificHeaderMutationsWins,
    ignorePortInHostMatching: message.ignorePortInHostMatching,
    ignorePathParameters: message.ignorePathParametersInPathMatching,
    vhostHeader: message.vhostHeader.toLowerCase(),
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
    times: { retryPolicy: message.retryPolicy, hedgePolicy: message.hedgePolicy },
    retries: parseRetryPolicy(message, context),
    bodyBufferLimit: parseBodyBufferLimit(message, NO_LIMIT),
  };
  if (message.matcher !== undefined && message.routes.length > 0) context.error(message, 'matcher', 'cannot set both matcher and routes on virtual host');
  return {
    name: message.name,
    domains: [...message.domains],
    routes: message.routes.map((route) => parseRoute(route, options, context)),
    matcher: message.matcher === undefined ? null : parseMatchTree(message.matcher, routeTreeOptions(options, context), context),
    virtualClusters: message.virtualClusters.map((cluster) => parseVirtualCluster(cluster, context)),
    requireTls: REQUIRE_TLS[message.requireTls] ?? 'none',
    ...(message.metadata === undefined ? {} : { metadata: parseMetadata(message.metadata) as MetadataStructs }),
    requestHeaders: parseHeaderMutations(message, 'request', message.requestHeadersToAdd, message.requestHeadersToRemove, context),
    responseHeaders: parseHeaderMutations(message, 'response', message.responseHeadersToAdd, message.responseHeadersToRemove, context),
    perFilterConfig: parsePerFilterConfigs(message, message.typedPerFilterConfig as Record<string, AnyMessage>, context),
    includeRequestAttemptCount: message.includeRequestAttemptCount,
    includeAttemptCountInResponse: message.includeAttemptCountInResponse,
    includeIsTimeoutRetryHeader: message.includeIsTimeoutRetryHeader,
    rateLimits: parseRateLimits(message.rateLimits, context),
    position: context.position(message) ?? null,
  };
}

function parseVirtualCluster(message: VirtualCluster, context: ParseContext): VirtualClusterConfig {
  if (message.headers.length === 0) context.error(message, 'headers', "virtual clusters must define 'headers'");
  return { name: message.name, headers: message.headers.map((header) => parseHeaderMatcher(header, context)) };
}

/** Leaves of a matcher tree: a route or a list of them, whose clusters are not checked (as in Envoy). */
function routeTreeOptions(options: RouteParseOptions, context: ParseContext): MatchTreeOptions<readonly RouteEntryConfig[]> {
  const unchecked = { ...options, clusterNames: undefined };
  return {
    inputs: TREE_INPUTS,
    unsupported: (typeName) => `Route table can only match on request headers, saw type.googleapis.com/${typeName}`,
    actionTypes: [ROUTE, ROUTE_LIST],
    action: ({ typeName, message }) =>
      typeName === ROUTE ? [parseRoute(message as Route, unchecked, context)] : (message as RouteList).routes.map((route) => parseRoute(route, unchecked, context)),
  };
}

function parseRoute(message: Route, options: RouteParseOptions, context: ParseContext): RouteEntryConfig {
  const match = parseRouteMatch(message.match, context);
  const action = parseAction(message, options, context);
  checkTemplateRewrite(message, match, action, context);
  return {
    name: message.name,
    match,
    action,
    requestHeaders: parseHeaderMutations(message, 'request', message.requestHeadersToAdd, message.requestHeadersToRemove, context),
    responseHeaders: parseHeaderMutations(message, 'response', message.responseHeadersToAdd, message.responseHeadersToRemove, context),
    perFilterConfig: parsePerFilterConfigs(message, message.typedPerFilterConfig as Record<string, AnyMessage>, context),
    metadata: parseMetadata(message.metadata),
    statPrefix: message.statPrefix,
    bodyBufferLimit: parseBodyBufferLimit(message, options.bodyBufferLimit),
    position: context.position(message) ?? null,
  };
}

/** A rewrite by URI template needs a match by one, and only its variables, and no prefix_rewrite beside it. */
function checkTemplateRewrite(message: Route, match: RouteEntryConfig['match'], action: RouteEntryConfig['action'], context: ParseContext): void {
  if (match.path.kind === 'uri_template' && action.kind === 'route' && action.prefixRewrite !== '') {
    context.error(message.action.value ?? message, 'prefix_rewrite', 'Cannot use prefix_rewrite with matcher extension');
  }
  if (action.kind !== 'route' || action.templateRewrite === '' || message.action.case !== 'route') return;
  const report = (text: string): void => context.error(message.action.value ?? message, 'path_rewrite_policy', text);
  const path = match.path;
  if (path.kind !== 'uri_template') {
    report('unable to use envoy.path.rewrite.uri_template.uri_template_rewriter extension without envoy.path.match.uri_template.uri_template_matcher extension');
  } else if (bindRewrite(action.templateRewrite, path.template) === null) {
    report(`mismatch between variables in path_match_policy ${path.template} and path_rewrite_policy ${action.templateRewrite}`);
  }
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

