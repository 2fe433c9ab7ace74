/** envoy.config.cluster.v3.Cluster to plain data. What is not read here is reported as having no effect. Thread: main. */
import { Cluster_ClusterProtocolSelection, Cluster_DiscoveryType } from '../../core/api/gen/envoy/config/cluster/v3/cluster_enums.ts';
import type { BindConfig, TcpKeepalive } from '../../core/api/gen/envoy/config/core/v3/address_pb.d.ts';
import type { Cluster, Cluster_CustomClusterType } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { CircuitBreakers, CircuitBreakers_Thresholds } from '../../core/api/gen/envoy/config/cluster/v3/circuit_breaker_pb.d.ts';
import type { ClusterLoadAssignment_Policy } from '../../core/api/gen/envoy/config/endpoint/v3/endpoint_pb.d.ts';
import { durationMsOr, percentToFraction } from '../../core/api/scalar_values.ts';
import { deepFreeze } from '../../core/base/deep_freeze.ts';
import { parseNumericSocketAddress } from '../../core/network/parse_address.ts';
import type { AnyMessage, ParseContext } from '../../core/registry/parse_context.ts';
import { parseMetadata } from '../../core/route/parse_metadata.ts';
import { parseFractionalPercent } from '../../core/runtime/parse_runtime.ts';
import type { FractionalPercent } from '../../core/runtime/runtime_snapshot.ts';
import { type CircuitBreakerThresholds, type ClusterConfig, DEFAULT_THRESHOLDS, type DiscoveryConfig, type DnsConfig } from '../../core/upstream/cluster_config.ts';
import {
  CLUSTER_CATEGORY, type DnsClusterOptions, type DnsResolverOptions, parseRefresh, parseResolutionConfig, parseResolvers, parseTypedResolver,
} from '../../core/upstream/dns_options.ts';
import { parseCommonOptions, parseUpstreamHttp1, UPSTREAM_OPTIONS_CATEGORY, type ParsedHttpOptions } from '../../core/upstream/http_protocol_options.ts';
import { type HealthOptions, NO_HEALTH_CHECKS } from '../health_checks/health_check_config.ts';
import { parseHealthChecks } from '../health_checks/parse_health_check.ts';
import { type EndpointKind, parseEndpoints } from './endpoint_parser.ts';
import { parseLbPolicy } from './lb_policy_parser.ts';
import { type OutlierConfig, parseOutlierDetection } from './outlier_parser.ts';
import { checkWeights } from './weight_checks.ts';
import { parseTransportSocket } from './transport_socket_parser.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const BUFFER_LIMIT_BYTES = 1 << 20;
const PANIC_THRESHOLD_PERCENT = 50;
const OVERPROVISIONING_FACTOR = 140;
const RETRY_BUDGET = { percent: 20, minConcurrency: 3 };
const LOOKUP_FAMILIES = ['auto', 'v4_only', 'v6_only', 'v4_preferred', 'all'] as const;
const HTTP_OPTIONS_KEY = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
/** `cluster_type` names that stand for a discovery type of old. */
const TYPE_NAMES: Readonly<Record<string, EndpointKind>> = {
  'envoy.cluster.static': 'static', 'envoy.cluster.strict_dns': 'strict_dns', 'envoy.cluster.logical_dns': 'logical_dns',
};

/** What clusters inherit from the bootstrap. */
export interface ClusterDefaults {
  readonly resolver: DnsResolverOptions;
  readonly bindConfig: BindConfig | undefined;
}

/** A cluster for workers, and how main finds its hosts. */
export interface ParsedCluster {
  readonly config: ClusterConfig;
  readonly discovery: DiscoveryConfig;
  /** What main needs to check its hosts. */
  readonly health: HealthOptions;
  /** null = none. */
  readonly outliers: OutlierConfig | null;
}



