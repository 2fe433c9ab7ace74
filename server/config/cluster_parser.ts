/** envoy.config.cluster.v3.Cluster to plain data. What is not read here is reported as having no effect. Thread: main. */
import { Cluster_ClusterProtocolSelection } from '../../core/api/gen/envoy/config/cluster/v3/cluster_enums.ts';
import type { Cluster } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { CircuitBreakers, CircuitBreakers_Thresholds } from '../../core/api/gen/envoy/config/cluster/v3/circuit_breaker_pb.d.ts';
import type { ClusterLoadAssignment_Policy } from '../../core/api/gen/envoy/config/endpoint/v3/endpoint_pb.d.ts';
import { durationMsOr, percentToFraction } from '../../core/api/scalar_values.ts';
import { deepFreeze } from '../../core/base/deep_freeze.ts';
import type { AnyMessage, ExtensionConfig, ParseContext } from '../../core/registry/parse_context.ts';
import { NO_CLUSTER_POLICIES } from '../../core/route/cluster_policies.ts';
import type { BalancerHashPolicies } from '../../core/route/hash_policy_config.ts';
import { parseMetadata } from '../../core/route/parse_metadata.ts';
import { parseFractionalPercent } from '../../core/runtime/parse_runtime.ts';
import type { FractionalPercent } from '../../core/runtime/runtime_snapshot.ts';
import { type CircuitBreakerThresholds, type ClusterConfig, DEFAULT_SOCKET, DEFAULT_THRESHOLDS, type DiscoveryConfig } from '../../core/upstream/cluster_config.ts';
import { parseAutoServerName, parseCommonOptions, parseUpstreamHttp1, UPSTREAM_OPTIONS_CATEGORY, type ParsedHttpOptions } from '../../core/upstream/http_protocol_options.ts';
import { loadWeightsOf } from '../../core/upstream/load_reports/load_weights_config.ts';
import { splitOverride } from '../../core/upstream/override_hosts.ts';
import { checkerType, type HealthOptions, NO_HEALTH_CHECKS } from '../health_checks/health_check_config.ts';
import { type CheckedClusterFacts, parseHealthChecks } from '../health_checks/parse_health_check.ts';
import { REDIS_OPTIONS } from '../health_checks/redis_credentials.ts';
import { type ClusterDefaults, parseDiscovery } from './discovery_parser.ts';
import { parseLbPolicy } from './lb_policy_parser.ts';
import { type OutlierConfig, parseOutlierDetection } from './outlier_parser.ts';
import { checkWeights } from './weight_checks.ts';
import { parseSocketMatches } from './socket_matches.ts';
import { UPSTREAM_SOCKET_CATEGORY } from '../../core/network/transport_socket.ts';
import { parseTransportSocket } from './transport_socket_parser.ts';
import { parseAddressOrder, parseKeepAlive, parseUpstreamBind } from './upstream_socket_parser.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const BUFFER_LIMIT_BYTES = 1 << 20;
const PANIC_THRESHOLD_PERCENT = 50;
const OVERPROVISIONING_FACTOR = 140;
const RETRY_BUDGET = { percent: 20, minConcurrency: 3 };
const HTTP_OPTIONS_KEY = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

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
  if (message.filters.length > 0) context.refuse(message, 'filters', 'upstream network filters');
  if (message.upstreamConfig !== undefined) context.refuse(message, 'upstream_config', 'custom upstreams');
  const transportSocket = parseTransportSocket(UPSTREAM_SOCKET_CATEGORY, message.transportSocket, context);
  const sockets = parseSocketMatches(message, transportSocket, context);
  const { discovery, provided } = parseDiscovery(message, defaults, sockets, context);
  const outliers = parseOutlierDetection(message.outlierDetection, context);
  const { offersHttp2, errors, ...http } = parseHttpOptions(message, context);
  const { lbPolicy, overrideHosts } = splitOverride(parseLbPolicy(message, provided !== null, context));
  const hasTls = [transportSocket, ...Object.values(sockets.sockets())].some((socket) => socket !== null);
  const health = parseHealth({ message, offersHttp2, hasTls }, context);
  reportUnusedOptions(message, health, context);
  const commonLb = message.commonLbConfig;
  const panic = percentToFraction(commonLb?.healthyPanicThreshold);
  const config: ClusterConfig = {
    name: message.name,
    statName: message.altStatName === '' ? message.name : message.altStatName,
    connectTimeoutMs: durationMsOr(message.connectTimeout, CONNECT_TIMEOUT_MS),
    perConnectionBufferLimitBytes: message.perConnectionBufferLimitBytes ?? BUFFER_LIMIT_BYTES,
    poolPerDownstream: message.connectionPoolPerDownstreamConnection,
    preconnectRatio: message.preconnectPolicy?.perUpstreamPreconnectRatio ?? 1,
    predictivePreconnectRatio: message.preconnectPolicy?.predictivePreconnectRatio ?? 1,
    ...http,
    defaultThresholds: parseThresholds(message.circuitBreakers, 0, context),
    highThresholds: parseThresholds(message.circuitBreakers, 1, context),
    lbPolicy,
    overrideHosts,
    loadWeights: loadWeightsOf(lbPolicy),
    requestPolicies: withBalancerHash(http.requestPolicies, lbPolicy),
    provided,
    transportSocket,
    ...(sockets.isEmpty ? {} : { socketConfigs: sockets.sockets(), unlabelledSocket: sockets.of({}, {})?.traffic ?? DEFAULT_SOCKET }),
    tcpKeepAlive: parseKeepAlive(message.upstreamConnectionOptions),
    ...parseUpstreamBind(message, defaults.bindConfig, context),
    addressOrder: parseAddressOrder(message.upstreamConnectionOptions, context),
    isLogical: discovery.kind === 'logical_dns',
    closesOnHostSetChange: commonLb?.closeConnectionsOnHostSetChange ?? false,
    healthyPanicThreshold: panic === undefined ? PANIC_THRESHOLD_PERCENT : panic * 100,
    overprovisioningFactor: message.loadAssignment?.policy?.overprovisioningFactor ?? OVERPROVISIONING_FACTOR,
    weightedPriorityHealth: message.loadAssignment?.policy?.weightedPriorityHealth ?? false,
    dropOverload: parseDropOverload(message.loadAssignment?.policy, context),
    autoHostRewriteAllowed: discovery.kind !== 'static',
    outliers: outliers === null ? null : { splitsLocalOrigin: outliers.splitsLocalOrigin, errors },
    isHealthChecked: health.check !== null,
    closesOnHealthFailure: (health.check !== null || outliers !== null) && message.closeConnectionsOnHostHealthFailure,
    tracking: parseTracking(message),
    hasEndpointStats: message.trackClusterStats?.perEndpointStats ?? false,
    metadata: parseMetadata(message.metadata),
  };
  if (discovery.kind === 'static') checkWeights(discovery.endpoints, config.lbPolicy, message, context);
  return deepFreeze({ config, discovery, outliers, health });
}

