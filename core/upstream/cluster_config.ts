/** Clusters and hosts as plain frozen data. Times in milliseconds. */
import type { PreserveCaseConfig } from '../headers/header_spelling.ts';
import type { ExtensionConfig } from '../registry/parse_context.ts';
import type { ErrorPredicateConfig } from './error_predicate.ts';
import type { FractionalPercent } from '../runtime/runtime_snapshot.ts';

/** Part of the requests under way, in percent, and the number of retries that is always allowed. */
export interface RetryBudgetConfig {
  readonly percent: number;
  readonly minConcurrency: number;
}

export interface CircuitBreakerThresholds {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  readonly trackRemaining: boolean;
  /** Instead of maxRetries: retries up to this part of the requests that run or wait, and always so many; absent = none. */
  readonly retryBudget?: RetryBudgetConfig;
  /** Connection pools of all workers; absent = no limit. */
  readonly maxConnectionPools?: number;
  /** Connections to any one host (per_host_thresholds); absent = no limit. */
  readonly maxConnectionsPerHost?: number;
}

export const DEFAULT_THRESHOLDS: CircuitBreakerThresholds = Object.freeze({
  maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3, trackRemaining: false,
});

/** Numeric address and port. */
export interface HostAddress {
  readonly address: string;
  readonly port: number;
}

/** happy_eyeballs_config. */
export interface AddressOrderConfig {
  readonly firstFamily: 'first' | 'v4' | 'v6';
  /** Addresses of that family before one of the other; at least 1. */
  readonly firstCount: number;
}

/** ORIGINAL_DST: where a request says its host. */
export interface OriginalDstConfig {
  readonly kind: 'original_dst';
  /** '' = no header. */
  readonly headerName: string;
  /** Dynamic metadata: namespace ('' = none) and the keys in it. */
  readonly metadataFilter: string;
  readonly metadataPath: readonly string[];
  /** 0 = as it says. */
  readonly portOverride: number;
}

/** Names of the clusters whose priorities one after the other are this cluster's. */
export interface AggregateConfig {
  readonly kind: 'aggregate';
  readonly clusters: readonly string[];
}

/** upstream_http_protocol_options: what requests say of the TLS connections they go over. */
export interface AutoServerNameConfig {
  /** auto_sni: the name is sent as SNI. */
  readonly setsServerName: boolean;
  /** auto_san_validation: the peer's certificate must have it. */
  readonly verifiesName: boolean;
  /** override_auto_sni_header: where the name stands if the request has this header, else in host; '' = in host. */
  readonly header: string;
}