/** The whole message; reports what is wrong and what is not supported. Frozen. */
export function parseCluster(message: Cluster, defaults: ClusterDefaults, context: ParseContext): ParsedCluster {
  if (message.transportSocketMatches.length > 0) context.refuse(message, 'transport_socket_matches', 'choosing a transport socket per host');
  if (message.filters.length > 0) context.refuse(message, 'filters', 'upstream network filters');
  if (message.upstreamConfig !== undefined) context.refuse(message, 'upstream_config', 'custom upstreams');
  const discovery = parseDiscovery(message, defaults, context);
  const outliers = parseOutlierDetection(message.outlierDetection, context);
  const { offersHttp2, errors, ...http } = parseHttpOptions(message, context);
  const health = parseHealth(message, offersHttp2, context);
  const commonLb = message.commonLbConfig;
  const panic = percentToFraction(commonLb?.healthyPanicThreshold);
  const config: ClusterConfig = {
    name: message.name,
    statName: message.altStatName === '' ? message.name : message.altStatName,
    connectTimeoutMs: durationMsOr(message.connectTimeout, CONNECT_TIMEOUT_MS),
    perConnectionBufferLimitBytes: message.perConnectionBufferLimitBytes ?? BUFFER_LIMIT_BYTES,
    poolPerDownstream: message.connectionPoolPerDownstreamConnection,
    preconnectRatio: message.preconnectPolicy?.perUpstreamPreconnectRatio ?? 1,
    ...http,
    defaultThresholds: parseThresholds(message.circuitBreakers, 0, context),
    highThresholds: parseThresholds(message.circuitBreakers, 1, context),
    lbPolicy: parseLbPolicy(message, context),
    transportSocket: parseTransportSocket('envoy.transport_sockets.upstream', message.transportSocket, context),
    tcpKeepAlive: parseKeepAlive(message.upstreamConnectionOptions?.tcpKeepalive),
    bindAddress: parseBindAddress(message.upstreamBindConfig ?? defaults.bindConfig, context),
    isLogical: discovery.kind === 'logical_dns',
    healthyPanicThreshold: panic === undefined ? PANIC_THRESHOLD_PERCENT : panic * 100,
    overprovisioningFactor: message.loadAssignment?.policy?.overprovisioningFactor ?? OVERPROVISIONING_FACTOR,
    weightedPriorityHealth: message.loadAssignment?.policy?.weightedPriorityHealth ?? false,
    dropOverload: parseDropOverload(message.loadAssignment?.policy, context),
    autoHostRewriteAllowed: discovery.kind !== 'static',
    outliers: outliers === null ? null : { splitsLocalOrigin: outliers.splitsLocalOrigin, errors },
    isHealthChecked: health.check !== null,
    closesOnHealthFailure: (health.check !== null || outliers !== null) && message.closeConnectionsOnHostHealthFailure,
    tracking: parseTracking(message),
    metadata: parseMetadata(message.metadata),
  };
  if (discovery.kind === 'static') checkWeights(discovery.endpoints, config.lbPolicy, message, context);
  return deepFreeze({ config, discovery, outliers, health });
}

/** per_endpoint_stats is left unread: there are none. */
function parseTracking({ trackClusterStats, trackTimeoutBudgets }: Cluster): ClusterConfig['tracking'] {
  const tracking = { timeoutBudgets: trackTimeoutBudgets || (trackClusterStats?.timeoutBudgets ?? false), messageSizes: trackClusterStats?.requestResponseSizes ?? false };
  return tracking.timeoutBudgets || tracking.messageSizes ? tracking : null;
}

/** Fields that matter to checked hosts only are read with checks only: otherwise they have no effect. */
function parseHealth(message: Cluster, offersHttp2: boolean, context: ParseContext): HealthOptions {
  const check = parseHealthChecks(message, offersHttp2, context);
  if (check === null) return NO_HEALTH_CHECKS;
  return { check, ignoresHealthOnRemoval: message.ignoreHealthOnHostRemoval, ignoresNewHosts: message.commonLbConfig?.ignoreNewHostsUntilFirstHc ?? false };
}

function parseDiscovery(message: Cluster, defaults: ClusterDefaults, context: ParseContext): DiscoveryConfig {
  const type = message.clusterDiscoveryType;
  if (type.case === 'clusterType') return parseCustomType(message, type.value, defaults, context);
  switch (type.case === 'type' ? type.value : Cluster_DiscoveryType.STATIC) {
    case Cluster_DiscoveryType.STRICT_DNS:
      return discoveryOf(message, 'strict_dns', parseDns(message, defaults, context), context);
    case Cluster_DiscoveryType.LOGICAL_DNS:
      return discoveryOf(message, 'logical_dns', parseDns(message, defaults, context), context);
    case Cluster_DiscoveryType.EDS:
      context.refuse(message, 'type', 'xDS (endpoint discovery)');
      if (message.edsClusterConfig !== undefined) context.consume(message, 'eds_cluster_config');
      return { kind: 'static', endpoints: [] };
    case Cluster_DiscoveryType.ORIGINAL_DST:
      context.refuse(message, 'type', 'original destination clusters');
      return { kind: 'static', endpoints: [] };
    default:
      return discoveryOf(message, 'static', null, context);
  }
}