function parseTracking({ trackClusterStats, trackTimeoutBudgets }: Cluster): ClusterConfig['tracking'] {
  const tracking = { timeoutBudgets: trackTimeoutBudgets || (trackClusterStats?.timeoutBudgets ?? false), messageSizes: trackClusterStats?.requestResponseSizes ?? false };
  return tracking.timeoutBudgets || tracking.messageSizes ? tracking : null;
}

/** Fields that matter to checked hosts only are read with checks only: otherwise they have no effect. */
function parseHealth(facts: CheckedClusterFacts, context: ParseContext): HealthOptions {
  const { message } = facts;
  const check = parseHealthChecks(facts, context);
  if (check === null) return NO_HEALTH_CHECKS;
  return { check, ignoresHealthOnRemoval: message.ignoreHealthOnHostRemoval, ignoresNewHosts: message.commonLbConfig?.ignoreNewHostsUntilFirstHc ?? false };
}

/** Options of protocols that nobody here speaks, but for checks. */
function reportUnusedOptions(message: Cluster, { check }: HealthOptions, context: ParseContext): void {
  const isRedisChecked = check !== null && checkerType(check.checker) === 'REDIS';
  for (const name of Object.keys(message.typedExtensionProtocolOptions)) {
    if (name === HTTP_OPTIONS_KEY || (name === REDIS_OPTIONS && isRedisChecked)) continue;
    const field = `typed_extension_protocol_options["${name}"]`;
    if (name.startsWith('envoy.')) context.warn(message, field, `protocol options of ${name} have no effect here`);
    else context.error(message, field, `Didn't find a registered network or http filter or protocol options implementation for name: '${name}'`);
  }
}

/** The typed options, else the deprecated fields of the cluster itself. */
function parseHttpOptions(message: Cluster, context: ParseContext): ParsedHttpOptions {
  const typed = message.typedExtensionProtocolOptions;
  const any = typed[HTTP_OPTIONS_KEY] as AnyMessage | undefined;
  if (any !== undefined) {
    const field = `typed_extension_protocol_options["${HTTP_OPTIONS_KEY}"]`;
    const extension = context.parseExtension(UPSTREAM_OPTIONS_CATEGORY, HTTP_OPTIONS_KEY, any, message, field);
    if (extension !== undefined) {
      const options = extension.config as ParsedHttpOptions;
      return options.maxRequestsPerConnection > 0 ? options : { ...options, maxRequestsPerConnection: message.maxRequestsPerConnection ?? 0 };
    }
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
    autoServerName: parseAutoServerName(message.upstreamHttpProtocolOptions),
    errors: null,
    requestPolicies: null,
  };
}

/** The balancing policy's own hash policies come before those of cluster and route, even if they give a request no hash. */
function withBalancerHash(policies: object | null, lbPolicy: ExtensionConfig): object | null {
  const { hashPolicies, child } = (lbPolicy.config ?? {}) as BalancerHashPolicies & { readonly child?: ExtensionConfig };
  if (hashPolicies !== undefined) return deepFreeze({ ...NO_CLUSTER_POLICIES, ...policies, hashPolicies, isHashOfBalancer: true });
  return child === undefined ? policies : withBalancerHash(policies, child);
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
  if (policy !== undefined && drops.length > 1) context.error(policy, 'drop_overloads', `Cluster drop_overloads config has ${drops.length} categories. Envoy only support one.`);
  if (policy === undefined || drops.length === 0) return null;
  // A name for load reports, of which there are none.
  context.consume(drops[0], 'category');
  const drop = parseFractionalPercent(drops[0].dropPercentage);
  if (drop.numerator > drop.denominator) {
    const ratio = `drop_ratio=${drop.numerator / drop.denominator}(Numerator ${drop.numerator} / Denominator ${drop.denominator})`;
    context.error(policy, 'drop_overloads', `Cluster drop_overloads config is invalid. ${ratio}. The valid range is 0~1.`);
  }
  return drop;
}
