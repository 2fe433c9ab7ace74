import type { LogContext } from '../access_log/access_log.ts';
import { isGrpcRequest } from '../headers/grpc_headers.ts';
import type { BodyFormatConfig } from '../formatter/format_config.ts';
import type { FormatEnvironment } from '../formatter/format_environment.ts';
import type { Formatter } from '../formatter/formatter.ts';
import { latin1 } from '../headers/byte_range.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import type { HeaderMutationsConfig, HeaderMutator } from '../headers/header_mutation.ts';
import { HeaderId, type HeaderNames } from '../headers/header_names.ts';
import { compileHeaderMatchers, type HeaderMatcher } from '../matcher/header_matcher.ts';
import type { MatchInput } from '../matcher/match_input.ts';
import { QueryParameterMatcher } from '../matcher/query_parameter_matcher.ts';
import type { ExtensionConfig } from '../registry/parse_context.ts';
import { MetadataCriteria } from '../upstream/metadata_criteria.ts';
import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import type { StatsScope } from '../stats/stats.ts';
import { type MatchFailure, MatchPredicate, matchFailure, NO_FAILURE } from './match_failure.ts';
import { compileRareMatchers, type RareMatchers } from './rare_matchers.ts';
import { RequestStats, type VirtualCluster } from './request_stats.ts';
import { compileHashPolicy, type HashPolicy } from './hash_policy.ts';
import { InternalRedirectPolicy } from './internal_redirect_policy.ts';
import { compileMirrorPolicies, type MirrorPolicy } from './mirror_policy.ts';
import { compileRateLimits, type RateLimitPolicy } from './rate_limit_policy.ts';
import { redirectLocation, SAME_PLACE, tlsRedirectLocation } from './redirect.ts';
import { compileRewriter, PathMatcher, type PathRewrite, TemplateRewriter } from './path_matcher.ts';
import type { MetadataStructs } from '../stream_info/stream_info.ts';
import { compilePerFilter, type PerFilterProducts } from './per_filter_config.ts';
import { TLS_REDIRECT } from './tls_redirect.ts';
import { WeightedChoice } from './weighted_choice.ts';
import { RetryPolicy } from './retry_policy.ts';
import type { RouteActionConfig, RouteConfig, RouteEntryConfig, VirtualHostConfig, WeightedClusterConfig } from './route_config.ts';

/** What compiling a route table needs of the thread. */
export interface RouteCompileContext {
  readonly names: HeaderNames;
  /** Where virtual clusters and routes count, with an empty prefix; absent: they do not. */
  readonly rootScope?: StatsScope;
  readonly runtime: RuntimeSnapshot;
  /** The product of a filter's per-route factory. */
  perFilter(filterName: string, extension: ExtensionConfig): unknown;
  /** The product of an extension's factory on this thread. */
  product(category: string, extension: ExtensionConfig): unknown;
  compileFormat(config: BodyFormatConfig): Formatter;
  readonly formatEnvironment: FormatEnvironment;
  /** Compiles the levels in the order given. */
  compileMutations(levels: readonly HeaderMutationsConfig[]): HeaderMutator<LogContext>;
}

/** What a route does with a request. */
export const RouteKind = { route: 0, redirect: 1, directResponse: 2 } as const;
export type RouteKind = (typeof RouteKind)[keyof typeof RouteKind];

const KINDS = {
  route: RouteKind.route,
  redirect: RouteKind.redirect,
  direct_response: RouteKind.directResponse,
  // A forwarding route without a cluster: answered as one whose cluster does not exist.
  non_forwarding: RouteKind.route,
} as const;

/** What a route's users may ask of its virtual host; implemented by `VirtualHost`. */
export interface RouteVirtualHost {
  readonly config: VirtualHostConfig;
  readonly name: string;
  readonly includeRequestAttemptCount: boolean;
  readonly includeAttemptCountInResponse: boolean;
  readonly includeIsTimeoutRetryHeader: boolean;
  /** The virtual cluster of a request, null when the virtual host has none. Called before headers are changed for the upstream. */
  virtualCluster(headers: HeaderMap): VirtualCluster | null;
  /** null = none. */
  readonly rateLimits: RateLimitPolicy | null;
}

/** Levels above a route, handed down while compiling. */
export interface RouteParents {
  readonly table: RouteConfig;
  readonly virtualHost: RouteVirtualHost;
  readonly perFilter: PerFilterProducts | null;
}