function parseCustomType(message: Cluster, type: Cluster_CustomClusterType, defaults: ClusterDefaults, context: ParseContext): DiscoveryConfig {
  const any = type.typedConfig as AnyMessage | undefined;
  const known = TYPE_NAMES[type.name];
  if (any === undefined && known !== undefined) return discoveryOf(message, known, known === 'static' ? null : parseDns(message, defaults, context), context);
  const extension = context.parseExtension(CLUSTER_CATEGORY, type.name, any, type, 'typed_config');
  if (extension === undefined) return { kind: 'static', endpoints: [] };
  const options = extension.config as DnsClusterOptions;
  const dns = options.dns.resolvers.length > 0 || options.dns.useTcp ? options.dns : { ...options.dns, ...defaults.resolver };
  return discoveryOf(message, options.isLogical ? 'logical_dns' : 'strict_dns', dns, context);
}

function discoveryOf(message: Cluster, kind: EndpointKind, dns: DnsConfig | null, context: ParseContext): DiscoveryConfig {
  const endpoints = parseEndpoints(message.loadAssignment, kind, message, context);
  return kind === 'static' || dns === null ? { kind: 'static', endpoints } : { kind, endpoints, dns };
}

function parseDns(message: Cluster, defaults: ClusterDefaults, context: ParseContext): DnsConfig {
  const resolver = parseResolver(message, defaults, context);
  return {
    ...parseRefresh(message, context),
    jitterMs: 0,
    lookupFamily: LOOKUP_FAMILIES[message.dnsLookupFamily] ?? 'auto',
    resolvers: resolver.resolvers,
    useTcp: resolver.useTcp || message.useTcpForDnsLookups,
  };
}

function parseResolver(message: Cluster, defaults: ClusterDefaults, context: ParseContext): DnsResolverOptions {
  if (message.typedDnsResolverConfig !== undefined) return parseTypedResolver(message.typedDnsResolverConfig, context);
  if (message.dnsResolutionConfig !== undefined) return parseResolutionConfig(message.dnsResolutionConfig, context);
  if (message.dnsResolvers.length > 0) return { resolvers: parseResolvers(message.dnsResolvers, context), useTcp: false };
  return defaults.resolver;
}

/** The typed options, else the deprecated fields of the cluster itself. */
function parseHttpOptions(message: Cluster, context: ParseContext): ParsedHttpOptions {
  const typed = message.typedExtensionProtocolOptions;
  for (const name of Object.keys(typed)) {
    if (name === HTTP_OPTIONS_KEY) continue;
    const field = `typed_extension_protocol_options["${name}"]`;
    if (name.startsWith('envoy.')) context.warn(message, field, `protocol options of ${name} have no effect here`);
    else context.error(message, field, `Didn't find a registered network or http filter or protocol options implementation for name: '${name}'`);
  }
  const any = typed[HTTP_OPTIONS_KEY] as AnyMessage | undefined;
  if (any !== undefined) {
    const field = `typed_extension_protocol_options["${HTTP_OPTIONS_KEY}"]`;
    const extension = context.parseExtension(UPSTREAM_OPTIONS_CATEGORY, HTTP_OPTIONS_KEY, any, message, field);
    if (extension !== undefined) return extension.config as ParsedHttpOptions;
  }
  return parseLegacyHttpOptions(message, context);
}

