/** A route configuration as plain frozen data (envoy.config.route.v3). Strings that reach a peer were checked at parse time. */
import type {
  CookieMatcherConfig, FilterStateMatcherConfig, HeaderMatcherConfig, MetadataMatcherConfig, QueryParameterMatcherConfig, TlsContextMatcherConfig,
} from '../matcher/matcher_config.ts';
import type { MatchTreeConfig } from '../matcher/match_tree_config.ts';
import type { MetadataStructs } from '../stream_info/stream_info.ts';
import type { RuntimeFraction } from '../runtime/runtime_snapshot.ts';
import type { HeaderMutationsConfig } from '../headers/header_mutation.ts';
import type { BodyFormatConfig } from '../formatter/format_config.ts';
import type { ConfigPosition, ExtensionConfig } from '../registry/parse_context.ts';
import type { HashPolicyConfig } from './hash_policy_config.ts';
import type { InternalRedirectConfig } from './internal_redirect_policy.ts';
import type { MirrorPolicyConfig } from './mirror_policy.ts';
import type { RateLimitConfig } from './rate_limit_config.ts';
import type { RegexRewriteConfig } from './regex_rewrite.ts';
import type { RetryPolicyConfig } from './retry_policy.ts';
import type { RouteTimeoutsConfig } from './route_timeouts.ts';

export type PathMatcherConfig =
  | { readonly kind: 'prefix' | 'path' | 'path_separated_prefix'; readonly value: string; readonly caseSensitive: boolean }
  | { readonly kind: 'regex'; readonly regex: string }
  | { readonly kind: 'connect' }
  | { readonly kind: 'uri_template'; readonly template: string };

export interface RouteMatchConfig {
  readonly path: PathMatcherConfig;
  readonly headers: readonly HeaderMatcherConfig[];
  readonly queryParameters: readonly QueryParameterMatcherConfig[];
  readonly runtimeFraction: RuntimeFraction | null;
  readonly grpc: boolean;
  readonly cookies: readonly CookieMatcherConfig[];
  readonly tlsContext: TlsContextMatcherConfig | null;
  readonly dynamicMetadata: readonly MetadataMatcherConfig[];
  readonly filterState: readonly FilterStateMatcherConfig[];
}

export interface WeightedClusterConfig {
  /** '' with `clusterHeader`. */
  readonly name: string;
  /** Request header that names the cluster, lower case; '' = none. */
  readonly clusterHeader: string;
  readonly weight: number;
  readonly requestHeaders: HeaderMutationsConfig;
  readonly responseHeaders: HeaderMutationsConfig;
  readonly hostRewrite: string;
  readonly perFilterConfig: PerFilterConfigs;
  /** What its hosts' metadata is to hold, by namespace, besides what the route says; absent: nothing. */
  readonly metadataMatch?: Readonly<Record<string, unknown>>;
}

export interface RouteActionConfig extends RouteTimeoutsConfig {
  readonly kind: 'route';
  readonly cluster: { readonly kind: 'cluster'; readonly name: string } | { readonly kind: 'cluster_header'; readonly header: string }
    | { readonly kind: 'weighted'; readonly clusters: readonly WeightedClusterConfig[]; readonly totalWeight: number; readonly runtimeKeyPrefix: string;
      /** Request header whose number chooses instead of chance; '' = none. */
      readonly headerName: string;
      /** The hash of `hashPolicies` chooses instead of chance. */
      readonly usesHashPolicy: boolean };
  /** 503, 404 or 500. */
  readonly clusterNotFoundResponseCode: number;
  readonly prefixRewrite: string;
  readonly regexRewrite: RegexRewriteConfig | null;
  /** path_template_rewrite of a route whose path is a URI template; '' = none. */
  readonly templateRewrite: string;
  /** Substitution format of the whole new path; '' = none. */
  readonly pathRewriteFormat: string;
  /** Substitution format of the new host; '' = none. */
  readonly hostRewriteFormat: string;
  readonly hostRewriteLiteral: string;
  readonly hostRewriteHeader: string;
  /** Makes the host from the path (without query). */
  readonly hostRewritePathRegex: RegexRewriteConfig | null;
  readonly autoHostRewrite: boolean;
  readonly appendForwardedHost: boolean;
  readonly priority: 'default' | 'high';
  /** What the metadata of hosts is to hold, by namespace; absent: nothing. */
  readonly metadataMatch?: Readonly<Record<string, unknown>>;
  /** Upgrade types that the route allows or forbids whatever the connection manager says; types in lower case. */
  readonly upgrades: readonly { readonly type: string; readonly enabled: boolean }[];
  /** CONNECT (and, if allowed, POST) requests end here and go to the upstream as plain TCP; null = they are forwarded. */
  readonly connect: { readonly allowPost: boolean } | null;
  readonly hashPolicies: readonly HashPolicyConfig[];
  /** The route's own, else its virtual host's, else the table's. */
  readonly mirrorPolicies: readonly MirrorPolicyConfig[];
  readonly internalRedirect: InternalRedirectConfig | null;
  /** The route's own, else its virtual host's; null = none. */
  readonly retries: RetryPolicyConfig | null;
  readonly rateLimits: readonly RateLimitConfig[];
  /** Whether the virtual host's rate limits count too although the route has some. */
  readonly includesVirtualHostRateLimits: boolean;
}