/**
 * One compiled route, or one weighted cluster of it: what `RouteTable.match` returns. Shared by all streams of the snapshot,
 * unchanging; satisfies `FilterRoute` and `RouteInfo`.
 */
export class RouteEntry {
  readonly config: RouteEntryConfig;
  readonly virtualHost: RouteVirtualHost;
  readonly kind: RouteKind;
  readonly routeName: string;
  readonly virtualHostName: string;
  /** '' for cluster_header (see `resolveClusterName`), redirects and direct responses. */
  readonly clusterName: string;
  /** The weighted cluster that this entry stands for; null for the route itself. */
  readonly weightedCluster: WeightedClusterConfig | null;
  /** The forwarding action; null for other kinds. */
  readonly action: RouteActionConfig | null;
  readonly requestHeaders: HeaderMutator<LogContext>;
  readonly responseHeaders: HeaderMutator<LogContext>;
  /** Milliseconds; 0 = none. */
  readonly timeoutMs: number;
  /** Milliseconds; 0 = off; -1 = the connection manager's. */
  readonly idleTimeoutMs: number;
  /** The route says itself how long its streams may last. */
  readonly hasOwnDuration: boolean;
  readonly isHighPriority: boolean;
  /** See RouteActionConfig. */
  readonly connect: RouteActionConfig['connect'];
  /** 503, 404 or 500. */
  readonly clusterNotFoundResponseCode: number;
  /** Status of a redirect or direct response, else 0. */
  readonly responseCode: number;
  /** Body of a direct response. */
  readonly directBody: Uint8Array;
  readonly statPrefix: string;
  /** Counters of a route with a stat_prefix, shared by its weighted clusters; else null. */
  readonly stats: RequestStats | null;
  /** Whether some level says whether a filter is disabled or configures one: if not, no look-up is needed. */
  readonly hasPerFilterConfig: boolean;

  /** null = none, as for the next four. */
  readonly hashPolicy: HashPolicy | null;
  readonly mirrors: readonly MirrorPolicy[] | null;
  readonly internalRedirect: InternalRedirectPolicy | null;
  readonly retries: RetryPolicy | null;
  /** The route's own; `RouteVirtualHost.rateLimits` count too if it has none or `includesVirtualHostRateLimits`. */
  readonly rateLimits: RateLimitPolicy | null;
  /** What hosts' metadata is to hold; null: nothing. */
  readonly metadataCriteria: MetadataCriteria | null;
  /** Makes a direct response's body. */
  readonly bodyFormat: Formatter | null;

  private readonly path: PathMatcher;
  private readonly headers: readonly HeaderMatcher[];
  private readonly queryParameters: readonly QueryParameterMatcher[];
  private readonly rareMatchers: RareMatchers | null;
  private readonly runtime: RuntimeSnapshot;
  private readonly perFilter: PerFilterProducts | null;
  private readonly rewriter: PathRewrite | null;
  private readonly weightedHostRewrite: string;
  private readonly hostRewrite: string;
  private readonly hostRewriteHeaderId: number;
  private readonly hostRewritePath: PathRewrite | null;
  private readonly appendForwardedHost: boolean;
  private readonly clusterHeaderId: number;
  private readonly weighted: WeightedChoice<RouteEntry> | null;
  private readonly pathFormat: Formatter | null;
  private readonly hostFormat: Formatter | null;

  get metadata(): MetadataStructs {
    return this.config.metadata as MetadataStructs;
  }

  get virtualHostMetadata(): MetadataStructs | undefined {
    return this.virtualHost.config.metadata;
  }