function parseLegacyHttpOptions(message: Cluster, context: ParseContext): ParsedHttpOptions {
  const usesDownstream = message.protocolSelection === Cluster_ClusterProtocolSelection.USE_DOWNSTREAM_PROTOCOL;
  if (message.http2ProtocolOptions !== undefined && !usesDownstream) {
    if (message.httpProtocolOptions !== undefined) {
      context.error(message, 'http2_protocol_options', "cluster: Both HTTP1 and HTTP2 options may only be configured with non-default 'protocol_selection' values");
    } else context.refuse(message, 'http2_protocol_options', 'HTTP/2 to upstreams');
  }
  const common = parseCommonOptions(message.commonHttpProtocolOptions);
  return {
    ...common,
    maxRequestsPerConnection: common.maxRequestsPerConnection === 0 ? message.maxRequestsPerConnection ?? 0 : common.maxRequestsPerConnection,
    protocol: 'http1',
    http1: parseUpstreamHttp1(message.httpProtocolOptions, context),
    offersHttp2: message.http2ProtocolOptions !== undefined,
    errors: null,
    requestPolicies: null,
  };
}

/** The first thresholds of a priority. */
function parseThresholds(message: CircuitBreakers | undefined, priority: number, context: ParseContext): CircuitBreakerThresholds {
  const thresholds: CircuitBreakers_Thresholds | undefined = message?.thresholds.find((candidate) => candidate.priority === priority);
  const perHost = parsePerHost(message, priority, context);
  if (thresholds === undefined) return { ...DEFAULT_THRESHOLDS, ...perHost };
  return {
    ...perHost,
    ...(thresholds.maxConnectionPools === undefined ? {} : { maxConnectionPools: thresholds.maxConnectionPools }),
    maxConnections: thresholds.maxConnections ?? DEFAULT_THRESHOLDS.maxConnections,
    maxPendingRequests: thresholds.maxPendingRequests ?? DEFAULT_THRESHOLDS.maxPendingRequests,
    maxRequests: thresholds.maxRequests ?? DEFAULT_THRESHOLDS.maxRequests,
    maxRetries: thresholds.maxRetries ?? DEFAULT_THRESHOLDS.maxRetries,
    trackRemaining: thresholds.trackRemaining,
    ...parseRetryBudget(thresholds),
  };
}

/** Of all fields only max_connections, as in Envoy. */
function parsePerHost(message: CircuitBreakers | undefined, priority: number, context: ParseContext): Pick<CircuitBreakerThresholds, 'maxConnectionsPerHost'> {
  const thresholds = message?.perHostThresholds.find((candidate) => candidate.priority === priority);
  if (message === undefined || thresholds === undefined) return {};
  const others = [thresholds.maxPendingRequests, thresholds.maxRequests, thresholds.maxRetries, thresholds.maxConnectionPools, thresholds.retryBudget];
  if (others.some((value) => value !== undefined)) context.error(message, 'per_host_thresholds', 'Unsupported field in per_host_thresholds');
  return thresholds.maxConnections === undefined ? {} : { maxConnectionsPerHost: thresholds.maxConnections };
}

/** Replaces max_retries. */
function parseRetryBudget({ retryBudget }: CircuitBreakers_Thresholds): Pick<CircuitBreakerThresholds, 'retryBudget'> {
  if (retryBudget === undefined) return {};
  return { retryBudget: { percent: retryBudget.budgetPercent?.value ?? RETRY_BUDGET.percent, minConcurrency: retryBudget.minRetryConcurrency ?? RETRY_BUDGET.minConcurrency } };
}

/** drop_overloads: one category, as in Envoy. */
function parseDropOverload(policy: ClusterLoadAssignment_Policy | undefined, context: ParseContext): FractionalPercent | null {
  const drops = policy?.dropOverloads ?? [];
  if (policy !== undefined && drops.length > 1) context.error(policy, 'drop_overloads', 'drop_overloads: only one category is supported');
  return drops.length === 0 ? null : parseFractionalPercent(drops[0].dropPercentage);
}

/** Seconds and counts; 0 = the system's. */
function parseKeepAlive(message: TcpKeepalive | undefined): ClusterConfig['tcpKeepAlive'] {
  if (message === undefined) return null;
  return { idleSec: message.keepaliveTime ?? 0, intervalSec: message.keepaliveInterval ?? 0, probes: message.keepaliveProbes ?? 0 };
}

function parseBindAddress(message: BindConfig | undefined, context: ParseContext): ClusterConfig['bindAddress'] {
  const address = message?.sourceAddress;
  return address === undefined ? null : parseNumericSocketAddress(address, context) ?? null;
}
