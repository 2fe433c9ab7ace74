import { describe, expect, it } from 'vitest';
import { configRegistry } from '../../test/support/config_registry.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import type { Cluster } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import { DEFAULT_THRESHOLDS } from '../../core/upstream/cluster_config.ts';
import { SYSTEM_RESOLVER } from '../../core/upstream/dns_options.ts';
import { parseCluster, type ParsedCluster } from './cluster_parser.ts';

function parse(fields: string): ParsedCluster & { errors: string[]; warnings: () => string[] } {
  const parsed = parseYamlMessage(`{name: c, ${fields}}`, 'envoy.config.cluster.v3.Cluster', configRegistry());
  const cluster = parseCluster(parsed.message as Cluster, { resolver: SYSTEM_RESOLVER, bindConfig: undefined }, parsed.context);
  return { ...cluster, errors: parsed.errors(), warnings: () => parsed.warnings().filter((text) => !text.startsWith('Deprecated')) };
}

const address = (host: string): string => `{endpoint: {address: {socket_address: {address: "${host}", port_value: 80}}}}`;
const endpoints = (...list: string[]): string => `load_assignment: {cluster_name: c, endpoints: [{lb_endpoints: [${list.join(', ')}]}]}`;
const httpOptions = (fields: string): string =>
  `typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {"@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, ${fields}}}`;
const CODEC = '{name: codec, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec}}';
const dnsDefaults = { refreshRateMs: 5000, failureBaseMs: 5000, failureMaxMs: 5000, respectTtl: false, jitterMs: 0, lookupFamily: 'auto', resolvers: [], useTcp: false };

const ROUND_ROBIN_POLICY = '{typed_extension_config: {name: rr, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin}}}';

const CLIENT_SIDE_POLICY = '{typed_extension_config: {name: cs, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin}}}';

function wrrLocality(policies?: string): string {
  const picking = policies === undefined ? '' : `, endpoint_picking_policy: {policies: [${policies}]}`;
  return `load_balancing_policy: {policies: [{typed_extension_config: {name: w, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.wrr_locality.v3.WrrLocality${picking}}}}]}`;
}

/** The policy with these fields; `fallback`: the list of its fallback policy. */
function overrideHost(fields: string, fallback = ROUND_ROBIN_POLICY): string {
  return `load_balancing_policy: {policies: [{typed_extension_config: {name: o, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost, ${fields}, fallback_policy: {policies: [${fallback}]}}}}]}`;
}

function subsetPolicy(fields: string): string {
  return `load_balancing_policy: {policies: [{typed_extension_config: {name: s, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.subset.v3.Subset, ${fields}}}}]}`;
}

/** Two localities with a host each, of these weights; `more` is said of both localities. */
function weighted(more: string, first: number, second: number): string {
  const locality = (zone: string, weight: number): string =>
    `{${more}locality: {zone: ${zone}}, lb_endpoints: [{load_balancing_weight: ${weight}, endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 1}}}}]}`;
  return `load_assignment: {cluster_name: c, endpoints: [${locality('a', first)}, ${locality('b', second)}]}`;
}

