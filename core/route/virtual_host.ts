import type { HeaderMap } from '../headers/header_map.ts';
import { NO_HEADER_MUTATIONS } from '../headers/header_mutation.ts';
import { compileMatchTree, type MatchTree } from '../matcher/match_tree.ts';
import type { MatchInput } from '../matcher/match_input.ts';
import { type MatchFailure, NO_FAILURE } from './match_failure.ts';
import { compilePerFilter, type PerFilterProducts } from './per_filter_config.ts';
import type { RouteConfig, RouteEntryConfig, VirtualHostConfig } from './route_config.ts';
import { compileRateLimits, type RateLimitPolicy } from './rate_limit_policy.ts';
import { pathLengthWithoutQuery, RouteEntry, type RouteCompileContext, type RouteVirtualHost } from './route_entry.ts';
import { type VirtualCluster, VirtualClusters } from './request_stats.ts';
import { RouteIndex } from './route_index.ts';
import { TLS_REDIRECT } from './tls_redirect.ts';

const RequireTls = { none: 0, externalOnly: 1, all: 2 } as const;
const REQUIRE_TLS = { none: RequireTls.none, external_only: RequireTls.externalOnly, all: RequireTls.all } as const;

/** One compiled virtual host: its routes in order. */
export class VirtualHost implements RouteVirtualHost {
  readonly config: VirtualHostConfig;
  readonly name: string;
  /** In order; with a matcher tree, those of its leaves. */
  readonly routes: readonly RouteEntry[];
  readonly includeRequestAttemptCount: boolean;
  readonly includeAttemptCountInResponse: boolean;
  readonly includeIsTimeoutRetryHeader: boolean;
  private readonly virtualClusters: VirtualClusters | null;
  private readonly ignoresPathParameters: boolean;
  readonly rateLimits: RateLimitPolicy | null;
  private readonly index: RouteIndex;
  private readonly tree: MatchTree<RouteIndex> | null;
  private readonly requireTls: number;
  private readonly tlsRedirect: RouteEntry | null;

  constructor(config: VirtualHostConfig, table: RouteConfig, tablePerFilter: PerFilterProducts | null, context: RouteCompileContext) {
    this.config = config;
    this.name = config.name;
    this.includeRequestAttemptCount = config.includeRequestAttemptCount;
    this.includeAttemptCountInResponse = config.includeAttemptCountInResponse;
    this.includeIsTimeoutRetryHeader = config.includeIsTimeoutRetryHeader;
    this.rateLimits = compileRateLimits(config.rateLimits, context);
    const perFilter = compilePerFilter(config.perFilterConfig, tablePerFilter, context);
    const parents = { table, virtualHost: this, perFilter };
    const compileRoutes = (routes: readonly RouteEntryConfig[]): RouteEntry[] => routes.map((route) => new RouteEntry(route, parents, context, null));
    const direct = compileRoutes(config.routes);
    const leaves: RouteEntry[] = [];
    this.tree = config.matcher === null ? null : compileMatchTree(config.matcher, {
      names: context.names,
      runtime: context.runtime,
      action: (routes) => {
        const leaf = compileRoutes(routes);
        leaves.push(...leaf);
        return new RouteIndex(leaf);
      },
    });
    this.routes = [...direct, ...leaves];
    this.virtualClusters = config.virtualClusters.length === 0 ? null
      : new VirtualClusters(config.virtualClusters, context.names, context.rootScope?.rawScope('vhost').rawScope(config.name) ?? null);
    this.ignoresPathParameters = table.ignorePathParameters;
    this.index = new RouteIndex(direct);
    this.requireTls = REQUIRE_TLS[config.requireTls];
    this.tlsRedirect = this.requireTls === RequireTls.none ? null : tlsRedirectEntry(this, table, context);
  }

  /** First matching route with its weighted cluster chosen, a redirect to https where TLS is required, or null. */
  match(input: MatchInput): RouteEntry | null {
    if (this.requireTls !== RequireTls.none && this.needsTls(input)) return this.tlsRedirect;
    this.prepare(input);
    const index = this.tree === null ? this.index : this.tree.match(input);
    const route = index === null ? null : index.find(input);
    return route === null ? null : route.pick(input);
  }

  /** See RouteVirtualHost. */
  virtualCluster(headers: HeaderMap): VirtualCluster | null {
    return this.virtualClusters === null ? null : this.virtualClusters.find(headers);
  }

  /** How `match` comes to its answer. Allocates. */
  explain(input: MatchInput): MatchExplanation {
    const tried: TriedRoute[] = [];
    if (this.requireTls !== RequireTls.none && this.needsTls(input)) return { redirectsToTls: true, tried, route: this.tlsRedirect };
    this.prepare(input);
    const index = this.tree === null ? this.index : this.tree.match(input);
    for (const route of index?.routes ?? []) {
      const failure = route.firstFailure(input);
      tried.push({ route, failure });
      if (failure === NO_FAILURE) return { redirectsToTls: false, tried, route: route.pick(input) };
    }
    return { redirectsToTls: false, tried, route: null };
  }

  private prepare(input: MatchInput): void {
    const length = pathLengthWithoutQuery(input.headers);
    input.pathLength = this.ignoresPathParameters ? lengthWithoutParameters(input.headers, length) : length;
    input.isConnect = isConnectMethod(input.headers);
  }

  private needsTls(input: MatchInput): boolean {
    return !input.isHttps && (this.requireTls === RequireTls.all || !input.isInternal);
  }
}

/** A route that was asked, and the first predicate that failed (0: none). */
export interface TriedRoute {
  readonly route: RouteEntry;
  readonly failure: MatchFailure;
}

/** How a virtual host comes to its answer. */
export interface MatchExplanation {
  /** require_tls answered before any route was asked. */
  readonly redirectsToTls: boolean;
  /** The routes asked, in order (with a matcher tree those of the leaf it leads to); only the last one can have matched. */
  readonly tried: readonly TriedRoute[];
  /** What `match` returns: of a route with weighted clusters, the cluster chosen. */
  readonly route: RouteEntry | null;
}

/** Length of the path up to the first `;`, at most `length`. */
function lengthWithoutParameters(headers: HeaderMap, length: number): number {
  for (let i = 0; i < length; i++) if (headers.bytes[headers.pathOffset + i] === SEMICOLON) return i;
  return length;
}

const SEMICOLON = 59;

/** The redirect that require_tls answers with: no header mutations, no per-filter configuration. */
function tlsRedirectEntry(virtualHost: VirtualHost, table: RouteConfig, context: RouteCompileContext): RouteEntry {
  const noMutations = { requestHeaders: NO_HEADER_MUTATIONS, responseHeaders: NO_HEADER_MUTATIONS };
  const bare = {
    config: { ...virtualHost.config, ...noMutations },
    name: virtualHost.name,
    includeRequestAttemptCount: false,
    includeAttemptCountInResponse: false,
    includeIsTimeoutRetryHeader: false,
    virtualCluster: () => null,
    rateLimits: null,
  };
  return new RouteEntry(TLS_REDIRECT, { table: { ...table, ...noMutations }, virtualHost: bare, perFilter: null }, context, null);
}

function isConnectMethod(headers: HeaderMap): boolean {
  if (headers.methodLength !== CONNECT.length) return false;
  for (let i = 0; i < CONNECT.length; i++) if (headers.bytes[headers.methodOffset + i] !== CONNECT[i]) return false;
  return true;
}

const CONNECT = new Uint8Array(Buffer.from('CONNECT'));