  constructor(config: RouteEntryConfig, parents: RouteParents, context: RouteCompileContext, cluster: WeightedClusterConfig | null) {
    const action = config.action.kind === 'route' ? config.action : null;
    const target = action?.cluster ?? null;
    this.config = config;
    this.virtualHost = parents.virtualHost;
    this.kind = KINDS[config.action.kind];
    this.routeName = config.name;
    this.virtualHostName = parents.virtualHost.name;
    this.clusterName = cluster !== null ? cluster.name : target?.kind === 'cluster' ? target.name : '';
    this.weightedCluster = cluster;
    this.action = action;
    const levels = mutationLevels(config, parents, cluster);
    this.requestHeaders = context.compileMutations(levels.map((level) => level.requestHeaders));
    this.responseHeaders = context.compileMutations(levels.map((level) => level.responseHeaders));
    this.timeoutMs = action?.timeoutMs ?? 0;
    this.idleTimeoutMs = action?.idleTimeoutMs ?? -1;
    this.hasOwnDuration = action !== null && (action.usesStreamDuration || action.maxStreamDurationMs >= 0);
    this.isHighPriority = action?.priority === 'high';
    this.connect = action?.connect ?? null;
    this.clusterNotFoundResponseCode = action?.clusterNotFoundResponseCode ?? 503;
    this.responseCode = config.action.kind === 'redirect' ? config.action.responseCode : config.action.kind === 'direct_response' ? config.action.status : 0;
    this.directBody = config.action.kind === 'direct_response' ? config.action.body : EMPTY;
    this.statPrefix = config.statPrefix;
    this.stats = config.statPrefix === '' || context.rootScope === undefined ? null
      : new RequestStats(context.rootScope.rawScope('vhost').rawScope(parents.virtualHost.name).rawScope('route').rawScope(config.statPrefix));
    this.hashPolicy = compileHashPolicy(action?.hashPolicies ?? [], context.names);
    this.mirrors = compileMirrorPolicies(action?.mirrorPolicies ?? [], context);
    this.internalRedirect = action === null || action.internalRedirect === null ? null : new InternalRedirectPolicy(action.internalRedirect, context);
    this.retries = action === null || action.retries === null ? null : new RetryPolicy(action.retries, context);
    this.rateLimits = compileRateLimits(action?.rateLimits ?? [], context);
    this.metadataCriteria = MetadataCriteria.of(cluster?.metadataMatch, MetadataCriteria.of(action?.metadataMatch, null));
    const bodyFormat = config.action.kind === 'direct_response' ? config.action.bodyFormat : null;
    this.bodyFormat = bodyFormat === null ? null : context.compileFormat(bodyFormat);
    const routePerFilter = compilePerFilter(config.perFilterConfig, parents.perFilter, context);
    this.perFilter = cluster === null ? routePerFilter : compilePerFilter(cluster.perFilterConfig, routePerFilter, context);
    this.hasPerFilterConfig = this.perFilter !== null;
    this.path = new PathMatcher(config.match.path);
    this.headers = compileHeaderMatchers(config.match.headers, context.names);
    this.queryParameters = config.match.queryParameters.map((matcher) => new QueryParameterMatcher(matcher));
    this.rareMatchers = compileRareMatchers(config.match, context.names);
    this.runtime = context.runtime;
    this.rewriter = rewriterOf(config);
    this.weightedHostRewrite = utf8AsLatin1(cluster?.hostRewrite ?? '');
    this.hostRewrite = utf8AsLatin1(action?.hostRewriteLiteral ?? '');
    this.hostRewriteHeaderId = action !== null && action.hostRewriteHeader !== '' ? context.names.intern(action.hostRewriteHeader) : 0;
    this.hostRewritePath = compileRewriter('', action?.hostRewritePathRegex ?? null);
    this.appendForwardedHost = action?.appendForwardedHost ?? false;
    this.pathFormat = compileValue(action?.pathRewriteFormat ?? '', context);
    this.hostFormat = compileValue(action?.hostRewriteFormat ?? '', context);
    const clusterHeader = cluster !== null ? cluster.clusterHeader : target?.kind === 'cluster_header' ? target.header : '';
    this.clusterHeaderId = clusterHeader === '' ? 0 : context.names.intern(clusterHeader);
    this.weighted = cluster === null && target?.kind === 'weighted'
      ? new WeightedChoice(target, target.clusters.map((weighted) => new RouteEntry(config, parents, context, weighted)), this.hashPolicy, context) : null;
  }

  /**
   * The first predicate that a request fails, or 0 when it matches: what live traffic and explanations both ask. The input was
   * prepared by the virtual host; a request without a path (CONNECT) matches `connect` routes only.
   */
  firstFailure(input: MatchInput): MatchFailure {
    const headers = input.headers;
    if (this.path.isConnect ? !input.isConnect : headers.pathLength === 0 || !this.path.matches(headers.bytes, headers.pathOffset, input.pathLength)) return PATH_FAILED;
    return this.firstFailureBeyondPath(input);
  }

  /** The same for a route that the index found: the paths of those with a plain path specifier are known to match. */
  candidateFailure(input: MatchInput): MatchFailure {
    return this.path.isPattern ? this.firstFailure(input) : this.firstFailureBeyondPath(input);
  }