describe('parseCluster', () => {
  it('has the documented defaults', () => {
    const { config, discovery, errors, warnings } = parse(endpoints(address('1.2.3.4')));
    expect([errors, warnings()]).toEqual([[], []]);
    expect(config).toEqual({
      name: 'c', statName: 'c', connectTimeoutMs: 5000, perConnectionBufferLimitBytes: 1 << 20, poolPerDownstream: false, preconnectRatio: 1, predictivePreconnectRatio: 1, maxRequestsPerConnection: 0, idleTimeoutMs: 3_600_000,
      maxConnectionDurationMs: 0, maxStreamDurationMs: 0, maxResponseHeadersKb: 80, maxHttp2ResponseHeadersKb: 60, maxResponseHeadersCount: 100, defaultThresholds: DEFAULT_THRESHOLDS, highThresholds: DEFAULT_THRESHOLDS,
      lbPolicy: { name: 'envoy.load_balancing_policies.round_robin', typeName: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin', config: { locality: { failsOnPanic: false, isWeighted: false, zone: { routingEnabled: 100, minClusterSize: 6, forceLocalMinSize: 0, isByWeight: false } } } }, provided: null, overrideHosts: null,
      protocol: 'http1', http1: { enableTrailers: false, properCaseWords: false, preserveCase: null, sendFullyQualifiedUrl: false }, transportSocket: null, tcpKeepAlive: null,
      bindAddress: null, otherBindAddress: null, socketOptions: null, addressOrder: { firstFamily: 'first', firstCount: 1 }, isLogical: false, closesOnHostSetChange: false, healthyPanicThreshold: 50, overprovisioningFactor: 140, weightedPriorityHealth: false, dropOverload: null, autoHostRewriteAllowed: false, outliers: null, loadWeights: null, isHealthChecked: false, closesOnHealthFailure: false, tracking: null, hasEndpointStats: false, requestPolicies: null, autoServerName: null, metadata: {},
    });
    expect(discovery).toEqual({ kind: 'static', endpoints: [
      { address: '1.2.3.4', port: 80, hostname: '', weight: 1, priority: 0, region: '', zone: '', subZone: '', localityWeight: 0, healthStatus: 'unknown', metadata: {} },
    ] });
    expect(structuredClone({ config, discovery })).toEqual({ config, discovery });
    expect([Object.isFrozen(config), Object.isFrozen(discovery.endpoints[0])]).toEqual([true, true]);
  });

  it('reads localities, priorities, weights, health and Unix sockets', () => {
    const { discovery, errors } = parse(`load_assignment: {cluster_name: c, policy: {overprovisioning_factor: 200}, endpoints: [
      {locality: {region: r, zone: z, sub_zone: s}, load_balancing_weight: 7, priority: 1, lb_endpoints: [{endpoint: {hostname: h, address: {pipe: {path: /tmp/s}}}, load_balancing_weight: 3, health_status: DEGRADED, metadata: {filter_metadata: {n: {k: v}}}}]},
      {lb_endpoints: [${address('::1')}]}]}`);
    expect(errors).toEqual([]);
    expect(discovery.endpoints).toMatchObject([
      { address: '/tmp/s', port: 0, hostname: 'h', weight: 3, priority: 1, region: 'r', zone: 'z', subZone: 's', localityWeight: 7, healthStatus: 'degraded', metadata: { n: { k: 'v' } } },
      { address: '::1', port: 80, priority: 0 },
    ]);
  });

  it.each<[string, object]>([
    ['type: STRICT_DNS', { kind: 'strict_dns', dns: dnsDefaults }],
    ['type: LOGICAL_DNS', { kind: 'logical_dns', dns: dnsDefaults }],
    ['cluster_type: {name: envoy.cluster.logical_dns}', { kind: 'logical_dns', dns: dnsDefaults }],
    ['type: STRICT_DNS, dns_refresh_rate: 1s, dns_failure_refresh_rate: {base_interval: 2s}, respect_dns_ttl: true, dns_lookup_family: V4_ONLY, use_tcp_for_dns_lookups: true',
      { kind: 'strict_dns', dns: { ...dnsDefaults, refreshRateMs: 1000, failureBaseMs: 2000, failureMaxMs: 20000, respectTtl: true, lookupFamily: 'v4_only', useTcp: true } }],
    ['cluster_type: {name: x, typed_config: {"@type": type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster, dns_refresh_rate: 3s, dns_jitter: 0.5s, dns_lookup_family: ALL}}',
      { kind: 'strict_dns', dns: { ...dnsDefaults, refreshRateMs: 3000, failureBaseMs: 3000, failureMaxMs: 3000, jitterMs: 500, lookupFamily: 'all' } }],
    ['cluster_type: {name: x, typed_config: {"@type": type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster, all_addresses_in_single_endpoint: true}}', { kind: 'logical_dns', dns: dnsDefaults }],
    ['type: STRICT_DNS, typed_dns_resolver_config: {name: x, typed_config: {"@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig, resolvers: [{socket_address: {address: "::1", port_value: 5353}}], dns_resolver_options: {use_tcp_for_dns_lookups: true}}}',
      { kind: 'strict_dns', dns: { ...dnsDefaults, resolvers: ['[::1]:5353'], useTcp: true } }],
  ])('%s', (fields, discovery) => {
    const parsed = parse(`${fields}, ${endpoints(address('localhost'))}`);
    expect([parsed.errors, parsed.warnings()]).toEqual([[], []]);
    expect(parsed.discovery).toMatchObject(discovery);
    expect(parsed.config).toMatchObject({ isLogical: parsed.discovery.kind === 'logical_dns', autoHostRewriteAllowed: true });
  });

  it.each<[string, object | null, string[]]>([
    ['{category: a, drop_percentage: {numerator: 5, denominator: MILLION}}', { numerator: 5, denominator: 1000000 }, []],
    ['{category: a, drop_percentage: {numerator: 5}}, {category: b, drop_percentage: {numerator: 6}}', { numerator: 5, denominator: 100 },
      ['Cluster drop_overloads config has 2 categories. Envoy only support one.']],
  ])('drop_overloads: %s', (drops, dropOverload, errors) => {
    const parsed = parse(`load_assignment: {cluster_name: c, policy: {drop_overloads: [${drops}]}, endpoints: []}`);
    expect(parsed.errors).toEqual(errors);
    expect(parsed.config.dropOverload).toEqual(dropOverload);
  });

  it('per_host_thresholds: limits nothing but connections', () => {
    expect(parse('circuit_breakers: {per_host_thresholds: [{max_connections: 1, max_retries: 3}]}').errors).toEqual(['Unsupported field in per_host_thresholds']);
  });

  it.each<[string, object]>([
    ['alt_stat_name: s, connect_timeout: 0.25s, per_connection_buffer_limit_bytes: 5', { statName: 's', connectTimeoutMs: 250, perConnectionBufferLimitBytes: 5 }],
    ['circuit_breakers: {thresholds: [{max_connections: 1, max_requests: 0}, {priority: HIGH, max_retries: 9, track_remaining: true}, {max_connections: 5}]}',
      { defaultThresholds: { ...DEFAULT_THRESHOLDS, maxConnections: 1, maxRequests: 0 }, highThresholds: { ...DEFAULT_THRESHOLDS, maxRetries: 9, trackRemaining: true } }],
    ['connection_pool_per_downstream_connection: true', { poolPerDownstream: true }],
    ['track_timeout_budgets: true', { tracking: { timeoutBudgets: true, messageSizes: false } }],
    ['track_cluster_stats: {request_response_sizes: true}', { tracking: { timeoutBudgets: false, messageSizes: true } }],
    ['circuit_breakers: {thresholds: [{max_connection_pools: 7}], per_host_thresholds: [{priority: HIGH, max_connections: 3}, {max_connections: 0}]}',
      { defaultThresholds: { ...DEFAULT_THRESHOLDS, maxConnectionPools: 7, maxConnectionsPerHost: 0 }, highThresholds: { ...DEFAULT_THRESHOLDS, maxConnectionsPerHost: 3 } }],
    ['circuit_breakers: {thresholds: [{retry_budget: {}}, {priority: HIGH, retry_budget: {budget_percent: {value: 12.5}, min_retry_concurrency: 0}}]}',
      { defaultThresholds: { ...DEFAULT_THRESHOLDS, retryBudget: { percent: 20, minConcurrency: 3 } }, highThresholds: { ...DEFAULT_THRESHOLDS, retryBudget: { percent: 12.5, minConcurrency: 0 } } }],
    [httpOptions('common_http_protocol_options: {idle_timeout: 1s, max_requests_per_connection: 4, max_headers_count: 9, max_response_headers_kb: 7, max_connection_duration: 2s}, explicit_http_config: {http_protocol_options: {enable_trailers: true, header_key_format: {proper_case_words: {}}}}'),
      { idleTimeoutMs: 1000, maxRequestsPerConnection: 4, maxResponseHeadersCount: 9, maxResponseHeadersKb: 7, maxHttp2ResponseHeadersKb: 7, maxConnectionDurationMs: 2000, http1: { enableTrailers: true, properCaseWords: true, preserveCase: null, sendFullyQualifiedUrl: false } }],
    [httpOptions('request_mirror_policies: [{cluster: not_checked}], retry_policy: {retry_on: 5xx, num_retries: 4}, hash_policy: [{header: {header_name: X-Key}}], explicit_http_config: {http_protocol_options: {}}'),
      { requestPolicies: { mirrorPolicies: [{ cluster: 'not_checked' }], retries: { numRetries: 4 }, hashPolicies: [{ kind: 'header' }] } }],
    [httpOptions('use_downstream_protocol_config: {http_protocol_options: {send_fully_qualified_url: true}}'), { protocol: 'http1', http1: { enableTrailers: false, properCaseWords: false, preserveCase: null, sendFullyQualifiedUrl: true } }],
    [`${httpOptions('common_http_protocol_options: {idle_timeout: 1s}, explicit_http_config: {http_protocol_options: {}}')}, max_requests_per_connection: 6`, { idleTimeoutMs: 1000, maxRequestsPerConnection: 6 }],
    ['common_lb_config: {close_connections_on_host_set_change: true}', { closesOnHostSetChange: true }],
    ['http_protocol_options: {enable_trailers: true}, common_http_protocol_options: {idle_timeout: 0s}, max_requests_per_connection: 6', { idleTimeoutMs: 0, maxRequestsPerConnection: 6, http1: { enableTrailers: true, properCaseWords: false, preserveCase: null, sendFullyQualifiedUrl: false } }],
    ['upstream_connection_options: {tcp_keepalive: {keepalive_time: 5}}, upstream_bind_config: {source_address: {address: 127.0.0.1, port_value: 0}}', { tcpKeepAlive: { idleSec: 5, intervalSec: 0, probes: 0 }, bindAddress: { address: '127.0.0.1', port: 0 } }],
    ['common_lb_config: {healthy_panic_threshold: {value: 0}}', { healthyPanicThreshold: 0 }],
    ['transport_socket: {name: envoy.transport_sockets.raw_buffer, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}}', { transportSocket: null }],
    ['lb_policy: LEAST_REQUEST, least_request_lb_config: {choice_count: 3, active_request_bias: {default_value: 0.5, runtime_key: k}}',
      { lbPolicy: { name: 'envoy.load_balancing_policies.least_request', config: { choiceCount: 3, activeRequestBias: 0.5, isFullScan: false } } }],
    ['lb_policy: RING_HASH, ring_hash_lb_config: {minimum_ring_size: 3, maximum_ring_size: 9, hash_function: MURMUR_HASH_2}, common_lb_config: {consistent_hashing_lb_config: {hash_balance_factor: 150}}',
      { lbPolicy: { name: 'envoy.load_balancing_policies.ring_hash', config: { isMurmur: true, minimumRingSize: 3, maximumRingSize: 9, usesHostname: false, balanceFactor: 150, isLocalityWeighted: false } } }],
    ['lb_policy: MAGLEV', { lbPolicy: { config: { tableSize: 65537, usesHostname: false, balanceFactor: 0 } } }],
    ['load_balancing_policy: {policies: [{typed_extension_config: {name: r, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash, hash_function: XX_HASH, use_hostname_for_hashing: true}}}]}',
      { lbPolicy: { name: 'r', config: { isMurmur: false, minimumRingSize: 1024, maximumRingSize: 8388608, usesHostname: true, balanceFactor: 0 } } }],
    ['load_balancing_policy: {policies: [{typed_extension_config: {name: m, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.maglev.v3.Maglev, table_size: 7, consistent_hashing_lb_config: {hash_balance_factor: 100}}}}]}',
      { lbPolicy: { name: 'm', config: { tableSize: 7, usesHostname: false, balanceFactor: 100 } } }],
    ['common_lb_config: {zone_aware_lb_config: {routing_enabled: {value: 33.4}, min_cluster_size: 2}}', { lbPolicy: { config: { locality: { zone: { routingEnabled: 33, minClusterSize: 2, forceLocalMinSize: 0 } } } } }],
    ...['force_local_zone: {}', 'force_locality_direct_routing: true', 'force_local_zone: {min_size: 1}, force_locality_direct_routing: false'].map((force): [string, object] => [
      `load_balancing_policy: {policies: [{typed_extension_config: {name: r, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random, locality_lb_config: {zone_aware_lb_config: {locality_basis: HEALTHY_HOSTS_WEIGHT, ${force}}}}}}]}`,
      { lbPolicy: { config: { locality: { zone: { routingEnabled: 100, minClusterSize: 6, forceLocalMinSize: 1, isByWeight: true } } } } },
    ]),
    ['round_robin_lb_config: {slow_start_config: {slow_start_window: 90s, aggression: {default_value: 2, runtime_key: a}, min_weight_percent: {value: 25}}}',
      { lbPolicy: { config: { slowStart: { windowMs: 90_000, aggression: { defaultValue: 2, runtimeKey: 'a' }, minWeight: 0.25 } } } }],
    ['lb_policy: LEAST_REQUEST, least_request_lb_config: {slow_start_config: {slow_start_window: 1.5s}, active_request_bias: {default_value: 2, runtime_key: b}}',
      { lbPolicy: { config: { slowStart: { windowMs: 1500, aggression: { defaultValue: 1, runtimeKey: '' }, minWeight: 0.1 }, activeRequestBias: 2, biasKey: 'b' } } }],
    ['load_balancing_policy: {policies: [{typed_extension_config: {name: r, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin, slow_start_config: {slow_start_window: 5s}}}}]}',
      { lbPolicy: { config: { slowStart: { windowMs: 5000 } } } }],
    ['common_lb_config: {zone_aware_lb_config: {fail_traffic_on_panic: true}}', { lbPolicy: { config: { locality: { failsOnPanic: true } } } }],
    ['common_lb_config: {locality_weighted_lb_config: {}}', { lbPolicy: { config: { locality: { isWeighted: true } } } }],
    ['lb_policy: MAGLEV, common_lb_config: {locality_weighted_lb_config: {}}', { lbPolicy: { config: { isLocalityWeighted: true } } }],
    ['load_balancing_policy: {policies: [{typed_extension_config: {name: m, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.maglev.v3.Maglev, consistent_hashing_lb_config: {hash_policy: [{header: {header_name: h}}]}}}}]}',
      { requestPolicies: { hashPolicies: [{ kind: 'header', name: 'h' }], isHashOfBalancer: true, mirrorPolicies: [], retries: null } }],
    [overrideHost('override_host_sources: [{header: X-Host}, {metadata: {key: k, path: [{key: a}, {key: b}]}}]'),
      { lbPolicy: { name: 'rr' }, overrideHosts: [{ headerName: 'x-host', metadataFilter: '' }, { headerName: '', metadataFilter: 'k', metadataPath: ['a', 'b'] }] }],
    [`load_balancing_policy: {policies: [${CLIENT_SIDE_POLICY}]}`, { lbPolicy: { name: 'cs' }, loadWeights: { metrics: [], errorPenalty: 0, blackoutMs: 10_000, expirationMs: 180_000, updateMs: 1000 } }],
    [wrrLocality(CLIENT_SIDE_POLICY.replace('Robin}', 'Robin, metric_names_for_computing_utilization: [named_metrics.a], error_utilization_penalty: 0.5, blackout_period: 1s, weight_expiration_period: 2s, weight_update_period: 0.1s, slow_start_config: {slow_start_window: 3s}}')),
      { lbPolicy: { name: 'w', config: { picking: { name: 'cs', config: { slowStart: { windowMs: 3000 } } } } }, loadWeights: { metrics: ['named_metrics.a'], errorPenalty: 0.5, blackoutMs: 1000, expirationMs: 2000, updateMs: 100 } }],
    [overrideHost('override_host_sources: [{header: a}]', CLIENT_SIDE_POLICY), { lbPolicy: { name: 'cs' }, loadWeights: { updateMs: 1000 } }],
    ['lb_policy: RANDOM', { lbPolicy: { name: 'envoy.load_balancing_policies.random', config: {} } }],
    ['load_balancing_policy: {policies: [{typed_extension_config: {name: lr, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest, selection_method: FULL_SCAN}}}]}',
      { lbPolicy: { name: 'lr', config: { choiceCount: 2, activeRequestBias: 1, isFullScan: true } } }],
    ['load_balancing_policy: {policies: [{typed_extension_config: {name: new, typed_config: {"@type": type.googleapis.com/google.protobuf.Struct}}}, {typed_extension_config: {name: rr, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin}}}]}', { lbPolicy: { name: 'rr' } }],
  ])('%s', (fields, expected) => {
    const { config, errors } = parse(`${fields}, ${endpoints(address('1.2.3.4'))}`);
    expect(errors).toEqual([]);
    expect(config).toMatchObject(expected);
  });

  it.each<[string, string[]]>([
    [endpoints(address('localhost')), ["malformed IP address: localhost. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'"]],
    [`type: LOGICAL_DNS, ${endpoints(address('a'), address('b'))}`, ['LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint']],
    ['type: LOGICAL_DNS', ['LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint']],
    ['type: EDS, eds_cluster_config: {eds_config: {ads: {}}}', ['feature not supported: xDS (endpoint discovery)']],
    ['lb_policy: MAGLEV, maglev_lb_config: {table_size: 4}', ['The table size of maglev must be prime number']],
    ['lb_policy: RING_HASH, ring_hash_lb_config: {maximum_ring_size: 4}', ['ring hash: minimum_ring_size (1024) > maximum_ring_size (4)']],
    ['type: LOGICAL_DNS, common_lb_config: {consistent_hashing_lb_config: {use_hostname_for_hashing: true}}, load_assignment: {cluster_name: c, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: a, port_value: 1}}}}]}]}',
      ["Cannot use hostname for consistent hashing loadbalancing for cluster of type: 'envoy.cluster.logical_dns'"]],
    [`common_lb_config: {locality_weighted_lb_config: {}}, load_balancing_policy: {policies: [{typed_extension_config: {name: m, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.maglev.v3.Maglev}}}]}`,
      ['cluster: load_balancing_policy cannot be combined with partial fields (zone_aware_lb_config, locality_weighted_lb_config, consistent_hashing_lb_config) of common_lb_config']],
    [wrrLocality(), ['Proto constraint validation failed (WrrLocalityValidationError.EndpointPickingPolicy: value is required)']],
    [wrrLocality('{}'), ['No supported endpoint picking policy.']],
    ...[ROUND_ROBIN_POLICY, `${ROUND_ROBIN_POLICY}, ${CLIENT_SIDE_POLICY}`].map((policies): [string, string[]] => [
      wrrLocality(policies), ['Currently WrrLocalityLoadBalancer only supports ClientSideWeightedRoundRobinLoadBalancer as its endpoint picking policy.'],
    ]),
    [subsetPolicy(`subset_selectors: [{keys: [a]}], subset_lb_policy: {policies: [${CLIENT_SIDE_POLICY}]}`),
      ['feature not supported: weights by load within subsets (client_side_weighted_round_robin, wrr_locality)']],
    ['load_balancing_policy: {policies: [{typed_extension_config: {name: p, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided}}}]}',
      ["cluster manager: cluster provided LB specified but cluster 'c' did not provide one. Check cluster documentation."]],
    ...([['random_subsetting.v3.RandomSubsetting', ', subset_size: 2, child_policy: {}'], ['pick_first.v3.PickFirst', '']] as const).map(([type, fields]): [string, string[]] => [
      `load_balancing_policy: {policies: [{typed_extension_config: {name: p, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.${type}${fields}}}}, ${ROUND_ROBIN_POLICY}]}`,
      [`Unable to parse JSON as proto (INVALID_ARGUMENT: could not find @type 'type.googleapis.com/envoy.extensions.load_balancing_policies.${type}')`],
    ]),
    [overrideHost('override_host_sources: [{}]'), ['Empty override source']],
    [overrideHost('override_host_sources: [{header: a, metadata: {key: k, path: [{key: a}]}}]'), ['Only one override source must be set']],
    [overrideHost('override_host_sources: [{header: a}]', ''), ["dynamic forwarding LB: didn't find a registered fallback load balancer factory with names from "]],
    [subsetPolicy(`subset_selectors: [{keys: [a]}], subset_lb_${overrideHost('override_host_sources: [{header: a}]').slice('load_balancing_'.length)}`),
      ['feature not supported: hosts named by requests within subsets (override_host)']],
    ['lb_policy: CLUSTER_PROVIDED', ["cluster manager: cluster provided LB specified but cluster 'c' did not provide one. Check cluster documentation."]],
    ['lb_policy: LOAD_BALANCING_POLICY_CONFIG', ['cluster: field load_balancing_policy need to be set']],
    ['http2_protocol_options: {}', ['feature not supported: HTTP/2 to upstreams']],
    ['http_protocol_options: {}, http2_protocol_options: {}', ["cluster: Both HTTP1 and HTTP2 options may only be configured with non-default 'protocol_selection' values"]],
    [httpOptions('explicit_http_config: {http2_protocol_options: {}}'), ['feature not supported: HTTP/2 to upstreams']],
    [httpOptions(`http_filters: [${CODEC}], explicit_http_config: {http_protocol_options: {}}`), []],
    [httpOptions(`http_filters: [{name: buffer}, ${CODEC}], explicit_http_config: {http_protocol_options: {}}`), ["Didn't find a registered implementation for 'buffer' with type URL: ''"]],
    [httpOptions('auto_config: {}'), ['feature not supported: choosing the upstream protocol by ALPN (TLS)']],
    ['typed_extension_protocol_options: {foo: {"@type": type.googleapis.com/google.protobuf.Struct}}', ["Didn't find a registered network or http filter or protocol options implementation for name: 'foo'"]],
    ['type: STRICT_DNS, dns_failure_refresh_rate: {base_interval: 5s, max_interval: 1s}', ['dns_failure_refresh_rate must have max_interval greater than or equal to the base_interval']],
    ['lb_policy: CLUSTER_PROVIDED, lb_subset_config: {subset_selectors: [{keys: [a]}]}', ['cluster: LB policy CLUSTER_PROVIDED cannot be combined with lb_subset_config']],
    ['lb_subset_config: {subset_selectors: [{keys: [a], fallback_policy: KEYS_SUBSET}]}', ['fallback_keys_subset cannot be empty']],
    ['lb_subset_config: {subset_selectors: [{keys: [a], fallback_policy: NO_FALLBACK, fallback_keys_subset: [a]}]}', ['fallback_keys_subset can be set only for KEYS_SUBSET fallback_policy']],
    ['lb_subset_config: {subset_selectors: [{keys: [a], fallback_policy: KEYS_SUBSET, fallback_keys_subset: [b]}]}', ['fallback_keys_subset must be a subset of selector keys']],
    ['lb_subset_config: {subset_selectors: [{keys: [a, b], fallback_policy: KEYS_SUBSET, fallback_keys_subset: [b, a]}]}', ['fallback_keys_subset cannot be equal to keys']],
    [`${subsetPolicy('subset_selectors: [{keys: [a]}], subset_lb_policy: {policies: []}')}`, ["cluster: didn't find a registered load balancer factory implementation for subset lb with names from []"]],
    [`lb_policy: MAGLEV, ${weighted('', 4294967295, 1)}`, ['The sum of weights of all upstream hosts in a locality exceeds 4294967295']],
    [`lb_policy: RING_HASH, ${weighted('', 4294967295, 1)}`, ['The sum of weights of all upstream hosts in a locality exceeds 4294967295']],
    [`lb_policy: RING_HASH, common_lb_config: {locality_weighted_lb_config: {}}, ${weighted('load_balancing_weight: 4294967295, ', 1, 1)}`, ['The sum of weights of all localities at the same priority exceeds 4294967295']],
    ['transport_socket: {name: alts, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.alts.v3.Alts, handshaker_service: x}}', ["Didn't find a registered implementation for 'alts' with type URL: 'envoy.extensions.transport_sockets.alts.v3.Alts'"]],
    ['cluster_type: {name: envoy.clusters.redis}', [expect.stringContaining('envoy.clusters.redis')]],
  ])('refuses %s', (fields, expected) => {
    expect(parse(fields).errors).toEqual(expected);
  });

  it('says which responses are errors and what becomes of connections to hosts that fail', () => {
    const check = 'health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {}}]';
    const matcher = 'explicit_http_config: {http_protocol_options: {}}, outlier_detection: {error_matcher: {http_response_headers_match: {headers: [{name: a, present_match: true}]}}}';
    const both = parse(`outlier_detection: {split_external_local_origin_errors: true}, close_connections_on_host_health_failure: true, ${check}, ${httpOptions(matcher)}`);
    expect([both.errors, both.warnings()]).toEqual([[], []]);
    expect(both.config).toMatchObject({
      isHealthChecked: true, closesOnHealthFailure: true,
      outliers: { splitsLocalOrigin: true, errors: { kind: 'headers', headers: [expect.objectContaining({ name: 'a', kind: 'present' })] } },
    });
    expect(structuredClone(both.config)).toEqual(both.config);
    const neither = parse('close_connections_on_host_health_failure: true');
    expect([neither.config.closesOnHealthFailure, neither.warnings()]).toEqual([false, [expect.stringContaining('close_connections_on_host_health_failure')]]);
  });

  it.each<[string, string]>([
    ['weights that no policy sums up', weighted('', 4294967295, 1)],
    ['weights that just fit', `lb_policy: MAGLEV, ${weighted('', 4294967294, 1)}`],
    ['gaps in priorities', 'load_assignment: {cluster_name: c, endpoints: [{priority: 3, lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 1}}}}]}]}'],
    ['addresses that come twice', endpoints(address('1.2.3.4'), address('1.2.3.4'))],
    ['no hosts', 'load_assignment: {cluster_name: c, endpoints: []}'],
    ['subsets without a selector', `lb_subset_config: {fallback_policy: ANY_ENDPOINT}, ${endpoints(address('1.2.3.4'))}`],
    ['one host per subset with several selectors', `lb_subset_config: {subset_selectors: [{keys: [a, b], single_host_per_subset: true}, {keys: [a]}]}, ${endpoints(address('1.2.3.4'))}`],
  ])('takes %s, as Envoy does', (_what, fields) => {
    expect(parse(fields).errors).toEqual([]);
  });

  it('reads subsets from the old field and from the policy alike', () => {
    const selectors = 'fallback_policy: DEFAULT_SUBSET, default_subset: {stage: prod}, list_as_any: true, metadata_fallback_policy: FALLBACK_LIST, subset_selectors: [{keys: [b, a], fallback_policy: KEYS_SUBSET, fallback_keys_subset: [a]}, {keys: []}]';
    const old = parse(`lb_policy: RANDOM, common_lb_config: {locality_weighted_lb_config: {}}, lb_subset_config: {${selectors}}, ${endpoints(address('1.2.3.4'))}`);
    const typed = parse(`${subsetPolicy(`${selectors}, allow_redundant_keys: true, subset_lb_policy: {policies: [{typed_extension_config: {name: r, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random}}}]}`)}, ${endpoints(address('1.2.3.4'))}`);
    expect([old.errors, typed.errors]).toEqual([[], []]);
    const subsets = {
      fallback: 'default_subset', defaultSubset: { stage: 'prod' }, listAsAny: true, hasFallbackList: true, isLocalityWeightAware: false,
      selectors: [{ keys: ['a', 'b'], fallback: 'keys_subset', fallbackKeys: ['a'], isSingleHost: false }],
    };
    expect(old.config.lbPolicy).toMatchObject({
      name: 'envoy.load_balancing_policies.subset', config: { subsets: { ...subsets, allowsRedundantKeys: false }, child: { name: 'envoy.load_balancing_policies.random', config: { locality: { isWeighted: false } } } },
    });
    expect(typed.config.lbPolicy).toMatchObject({ name: 's', config: { subsets: { ...subsets, allowsRedundantKeys: true }, child: { name: 'r' } } });
  });

  it('warns of what has no effect', () => {
    const { errors, warnings } = parse(`dns_refresh_rate: 1s, outlier_detection: {monitors: [{name: m, typed_config: {"@type": type.googleapis.com/envoy.extensions.outlier_detection_monitors.consecutive_errors.v3.ConsecutiveErrors}}]}, ${endpoints(address('1.2.3.4'))}`);
    expect(errors).toEqual([]);
    expect(warnings()).toEqual(['dns_refresh_rate', 'outlier_detection.monitors'].map((field) => expect.stringContaining(field)));
  });
});
