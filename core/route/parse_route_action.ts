/** What a route does (forward, redirect, answer) to plain data. Thread: main, config time. */
import { durationMs, durationMsOr } from '../api/scalar_values.ts';
import type { RegexMatchAndSubstitute } from '../api/gen/envoy/type/matcher/v3/regex_pb.d.ts';
import type {
  DirectResponseAction, RedirectAction, RouteAction, WeightedCluster, WeightedCluster_ClusterWeight,
} from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import { parseRegex } from '../matcher/parse_matcher.ts';
import { substitutionWarning } from '../matcher/regex.ts';
import { readDataSource } from '../registry/data_source.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import { parseHeaderMutations } from './parse_header_mutations.ts';
import { parsePerFilterConfigs } from './parse_per_filter_config.ts';
import { parsePathRewritePolicy } from './parse_route_match.ts';
import type { DirectResponseConfig, RedirectConfig, RegexRewriteConfig, RouteActionConfig, WeightedClusterConfig } from './route_config.ts';

const DEFAULT_TIMEOUT_MS = 15_000;
const WEIGHT_SUM_MAX = 0xffffffff;
const NOT_FOUND_CODES = [503, 404, 500] as const;
const REDIRECT_CODES = [301, 302, 303, 307, 308] as const;

/** What parsing a route needs to know of its surroundings. */
export interface RouteParseOptions {
  /** Names of known clusters when references are to be checked. */
  readonly clusterNames: ReadonlySet<string> | undefined;
  readonly maxDirectResponseBodyBytes: number;
}

/** `{pattern, substitution}`. */
export function parseRegexRewrite(message: RegexMatchAndSubstitute, context: ParseContext): RegexRewriteConfig | null {
  if (message.pattern === undefined) return null;
  const regex = parseRegex(message.pattern, context);
  const warning = substitutionWarning(regex, message.substitution);
  if (warning !== undefined) context.warn(message, 'substitution', warning);
  return { regex, substitution: message.substitution };
}

/** envoy.config.route.v3.RouteAction. Retries, mirrors, hash policies and rate limits are left unread. */
export function parseRouteAction(message: RouteAction, options: RouteParseOptions, context: ParseContext): RouteActionConfig {
  const rewrites = [message.prefixRewrite !== '', message.regexRewrite !== undefined, message.pathRewritePolicy !== undefined];
  if (rewrites.filter(Boolean).length > 1) context.error(message, undefined, 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy');
  return {
    kind: 'route',
    cluster: parseClusterSpecifier(message, options, context),
    clusterNotFoundResponseCode: NOT_FOUND_CODES[message.clusterNotFoundResponseCode] ?? 503,
    prefixRewrite: message.prefixRewrite,
    regexRewrite: message.regexRewrite === undefined ? null : parseRegexRewrite(message.regexRewrite, context),
    templateRewrite: message.pathRewritePolicy === undefined ? '' : parsePathRewritePolicy(message, message.pathRewritePolicy, context),
    ...parseHostRewrite(message, context),
    appendForwardedHost: message.appendXForwardedHost,
    timeoutMs: durationMsOr(message.timeout, DEFAULT_TIMEOUT_MS),
    idleTimeoutMs: durationMs(message.idleTimeout) ?? -1,
    maxStreamDurationMs: durationMs(message.maxStreamDuration?.maxStreamDuration) ?? -1,
    priority: message.priority === 1 ? 'high' : 'default',
  };
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
  const headerName = message.randomValueSpecifier.case === 'headerName' ? message.randomValueSpecifier.value : '';
  return { kind: 'weighted', clusters, totalWeight, runtimeKeyPrefix: message.runtimeKeyPrefix, headerName };
}

function parseWeightedCluster(message: WeightedCluster_ClusterWeight, options: RouteParseOptions, context: ParseContext): WeightedClusterConfig {
  const name = message.name;
  if (message.clusterHeader !== '') {
    if (name !== '') context.error(message, 'cluster_header', 'Only one of name or cluster_header can be specified');
    else context.refuse(message, 'cluster_header', 'weighted clusters named by a request header');
  } else if (name === '') {
    context.error(message, undefined, 'At least one of name or cluster_header need to be specified');
  } else if (options.clusterNames !== undefined && !options.clusterNames.has(name)) {
    context.error(message, 'name', `route: unknown weighted cluster '${name}'`);
  }
  if (message.weight === undefined) context.error(message, undefined, "Field 'weight' is missing");
  return {
    name,
    weight: message.weight ?? 0,
    requestHeaders: parseHeaderMutations(message, 'request', message.requestHeadersToAdd, message.requestHeadersToRemove, context),
    responseHeaders: parseHeaderMutations(message, 'response', message.responseHeadersToAdd, message.responseHeadersToRemove, context),
    hostRewrite: message.hostRewriteSpecifier.case === 'hostRewriteLiteral' ? message.hostRewriteSpecifier.value : '',
    perFilterConfig: parsePerFilterConfigs(message, message.typedPerFilterConfig, context),
  };
}

type HostRewrite = Pick<RouteActionConfig, 'hostRewriteLiteral' | 'hostRewriteHeader' | 'hostRewritePathRegex' | 'autoHostRewrite'>;

function parseHostRewrite(message: RouteAction, context: ParseContext): HostRewrite {
  const none: HostRewrite = { hostRewriteLiteral: '', hostRewriteHeader: '', hostRewritePathRegex: null, autoHostRewrite: false };
  const specifier = message.hostRewriteSpecifier;
  switch (specifier.case) {
    case 'hostRewriteLiteral':
      return { ...none, hostRewriteLiteral: specifier.value };
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
    path: path.case === 'pathRedirect' ? path.value : '',
    prefixRewrite: path.case === 'prefixRewrite' ? path.value : '',
    regexRewrite: path.case === 'regexRewrite' ? parseRegexRewrite(path.value, context) : null,
    responseCode: REDIRECT_CODES[message.responseCode] ?? 301,
    stripQuery: message.stripQuery,
  };
}

/** envoy.config.route.v3.DirectResponseAction; a body in a file is read now. */
export function parseDirectResponse(message: DirectResponseAction, options: RouteParseOptions, context: ParseContext): DirectResponseConfig {
  const body = message.body === undefined ? new Uint8Array(0) : readDataSource(message.body, message, 'body', context);
  const max = options.maxDirectResponseBodyBytes;
  if (body.length > max) context.error(message, 'body', `response body size is ${body.length} bytes; maximum is ${max}`);
  return { kind: 'direct_response', status: message.status, body };
}