export interface RedirectConfig {
  readonly kind: 'redirect';
  readonly httpsRedirect: boolean;
  /** '' = keep. */
  readonly scheme: string;
  readonly host: string;
  /** 0 = keep. */
  readonly port: number;
  /** Whole new path, '' = none. */
  readonly path: string;
  readonly prefixRewrite: string;
  readonly regexRewrite: RegexRewriteConfig | null;
  readonly responseCode: 301 | 302 | 303 | 307 | 308;
  readonly stripQuery: boolean;
}

export interface DirectResponseConfig {
  readonly kind: 'direct_response';
  readonly status: number;
  /** UTF-8 text or binary as Latin-1; already read from a file if it was one. */
  readonly body: Uint8Array;
  /** Makes the body anew from each request; null = `body` as it is. */
  readonly bodyFormat: BodyFormatConfig | null;
}

/** Per-filter configs of one level, by filter name. */
export interface PerFilterConfigs {
  readonly [filterName: string]: PerFilterConfig;
}

export interface PerFilterConfig {
  readonly disabled: boolean;
  readonly extension: ExtensionConfig | null;
}

export interface RouteEntryConfig {
  readonly name: string;
  readonly match: RouteMatchConfig;
  readonly action: RouteActionConfig | RedirectConfig | DirectResponseConfig | { readonly kind: 'non_forwarding' };
  readonly requestHeaders: HeaderMutationsConfig;
  readonly responseHeaders: HeaderMutationsConfig;
  readonly perFilterConfig: PerFilterConfigs;
  /** Untyped metadata by namespace (JSON values). */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly statPrefix: string;
  readonly bodyBufferLimit: BodyBufferLimitConfig;
  readonly position: ConfigPosition | null;
}

/** envoy.config.route.v3.VirtualCluster. */
export interface VirtualClusterConfig {
  readonly name: string;
  /** All must match. */
  readonly headers: readonly HeaderMatcherConfig[];
}

/** How much of a request body is kept for sending it again. Bytes; -1 = not said. */
export interface BodyBufferLimitConfig {
  /** request_body_buffer_limit: counts whatever the connection allows. */
  readonly bytes: number;
  /** per_request_buffer_limit_bytes: no more than the connection's limit. */
  readonly perRequestBytes: number;
}

export interface VirtualHostConfig {
  readonly name: string;
  /** As written; matching is lower-case. */
  readonly domains: readonly string[];
  readonly routes: readonly RouteEntryConfig[];
  /** Instead of `routes`: a tree whose leaves are lists of routes. */
  readonly matcher: MatchTreeConfig<readonly RouteEntryConfig[]> | null;
  readonly virtualClusters: readonly VirtualClusterConfig[];
  readonly requireTls: 'none' | 'external_only' | 'all';
  /** Untyped metadata by namespace; absent if none. */
  readonly metadata?: MetadataStructs | undefined;
  readonly requestHeaders: HeaderMutationsConfig;
  readonly responseHeaders: HeaderMutationsConfig;
  readonly perFilterConfig: PerFilterConfigs;
  readonly includeRequestAttemptCount: boolean;
  readonly includeAttemptCountInResponse: boolean;
  /** x-envoy-is-timeout-retry goes upstream. */
  readonly includeIsTimeoutRetryHeader: boolean;
  readonly rateLimits: readonly RateLimitConfig[];
  readonly position: ConfigPosition | null;
}

export interface RouteConfig {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHostConfig[];
  readonly requestHeaders: HeaderMutationsConfig;
  readonly responseHeaders: HeaderMutationsConfig;
  readonly internalOnlyHeaders: readonly string[];
  readonly mostSpecificHeaderMutationsWins: boolean;
  readonly ignorePortInHostMatching: boolean;
  /** Path matchers see the path up to the first `;`. */
  readonly ignorePathParameters: boolean;
  /** Lower-case name of the header that names the virtual host instead of the host; '' = none. */
  readonly vhostHeader: string;
  readonly perFilterConfig: PerFilterConfigs;
}