  private firstFailureBeyondPath(input: MatchInput): MatchFailure {
    const { headers } = input;
    const match = this.config.match;
    if (match.runtimeFraction !== null && !this.runtime.featureEnabled(match.runtimeFraction, input.random)) return matchFailure(MatchPredicate.runtimeFraction, 0);
    if (match.grpc && (headers.pathLength === 0 || !isGrpcRequest(headers))) return matchFailure(MatchPredicate.grpc, 0);
    const matchers = this.headers;
    for (let i = 0; i < matchers.length; i++) if (!matchers[i].matches(headers)) return matchFailure(MatchPredicate.headers, i);
    const queryParameters = this.queryParameters;
    for (let i = 0; i < queryParameters.length; i++) {
      if (!queryParameters[i].matches(headers.bytes, headers.pathOffset, headers.pathLength)) return matchFailure(MatchPredicate.queryParameters, i);
    }
    return this.rareMatchers === null ? NO_FAILURE : this.rareMatchers.firstFailure(input);
  }

  /** The entry of the weighted cluster that falls to a request; this entry itself when there are none. Null: no weight is left. */
  pick(input: MatchInput): RouteEntry | null {
    return this.weighted === null ? this : this.weighted.pick(input);
  }

  /** Name of the cluster for this request: `clusterName`, or the value of cluster_header ('' when it is missing). */
  resolveClusterName(headers: HeaderMap): string {
    return this.clusterHeaderId === 0 ? this.clusterName : headers.get(this.clusterHeaderId) ?? '';
  }

  /** prefix_rewrite / regex_rewrite: sets :path, and x-envoy-original-path to what it was if asked to. */
  finalizePath(headers: HeaderMap, setOriginalPath: boolean, context: LogContext | null = null): void {
    if (this.pathFormat !== null && context !== null) {
      this.formatPath(this.pathFormat, headers, setOriginalPath, context);
      return;
    }
    if (this.rewriter === null || headers.pathLength === 0) return;
    const path = latin1(headers.bytes, headers.pathOffset, headers.pathLength);
    const length = pathLengthWithoutQuery(headers);
    if (setOriginalPath) headers.setBytes(HeaderId.envoyOriginalPath, headers.bytes, headers.pathOffset, headers.pathLength);
    headers.setPath(this.rewriter.rewrite(path, this.path.matchedLength(length)));
  }

  /** path_rewrite: an empty result leaves the path as it is. */
  private formatPath(format: Formatter, headers: HeaderMap, setOriginalPath: boolean, context: LogContext): void {
    const path = format.formatToString(context);
    if (path === '' || headers.pathLength === 0) return;
    const query = latin1(headers.bytes, headers.pathOffset, headers.pathLength).slice(pathLengthWithoutQuery(headers));
    if (setOriginalPath) headers.setBytes(HeaderId.envoyOriginalPath, headers.bytes, headers.pathOffset, headers.pathLength);
    headers.setPath(path + query);
  }

  /** host_rewrite_literal, _header, _path_regex and host_rewrite (a format of `context`): sets Host, x-envoy-original-host and, if asked to, x-forwarded-host. */
  finalizeHost(headers: HeaderMap, context: LogContext | null = null): void {
    // A weighted cluster's rewrite leaves no trace of the old host.
    if (this.weightedHostRewrite !== '') headers.set(HeaderId.authority, this.weightedHostRewrite);
    if (this.hostRewrite !== '') {
      this.updateHost(headers, this.hostRewrite);
    } else if (this.hostFormat !== null && context !== null) {
      const host = this.hostFormat.formatToString(context);
      if (host !== '') this.updateHost(headers, host);
    } else if (this.hostRewriteHeaderId !== 0) {
      const value = headers.get(this.hostRewriteHeaderId);
      if (value !== undefined && value !== '') this.updateHost(headers, value);
    } else if (this.hostRewritePath !== null) {
      const length = pathLengthWithoutQuery(headers);
      this.updateHost(headers, this.hostRewritePath.rewrite(latin1(headers.bytes, headers.pathOffset, length), length));
    }
  }

  /** auto_host_rewrite: called by the router when the upstream host is known. */
  autoRewriteHost(headers: HeaderMap, hostname: string): void {
    if (hostname !== '') this.updateHost(headers, hostname);
  }

