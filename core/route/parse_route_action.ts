/** What a route does (forward, redirect, answer) to plain data. Thread: main, config time. */
import type {
  DirectResponseAction, RedirectAction, RouteAction, RouteAction_UpgradeConfig, WeightedCluster, WeightedCluster_ClusterWeight,
} from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import { checkTextFormat, parseFormat } from '../formatter/parse_format.ts';
import { readDataSource } from '../registry/data_source.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import type { MirrorPolicyConfig } from './mirror_policy.ts';
import { parseHashPolicies } from './parse_hash_policy.ts';
import { parseHeaderMutations } from './parse_header_mutations.ts';
import { parseInternalRedirect } from './parse_internal_redirect.ts';
import { parseMetadataMatch } from './parse_metadata.ts';
import { parseMirrorPolicies } from './parse_mirror_policies.ts';
import { parsePerFilterConfigs } from './parse_per_filter_config.ts';
import { parsePathRewritePolicy } from './parse_route_match.ts';
import { parseRateLimits } from './parse_rate_limits.ts';
import { parseRetryPolicy } from './parse_retry_policy.ts';
import { parseRegexRewrite } from './parse_regex_rewrite.ts';
import { parseRouteTimeouts, type VirtualHostTimes } from './route_timeouts.ts';
import type { RetryPolicyConfig } from './retry_policy.ts';
import type { BodyBufferLimitConfig, DirectResponseConfig, RedirectConfig, RouteActionConfig, WeightedClusterConfig } from './route_config.ts';

const WEIGHT_SUM_MAX = 0xffffffff;
const NOT_FOUND_CODES = [503, 404, 500] as const;
const REDIRECT_CODES = [301, 302, 303, 307, 308] as const;

/** What parsing a route needs to know of its surroundings. */
export interface RouteParseOptions {
  /** Names of known clusters when references are to be checked. */
  readonly clusterNames: ReadonlySet<string> | undefined;
  readonly maxDirectResponseBodyBytes: number;
  /** What a route takes over from the levels above when it says nothing. */
  readonly mirrorPolicies: readonly MirrorPolicyConfig[];
  readonly times: VirtualHostTimes;
  readonly retries: RetryPolicyConfig | null;
  readonly bodyBufferLimit: BodyBufferLimitConfig;
}

