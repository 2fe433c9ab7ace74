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
const dnsDefaults = { refreshRateMs: 5000, failureBaseMs: 5000, failureMaxMs: 5000, respectTtl: false, jitterMs: 0, lookupFamily: 'auto', resolvers: [], useTcp: false };

describe('parseCluster', () => {
  it('has the documented defaults', () => {
    const { config, discovery, errors, warnings } = parse(endpoints(address('1.2.3.4')));
    expect([errors, warnings()]).toEqual([[], []]);
    expect(config).toEqual({
      name: 'c', statName: 'c', connectTimeoutMs: 5000, perConnectionBufferLimitBytes: 1 << 20, preconnectRatio: 1, maxRequestsPerConnection: 0, idleTimeoutMs: 3_600_000,
      maxConnectionDurationMs: 0, maxStreamDurationMs: 0, maxResponseHeadersKb: 80, maxResponseHeadersCount: 100, defaultThresholds: DEFAULT_THRESHOLDS, highThresholds: DEFAULT_THRESHOLDS,
      lbPolicy: { name: 'envoy.load_balancing_policies.round_robin', typeName: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin', config: { locality: { failsOnPanic: false, isWeighted: false } } }, provided: null,
      protocol: 'http1', http1: { enableTrailers: false, properCaseWords: false, preserveCase: null, sendFullyQualifiedUrl: false }, transportSocket: null, tcpKeepAlive: null,
      bindAddress: null, otherBindAddress: null, socketOptions: null, addressOrder: { firstFamily: 'first', firstCount: 1 }, isLogical: false, closesOnHostSetChange: false, healthyPanicThreshold: 50, overprovisioningFactor: 140, weightedPriorityHealth: false, dropOverload: null, autoHostRewriteAllowed: false, outliers: null, metadata: {},
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

  it.each<[string, object]>([
    ['alt_stat_name: s, connect_timeout: 0.25s, per_connection_buffer_limit_bytes: 5', { statName: 's', connectTimeoutMs: 250, perConnectionBufferLimitBytes: 5 }],
    ['circuit_breakers: {thresholds: [{max_connections: 1, max_requests: 0}, {priority: HIGH, max_retries: 9, track_remaining: true}, {max_connections: 5}]}',
      { defaultThresholds: { ...DEFAULT_THRESHOLDS, maxConnections: 1, maxRequests: 0 }, highThresholds: { ...DEFAULT_THRESHOLDS, maxRetries: 9, trackRemaining: true } }],
    ['circuit_breakers: {thresholds: [{retry_budget: {}}, {priority: HIGH, retry_budget: {budget_percent: {value: 12.5}, min_retry_concurrency: 0}}]}',
      { defaultThresholds: { ...DEFAULT_THRESHOLDS, retryBudget: { percent: 20, minConcurrency: 3 } }, highThresholds: { ...DEFAULT_THRESHOLDS, retryBudget: { percent: 12.5, minConcurrency: 0 } } }],
    [httpOptions('common_http_protocol_options: {idle_timeout: 1s, max_requests_per_connection: 4, max_headers_count: 9, max_response_headers_kb: 7, max_connection_duration: 2s}, explicit_http_config: {http_protocol_options: {enable_trailers: true, header_key_format: {proper_case_words: {}}}}'),
      { idleTimeoutMs: 1000, maxRequestsPerConnection: 4, maxResponseHeadersCount: 9, maxResponseHeadersKb: 7, maxConnectionDurationMs: 2000, http1: { enableTrailers: true, properCaseWords: true, preserveCase: null, sendFullyQualifiedUrl: false } }],
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
    ['common_lb_config: {zone_aware_lb_config: {fail_traffic_on_panic: true}}', { lbPolicy: { config: { locality: { failsOnPanic: true } } } }],
    ['common_lb_config: {locality_weighted_lb_config: {}}', { lbPolicy: { config: { locality: { isWeighted: true } } } }],
    ['lb_policy: MAGLEV, common_lb_config: {locality_weighted_lb_config: {}}', { lbPolicy: { config: { isLocalityWeighted: true } } }],
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
    ['load_balancing_policy: {policies: [{typed_extension_config: {name: m, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.maglev.v3.Maglev, consistent_hashing_lb_config: {hash_policy: [{header: {header_name: h}}]}}}}]}',
      ['feature not supported: hash policies of a load balancer (those of routes work)']],
    ['lb_policy: CLUSTER_PROVIDED', ["cluster manager: cluster provided LB specified but cluster 'c' did not provide one. Check cluster documentation."]],
    ['lb_policy: LOAD_BALANCING_POLICY_CONFIG', ['cluster: field load_balancing_policy need to be set']],
    ['http2_protocol_options: {}', ['feature not supported: HTTP/2 to upstreams']],
    ['http_protocol_options: {}, http2_protocol_options: {}', ["cluster: Both HTTP1 and HTTP2 options may only be configured with non-default 'protocol_selection' values"]],
    [httpOptions('explicit_http_config: {http2_protocol_options: {}}'), ['feature not supported: HTTP/2 to upstreams']],
    [httpOptions('auto_config: {}'), ['feature not supported: choosing the upstream protocol by ALPN (TLS)']],
    ['typed_extension_protocol_options: {foo: {"@type": type.googleapis.com/google.protobuf.Struct}}', ["Didn't find a registered network or http filter or protocol options implementation for name: 'foo'"]],
    ['type: STRICT_DNS, dns_failure_refresh_rate: {base_interval: 5s, max_interval: 1s}', ['dns_failure_refresh_rate must have max_interval greater than or equal to the base_interval']],
    ['lb_subset_config: {}', ['feature not supported: subset load balancing']],
    ['transport_socket: {name: tls, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext}}', ["Didn't find a registered implementation for 'tls' with type URL: 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'"]],
    ['cluster_type: {name: envoy.clusters.redis}', [expect.stringContaining('envoy.clusters.redis')]],
  ])('refuses %s', (fields, expected) => {
    expect(parse(fields).errors).toEqual(expected);
  });

  it('warns of what has no effect', () => {
    const { errors, warnings } = parse(`dns_refresh_rate: 1s, outlier_detection: {monitors: [{name: m, typed_config: {"@type": type.googleapis.com/envoy.extensions.outlier_detection_monitors.consecutive_errors.v3.ConsecutiveErrors}}]}, ${endpoints(address('1.2.3.4'))}`);
    expect(errors).toEqual([]);
    expect(warnings()).toEqual(['dns_refresh_rate', 'outlier_detection.monitors'].map((field) => expect.stringContaining(field)));
  });
});