  /**
   * The Location of a redirect, whose path rewrite is applied to the headers first; that of a direct response with status 201 or
   * 3xx, which points at the request itself; else ''. Allocates.
   */
  redirectLocation(headers: HeaderMap, setOriginalPath: boolean): string {
    if (this.config === TLS_REDIRECT) return tlsRedirectLocation(headers);
    this.finalizePath(headers, setOriginalPath);
    if (this.config.action.kind === 'redirect') return redirectLocation(this.config.action, headers);
    const status = this.responseCode;
    return status === 201 || (status >= 300 && status < 400) ? redirectLocation(SAME_PLACE, headers) : '';
  }

  /** Whether the route allows an upgrade type (lower case), forbids it, or says nothing (undefined). */
  isUpgradeEnabled(type: string): boolean | undefined {
    return this.action?.upgrades.find((upgrade) => upgrade.type === type)?.enabled;
  }

  /** How much of a request body is kept for sending it again, where the connection allows `connectionLimit` bytes (0 = any). */
  bodyLimit(connectionLimit: number): number {
    const { bytes, perRequestBytes } = this.config.bodyBufferLimit;
    if (bytes >= 0) return bytes;
    const allowed = connectionLimit === 0 ? Number.POSITIVE_INFINITY : connectionLimit;
    return perRequestBytes >= 0 ? Math.min(perRequestBytes, allowed) : allowed;
  }

  /** See `FilterRoute`. */
  perFilterConfig(filterName: string): unknown {
    return this.perFilter?.mostSpecific(filterName);
  }

  /** See `FilterRoute`. */
  perFilterConfigs(filterName: string): unknown[] {
    return this.perFilter?.all(filterName) ?? [];
  }

  /** What the most specific level says of a filter: disabled, explicitly enabled, or nothing (undefined). */
  isFilterDisabled(filterName: string): boolean | undefined {
    return this.perFilter?.isDisabled(filterName);
  }

  private updateHost(headers: HeaderMap, host: string): void {
    const old = headers.get(HeaderId.authority) ?? '';
    if (old !== '') {
      headers.set(HeaderId.envoyOriginalHost, old);
      if (this.appendForwardedHost) appendForwardedHost(headers, old);
    }
    headers.set(HeaderId.authority, host);
  }
}

/** Length of the request's path up to `?` or `#`. */
export function pathLengthWithoutQuery(headers: HeaderMap): number {
  const bytes = headers.bytes;
  const start = headers.pathOffset;
  const end = start + headers.pathLength;
  let p = start;
  while (p < end && bytes[p] !== 63 && bytes[p] !== 35) p++;
  return p - start;
}

const EMPTY = new Uint8Array(0);
const PATH_FAILED = matchFailure(MatchPredicate.path, 0);

/** Levels above a route that may mutate headers. */
interface MutationParents {
  readonly table: RouteConfig;
  readonly virtualHost: { readonly config: VirtualHostConfig };
}

/** The levels of header mutations in the order in which they are applied. */
export function mutationLevels(config: RouteEntryConfig, parents: MutationParents, cluster: WeightedClusterConfig | null):
  { requestHeaders: HeaderMutationsConfig; responseHeaders: HeaderMutationsConfig }[] {
  const levels = [config, parents.virtualHost.config, parents.table];
  // Later levels win, so the most specific one goes last when it shall win. A weighted cluster comes first whatever is said.
  if (parents.table.mostSpecificHeaderMutationsWins) levels.reverse();
  return cluster === null ? levels : [cluster, ...levels];
}

function rewriterOf(config: RouteEntryConfig): PathRewrite | null {
  const action = config.action;
  const path = config.match.path;
  if (action.kind === 'route' && action.templateRewrite !== '' && path.kind === 'uri_template') return new TemplateRewriter(path.template, action.templateRewrite);
  return action.kind === 'route' || action.kind === 'redirect' ? compileRewriter(action.prefixRewrite, action.regexRewrite) : null;
}

/** A compiled format of a header-like value, or null when there is none. */
function compileValue(format: string, context: RouteCompileContext): Formatter | null {
  return format === '' ? null : context.compileFormat({ kind: 'text', text: format, contentType: '', omitEmptyValues: true });
}

/** Appends the old host unless it is the last one already. */
function appendForwardedHost(headers: HeaderMap, host: string): void {
  const known = headers.getAll(HeaderId.forwardedHost) ?? '';
  if (known === '') {
    headers.set(HeaderId.forwardedHost, host);
    return;
  }
  const parts = known.split(',').filter((part) => part !== '');
  if (parts.length > 0 && parts[parts.length - 1] !== host) headers.set(HeaderId.forwardedHost, `${known},${host}`);
}

function utf8AsLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}