/** envoy.config.route.v3.RouteAction. A retry policy of the route replaces its virtual host's as a whole. */
export function parseRouteAction(message: RouteAction, options: RouteParseOptions, context: ParseContext): RouteActionConfig {
  const rewrites = [message.prefixRewrite !== '', message.regexRewrite !== undefined, message.pathRewritePolicy !== undefined, message.pathRewrite !== ''];
  if (rewrites.filter(Boolean).length > 1) context.error(message, undefined, 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy');
  return {
    kind: 'route',
    cluster: parseClusterSpecifier(message, options, context),
    clusterNotFoundResponseCode: NOT_FOUND_CODES[message.clusterNotFoundResponseCode] ?? 503,
    prefixRewrite: message.prefixRewrite,
    regexRewrite: message.regexRewrite === undefined ? null : parseRegexRewrite(message.regexRewrite, context),
    templateRewrite: message.pathRewritePolicy === undefined ? '' : parsePathRewritePolicy(message, message.pathRewritePolicy, context),
    pathRewriteFormat: checkedFormat(message.pathRewrite, message, 'path_rewrite', context),
    ...parseHostRewrite(message, context),
    appendForwardedHost: message.appendXForwardedHost,
    ...parseRouteTimeouts(message, options.times, context),
    priority: message.priority === 1 ? 'high' : 'default',
    ...parseMetadataMatch(message.metadataMatch),
    ...parseUpgrades(message.upgradeConfigs, context),
    hashPolicies: parseHashPolicies(message.hashPolicy, context),
    mirrorPolicies: message.requestMirrorPolicies.length === 0 ? options.mirrorPolicies : parseMirrorPolicies(message.requestMirrorPolicies, options.clusterNames, context),
    internalRedirect: parseInternalRedirect(message, context),
    retries: parseRetryPolicy(message, context) ?? options.retries,
    rateLimits: parseRateLimits(message.rateLimits, context),
    includesVirtualHostRateLimits: message.includeVhRateLimits ?? false,
  };
}

function parseUpgrades(messages: readonly RouteAction_UpgradeConfig[], context: ParseContext): Pick<RouteActionConfig, 'upgrades' | 'connect'> {
  const upgrades: { type: string; enabled: boolean }[] = [];
  let connect: RouteActionConfig['connect'] = null;
  for (const message of messages) {
    const type = message.upgradeType.toLowerCase();
    if (upgrades.some((upgrade) => upgrade.type === type)) context.error(message, 'upgrade_type', `Duplicate upgrade ${message.upgradeType}`);
    upgrades.push({ type, enabled: message.enabled ?? true });
    const config = message.connectConfig;
    if (config === undefined) continue;
    if (type === 'connect') {
      if (config.proxyProtocolConfig !== undefined) context.refuse(config, 'proxy_protocol_config', 'the PROXY protocol to upstreams');
      connect = { allowPost: config.allowPost };
    } else if (type === 'connect-udp') {
      context.refuse(message, 'connect_config', 'CONNECT-UDP');
    } else {
      context.error(message, 'connect_config', `Non-CONNECT upgrade type ${message.upgradeType} has ConnectConfig`);
    }
  }
  return { upgrades, connect };
}

function checkedFormat(format: string, holder: object, field: string, context: ParseContext): string {
  checkTextFormat(format, holder, field, context);
  return format;
}

function parseClusterSpecifier(message: RouteAction, options: RouteParseOptions, context: ParseContext): RouteActionConfig['cluster'] {
  const specifier = message.clusterSpecifier;
  switch (specifier.case) {
    case 'cluster': {
      const name = specifier.value;
      if (options.clusterNames !== undefined && !options.clusterNames.has(name)) context.error(message, 'cluster', `route: unknown cluster '${name}'`);
      return { kind: 'cluster', name };
    }
    case 'clusterHeader':
      return { kind: 'cluster_header', header: specifier.value.toLowerCase() };
    case 'weightedClusters':
      return parseWeightedClusters(specifier.value, options, context);
    case 'clusterSpecifierPlugin':
    case 'inlineClusterSpecifierPlugin':
      context.refuse(message, specifier.case === 'clusterSpecifierPlugin' ? 'cluster_specifier_plugin' : 'inline_cluster_specifier_plugin', 'cluster specifier plugins');
      break;
    default:
      break;
  }
  return { kind: 'cluster', name: '' };
}

function parseWeightedClusters(message: WeightedCluster, options: RouteParseOptions, context: ParseContext): RouteActionConfig['cluster'] {
  const clusters = message.clusters.map((cluster) => parseWeightedCluster(cluster, options, context));
  const totalWeight = clusters.reduce((sum, cluster) => sum + cluster.weight, 0);
  if (totalWeight === 0 && clusters.length > 0) context.error(message, undefined, 'Sum of weights in the weighted_cluster must be greater than 0.');
  if (totalWeight > WEIGHT_SUM_MAX) context.error(message, 'clusters', `The sum of weights of all weighted clusters of a route exceeds ${WEIGHT_SUM_MAX}`);
  // Deprecated and without effect in Envoy too: the weights are summed up.
  if (message.totalWeight !== undefined) context.warn(message, 'total_weight', 'is not looked at: the total is the sum of the weights');
  const chosenBy = message.randomValueSpecifier;
  return {
    kind: 'weighted', clusters, totalWeight, runtimeKeyPrefix: message.runtimeKeyPrefix,
    headerName: chosenBy.case === 'headerName' ? chosenBy.value.toLowerCase() : '',
    // A wrapper within a oneof is not unwrapped.
    usesHashPolicy: chosenBy.case === 'useHashPolicy' && chosenBy.value.value,
  };
}

function parseWeightedCluster(message: WeightedCluster_ClusterWeight, options: RouteParseOptions, context: ParseContext): WeightedClusterConfig {
  const name = message.name;
  if (message.clusterHeader !== '') {
    if (name !== '') context.error(message, 'cluster_header', 'Only one of name or cluster_header can be specified');
  } else if (name === '') {
    context.error(message, undefined, 'At least one of name or cluster_header need to be specified');
  } else if (options.clusterNames !== undefined && !options.clusterNames.has(name)) {
    context.error(message, 'name', `route: unknown weighted cluster '${name}'`);
  }
  if (message.weight === undefined) context.error(message, undefined, "Field 'weight' is missing");
  return {
    name,
    clusterHeader: message.clusterHeader.toLowerCase(),
    weight: message.weight ?? 0,
    requestHeaders: parseHeaderMutations(message, 'request', message.requestHeadersToAdd, message.requestHeadersToRemove, context),
    responseHeaders: parseHeaderMutations(message, 'response', message.responseHeadersToAdd, message.responseHeadersToRemove, context),
    hostRewrite: message.hostRewriteSpecifier.case === 'hostRewriteLiteral' ? message.hostRewriteSpecifier.value : '',
    perFilterConfig: parsePerFilterConfigs(message, message.typedPerFilterConfig, context),
    ...parseMetadataMatch(message.metadataMatch),
  };
}

type HostRewrite = Pick<RouteActionConfig, 'hostRewriteFormat' | 'hostRewriteLiteral' | 'hostRewriteHeader' | 'hostRewritePathRegex' | 'autoHostRewrite'>;

function parseHostRewrite(message: RouteAction, context: ParseContext): HostRewrite {
  const none: HostRewrite = { hostRewriteFormat: '', hostRewriteLiteral: '', hostRewriteHeader: '', hostRewritePathRegex: null, autoHostRewrite: false };
  const specifier = message.hostRewriteSpecifier;
  switch (specifier.case) {
    case 'hostRewriteLiteral':
      return { ...none, hostRewriteLiteral: specifier.value };
    case 'hostRewrite':
      return { ...none, hostRewriteFormat: checkedFormat(specifier.value, message, 'host_rewrite', context) };
    case 'hostRewriteHeader':
      return { ...none, hostRewriteHeader: specifier.value.toLowerCase() };
    case 'hostRewritePathRegex':
      return { ...none, hostRewritePathRegex: parseRegexRewrite(specifier.value, context) };
    case 'autoHostRewrite':
      // A wrapper within a oneof: the only place where one is not unwrapped.
      return { ...none, autoHostRewrite: specifier.value.value };
    default:
      return none;
  }
}

/** envoy.config.route.v3.RedirectAction. */
export function parseRedirect(message: RedirectAction, context: ParseContext): RedirectConfig {
  const scheme = message.schemeRewriteSpecifier;
  const path = message.pathRewriteSpecifier;
  return {
    kind: 'redirect',
    httpsRedirect: scheme.case === 'httpsRedirect' && scheme.value,
    scheme: scheme.case === 'schemeRedirect' ? scheme.value : '',
    host: message.hostRedirect,
    port: message.portRedirect,
    path: path.case === 'pathRedirect' ? absolutePath(path.value) : '',
    prefixRewrite: path.case === 'prefixRewrite' ? path.value : '',
    regexRewrite: path.case === 'regexRewrite' ? parseRegexRewrite(path.value, context) : null,
    responseCode: REDIRECT_CODES[message.responseCode] ?? 301,
    stripQuery: message.stripQuery,
  };
}

function absolutePath(path: string): string {
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}

/** envoy.config.route.v3.DirectResponseAction; a body in a file is read now. */
export function parseDirectResponse(message: DirectResponseAction, options: RouteParseOptions, context: ParseContext): DirectResponseConfig {
  const body = message.body === undefined ? new Uint8Array(0) : readDataSource(message.body, message, 'body', context);
  const max = options.maxDirectResponseBodyBytes;
  if (body.length > max) context.error(message, 'body', `response body size is ${body.length} bytes; maximum is ${max}`);
  const bodyFormat = message.bodyFormat === undefined ? null : parseFormat(message.bodyFormat, context);
  if (message.bodyFormat !== undefined && message.bodyFormat.contentType !== '') {
    context.warn(message.bodyFormat, 'content_type', 'has no effect on direct responses: add a content-type with response_headers_to_add');
  }
  return { kind: 'direct_response', status: message.status, body, bodyFormat };
}