/** What workers need of a cluster; everything but its hosts. */
export interface ClusterConfig {
  readonly name: string;
  /** alt_stat_name or name. */
  readonly statName: string;
  readonly connectTimeoutMs: number;
  readonly perConnectionBufferLimitBytes: number;
  /** 0 = unlimited. */
  readonly maxRequestsPerConnection: number;
  /** Downstream connections share no upstream connections. */
  readonly poolPerDownstream: boolean;
  /** Connections per request that waits or runs, to each host; 1 = none in advance. */
  readonly preconnectRatio: number;
  /** Connections per request that waits or runs, in the whole cluster, to the hosts that come next; 1 = none in advance. */
  readonly predictivePreconnectRatio: number;
  /** Default 3,600,000; 0 = off. */
  readonly idleTimeoutMs: number;
  readonly maxConnectionDurationMs: number;
  /** One request and its response; 0 = no limit. */
  readonly maxStreamDurationMs: number;
  readonly maxResponseHeadersKb: number;
  /** The same of HTTP/2, which only health checks speak. */
  readonly maxHttp2ResponseHeadersKb: number;
  readonly maxResponseHeadersCount: number;
  readonly defaultThresholds: CircuitBreakerThresholds;
  readonly highThresholds: CircuitBreakerThresholds;
  /** Category `envoy.load_balancing_policies`. */
  readonly lbPolicy: ExtensionConfig;
  /** lb_policy CLUSTER_PROVIDED: how the cluster chooses; null = by `lbPolicy`. */
  readonly provided: OriginalDstConfig | AggregateConfig | null;
  readonly protocol: 'http1' | 'http2';
  readonly http1: {
    readonly enableTrailers: boolean;
    readonly properCaseWords: boolean;
    readonly preserveCase: PreserveCaseConfig | null;
    readonly sendFullyQualifiedUrl: boolean;
  };
  /** Category `envoy.transport_sockets.upstream`; null = plain connections. */
  readonly transportSocket: ExtensionConfig | null;
  /** Those of `transport_socket_matches` by name (null = plain connections); absent: there are none. */
  readonly socketConfigs?: Readonly<Record<string, ExtensionConfig | null>>;
  /** The one that hosts without metadata get; absent: DEFAULT_SOCKET. */
  readonly unlabelledSocket?: string;
  readonly tcpKeepAlive: { readonly idleSec: number; readonly intervalSec: number; readonly probes: number } | null;
  /** Where upstream connections come from; null = the system chooses. */
  readonly bindAddress: HostAddress | null;
  /** The same for hosts of the other family; null = there is none. */
  readonly otherBindAddress: HostAddress | null;
  /** Of sockets to IPv4 hosts (and Unix sockets), and to IPv6 hosts, packed; null = none. */
  readonly socketOptions: { readonly v4: Int32Array; readonly v6: Int32Array } | null;
  /** In which order the addresses of one host are tried. */
  readonly addressOrder: AddressOrderConfig;
  /** LOGICAL_DNS: one logical host whose address is whatever resolved last. */
  readonly isLogical: boolean;
  /** Where requests name hosts that are used before `lbPolicy` is asked; null = nowhere. */
  readonly overrideHosts: readonly OverrideSource[] | null;
  /** Whenever hosts come or go, connections to all of them close once their requests are over. */
  readonly closesOnHostSetChange: boolean;
  readonly healthyPanicThreshold: number;
  readonly overprovisioningFactor: number;
  /** Availability of a priority counts hosts by their weights. */
  readonly weightedPriorityHealth: boolean;
  /** load_assignment.policy.drop_overloads: the part of the requests that is refused at once; null = none. */
  readonly dropOverload: FractionalPercent | null;
  readonly autoHostRewriteAllowed: boolean;
  /** What workers count for outlier detection; null = nothing. `errors`: which responses are; null = those with 5xx. */
  readonly outliers: { readonly splitsLocalOrigin: boolean; readonly errors: ErrorPredicateConfig | null } | null;
  /** How load reports of hosts become their weights; null = nobody looks for any. */
  readonly loadWeights: LoadWeightsConfig | null;
  /** Requests say by what name their host must be known (upstream_http_protocol_options); null = they do not. */
  readonly autoServerName: AutoServerNameConfig | null;
  /** Main checks the health of its hosts. */
  readonly isHealthChecked: boolean;
  /** TCP connections to a host whose health fails are cut, instead of being used to their end. */
  readonly closesOnHealthFailure: boolean;
  /** Histograms beyond the usual ones; null = none. */
  readonly tracking: { readonly timeoutBudgets: boolean; readonly messageSizes: boolean } | null;
  /** Its hosts have stats of their own. */
  readonly hasEndpointStats: boolean;
  /** Policies for its requests before those of routes (core/route/cluster_policies); opaque to this layer; null = none. */
  readonly requestPolicies: object | null;
  /** Untyped metadata by namespace. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** How reports become weights. Times in milliseconds. */
export interface LoadWeightsConfig {
  /** Where the application reports no utilization of its own. */
  readonly metrics: readonly string[];
  /** A single-precision number, as in the proto. */
  readonly errorPenalty: number;
  /** A host's weight counts when it has reported for so long. */
  readonly blackoutMs: number;
  /** And until it has not reported for so long. */
  readonly expirationMs: number;
  /** Weights are calculated this often. */
  readonly updateMs: number;
}

/** Where a request names hosts: a list of addresses with ports, split by commas. */
export interface OverrideSource {
  /** '' = in metadata. */
  readonly headerName: string;
  readonly metadataFilter: string;
  readonly metadataPath: readonly string[];
}

/** One upstream address as workers get it. */
export interface HostConfig {
  /** Dense id in the process, stable while the host lives: index of its words in the host slab. */
  readonly id: number;
  /** Numeric address and port, or a path with port 0. */
  readonly address: string;
  readonly port: number;
  /** All its addresses in the order in which they are tried; absent: there is one. */
  readonly addresses?: readonly HostAddress[];
  /** Name used by auto_host_rewrite and shown in /clusters; '' if none. */
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  /** Weight of its locality; 0 = none. */
  readonly localityWeight: number;
  readonly canary: boolean;
  /** Name of its transport socket (`ClusterConfig.socketConfigs`); absent: the cluster's own. */
  readonly socket?: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A cluster's hosts at one version. */
export interface HostSetConfig {
  readonly cluster: string;
  readonly hosts: readonly HostConfig[];
}

/** How main finds a cluster's hosts (not sent to workers). */
export type DiscoveryConfig =
  | { readonly kind: 'static'; readonly endpoints: readonly EndpointConfig[] }
  /** Workers find the hosts; those that nobody uses go after `cleanupIntervalMs`. */
  | { readonly kind: 'original_dst'; readonly endpoints: readonly EndpointConfig[]; readonly cleanupIntervalMs: number }
  | { readonly kind: 'strict_dns' | 'logical_dns'; readonly endpoints: readonly EndpointConfig[]; readonly dns: DnsConfig };

/** One configured endpoint: address may be a DNS name. */
export interface EndpointConfig {
  readonly address: string;
  readonly port: number;
  /** Further addresses of the same host (static clusters); absent: none. */
  readonly additional?: readonly HostAddress[];
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly localityWeight: number;
  readonly healthStatus: 'unknown' | 'healthy' | 'unhealthy' | 'draining' | 'timeout' | 'degraded';
  readonly metadata: Readonly<Record<string, unknown>>;
  /** undefined: as the cluster's health checks say. */
  readonly healthCheck?: EndpointHealthCheck | undefined;
  /** undefined: the cluster's own transport socket. */
  readonly sockets?: EndpointSockets | undefined;
}

/** Name of a cluster's own transport socket. */
export const DEFAULT_SOCKET = 'default';

/** Names of the transport sockets that were chosen for an endpoint. */
export interface EndpointSockets {
  readonly traffic: string;
  /** Of each connection of a health check; '' = that of traffic, chosen once. */
  readonly checks: string;
}

/** How one endpoint is checked differently. */
export interface EndpointHealthCheck {
  /** 0 = not another. */
  readonly port: number;
  /** Numeric; '' = not another. */
  readonly address: string;
  /** '' = not another. */
  readonly hostname: string;
  readonly isDisabled: boolean;
}

export interface DnsConfig {
  readonly refreshRateMs: number;
  /** Base and max of the failure back-off; equal to the refresh rate by default. */
  readonly failureBaseMs: number;
  readonly failureMaxMs: number;
  readonly respectTtl: boolean;
  readonly jitterMs: number;
  readonly lookupFamily: 'auto' | 'v4_only' | 'v6_only' | 'v4_preferred' | 'all';
  /** Resolver addresses `ip:port`; empty = the system's. */
  readonly resolvers: readonly string[];
  readonly useTcp: boolean;
  /** How name servers are asked; absent: DNS_QUERY_DEFAULTS. */
  readonly query?: DnsQueryOptions;
  /** The cluster counts as initialized before its names have been resolved. */
  readonly startsCold?: boolean;
}

/** What a resolver extension says of its questions. */
export interface DnsQueryOptions {
  /** Of one try. */
  readonly timeoutMs: number;
  readonly tries: number;
  /** Each question begins with another server. */
  readonly rotates: boolean;
  /** Names are tried with the system's search list. */
  readonly usesSearchList: boolean;
  /** `resolvers` are asked only if the system has none of its own. */
  readonly resolversAreFallback: boolean;
  /** Families of which this machine has no address but loopback are not asked for. */
  readonly filtersUnroutable: boolean;
  /** Questions from one UDP socket; 0 = no limit. */
  readonly udpMaxQueries: number;
}

/** Those of Envoy. */
export const DNS_QUERY_DEFAULTS: DnsQueryOptions = Object.freeze({
  timeoutMs: 5000, tries: 4, rotates: false, usesSearchList: true, resolversAreFallback: false, filtersUnroutable: false, udpMaxQueries: 0,
});
