import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import { SYSTEM_RESOLVER } from '../../core/upstream/dns_options.ts';
import { configRegistry } from '../../test/support/config_registry.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import { parseCluster } from './cluster_parser.ts';

function parse(fields: string) {
  const parsed = parseYamlMessage(`{name: c, ${fields}}`, 'envoy.config.cluster.v3.Cluster', configRegistry());
  const { config, discovery } = parseCluster(parsed.message as Cluster, { resolver: SYSTEM_RESOLVER, bindConfig: undefined }, parsed.context);
  return { config, discovery, errors: parsed.errors(), warnings: () => parsed.warnings().filter((text) => !text.startsWith('Deprecated')) };
}

const hosts = 'load_assignment: {cluster_name: c, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 1.2.3.4, port_value: 80}}}}]}]}';
const destination = 'type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED';
const aggregateType = (members: string): string =>
  `cluster_type: {name: envoy.clusters.aggregate, typed_config: {"@type": type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig, clusters: [${members}]}}`;
const provided = 'load_balancing_policy: {policies: [{typed_extension_config: {name: p, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided}}}]}';
const roundRobin = 'load_balancing_policy: {policies: [{typed_extension_config: {name: p, typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin}}}]}';

describe('clusters that choose their hosts themselves', () => {
  it.each<[string, object]>([
    [destination, { kind: 'original_dst', headerName: '', metadataFilter: '', metadataPath: [], portOverride: 0 }],
    [`${destination}, original_dst_lb_config: {use_http_header: true}`, { headerName: 'x-envoy-original-dst-host' }],
    [`${destination}, original_dst_lb_config: {use_http_header: true, http_header_name: X-To, upstream_port_override: 99}`, { headerName: 'x-to', portOverride: 99 }],
    [`${destination}, original_dst_lb_config: {metadata_key: {key: ns, path: [{key: a}, {key: b}]}}`, { metadataFilter: 'ns', metadataPath: ['a', 'b'] }],
    ['cluster_type: {name: envoy.cluster.original_dst}, lb_policy: CLUSTER_PROVIDED', { kind: 'original_dst' }],
    [`${aggregateType('a, b, c')}, lb_policy: CLUSTER_PROVIDED`, { kind: 'aggregate', clusters: ['a', 'b', 'c'] }],
    [`${aggregateType('a')}, ${provided}`, { kind: 'aggregate', clusters: ['a'] }],
  ])('are read: %s', (fields, expected) => {
    const { config, errors, warnings } = parse(fields);
    expect([errors, warnings()]).toEqual([[], []]);
    expect(config.provided).toMatchObject(expected);
  });

  it('look for hosts that nobody uses every 5 s, or as configured', () => {
    expect(parse(destination).discovery).toEqual({ kind: 'original_dst', endpoints: [], cleanupIntervalMs: 5000 });
    expect(parse(`${destination}, cleanup_interval: 0.5s`).discovery).toMatchObject({ cleanupIntervalMs: 500 });
  });

  it('say so when hosts that are configured are never used', () => {
    const { errors, warnings } = parse(`${aggregateType('a')}, lb_policy: CLUSTER_PROVIDED, ${hosts}`);
    expect([errors, warnings()]).toEqual([[], ['an aggregate cluster has no hosts of its own: these are never used']]);
  });

  const notProvided = "cluster manager: cluster provided LB specified but cluster 'c' did not provide one. Check cluster documentation.";
  const notAsked = "cluster manager: cluster provided LB not specified but cluster 'c' provided one. Check cluster documentation.";
  const onlyProvided = (policy: string): string => `cluster: LB policy ${policy} is not valid for Cluster type ORIGINAL_DST. Only 'CLUSTER_PROVIDED' is allowed with cluster type 'ORIGINAL_DST'`;
  it.each<[string, string]>([
    [`${destination}, ${hosts}`, 'ORIGINAL_DST clusters must have no load assignment configured'],
    ['type: ORIGINAL_DST', onlyProvided('ROUND_ROBIN')],
    ['type: ORIGINAL_DST, lb_policy: LEAST_REQUEST', onlyProvided('LEAST_REQUEST')],
    [`type: ORIGINAL_DST, ${roundRobin}`, onlyProvided('ROUND_ROBIN')],
    [`${destination}, original_dst_lb_config: {http_header_name: x-a}`,
      'ORIGINAL_DST cluster: invalid config http_header_name=x-a and use_http_header is false. Set use_http_header to true if http_header_name is desired.'],
    [`${destination}, lb_subset_config: {}`, 'cluster: LB policy CLUSTER_PROVIDED cannot be combined with lb_subset_config'],
    ['cluster_type: {name: envoy.cluster.original_dst}', notAsked],
    [aggregateType('a'), notAsked],
    [`${aggregateType('a')}, ${roundRobin}`, notAsked],
    [`lb_policy: CLUSTER_PROVIDED, ${hosts}`, notProvided],
    [`${provided}, ${hosts}`, notProvided],
  ])('are refused: %s', (fields, expected) => {
    expect(parse(fields).errors).toEqual([expected]);
  });
});

describe('the sockets of upstream connections', () => {
  const v4 = '{address: 127.0.0.2, port_value: 0}';
  const v6 = '{address: "::1", port_value: 0}';

  it('come from an address per family, with options', () => {
    const { config, errors, warnings } = parse(`${hosts}, upstream_connection_options: {set_local_interface_name_on_upstream_connections: true,
      happy_eyeballs_config: {first_address_family_version: V6, first_address_family_count: 2}},
      upstream_bind_config: {source_address: ${v4}, extra_source_addresses: [{address: ${v6}}], freebind: true, socket_options: [
        {description: x, level: 1, name: 9, int_value: 1},
        {level: 6, name: 5, buf_value: AQIDBAU=, state: STATE_BOUND, ip_version: SOCKET_IP_VERSION_IPV6, type: {stream: {}}},
        {level: 6, name: 6, int_value: 1, state: STATE_LISTENING}, {level: 6, name: 7, int_value: 1, type: {datagram: {}}}],
        local_address_selector: {name: d, typed_config: {"@type": type.googleapis.com/envoy.config.upstream.local_address_selector.v3.DefaultLocalAddressSelector}}}`);
    expect(errors).toEqual([]);
    // The option of listening sockets, and that of datagrams.
    expect(warnings().every((text) => /socket_options\[[23]\].*no effect/.test(text))).toBe(true);
    expect(config).toMatchObject({ bindAddress: { address: '127.0.0.2' }, otherBindAddress: { address: '::1' }, addressOrder: { firstFamily: 'v6', firstCount: 2 } });
    expect(config.socketOptions?.v4).toEqual(Int32Array.of(0, 0, 15, 4, 1, 0, 1, 9, 4, 1));
    expect(config.socketOptions?.v6).toEqual(Int32Array.of(0, 41, 78, 4, 1, 0, 1, 9, 4, 1, 1, 6, 5, 5, 0x04030201, 5));
    expect(structuredClone(config.socketOptions)).toEqual(config.socketOptions);
  });

  it('of static hosts go to all their addresses', () => {
    const at = (address: string): string => `{address: {socket_address: {address: "${address}", port_value: 80}}}`;
    const list = (more: string, type = ''): string => `${type}load_assignment: {cluster_name: c, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 1.2.3.4, port_value: 80}}, additional_addresses: [${more}]}}]}]}`;
    expect(parse(list(`${at('::1')}, ${at('1.2.3.5')}`)).discovery.endpoints[0].additional).toEqual([{ address: '::1', port: 80 }, { address: '1.2.3.5', port: 80 }]);
    expect(parse(list(at('::1'), 'type: STRICT_DNS, ')).warnings()).toEqual([expect.stringContaining('additional_addresses')]);
    expect(parse(list('{address: {pipe: {path: /s}}}')).errors).toEqual(['additional_addresses must be IP addresses.']);
    expect(parse(list(at('name'))).errors).toEqual(["malformed IP address: name. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'"]);
    expect(parse(list('{}')).errors).toEqual(['Address must be set']);
  });

  it.each<[string, string]>([
    [`extra_source_addresses: [{address: ${v4}}]`, "Cluster c's upstream binding config has extra/additional source addresses but no source_address. Extra/additional addresses cannot be specified if source_address is not set."],
    [`source_address: ${v4}, additional_source_addresses: [${v6}], extra_source_addresses: [{address: ${v6}}]`, "Can't specify both `extra_source_addresses` and `additional_source_addresses` in the Cluster c's upstream binding config"],
    [`source_address: ${v4}, extra_source_addresses: [{address: ${v6}}, {address: ${v6}}]`,
      "Cluster c's upstream binding config has more than one extra/additional source addresses. Only one extra/additional source can be supported in BindConfig's extra_source_addresses/additional_source_addresses field"],
    [`source_address: ${v4}, extra_source_addresses: [{address: ${v4}}]`,
      "Cluster c's upstream binding config has two same IP version source addresses. Only two different IP version source addresses can be supported in BindConfig's source_address and extra_source_addresses/additional_source_addresses fields"],
    ['source_address: {address: name, port_value: 0}', 'malformed IP address: name'],
    [`source_address: ${v4}, local_address_selector: {name: s, typed_config: {"@type": type.googleapis.com/google.protobuf.Struct}}`, "Didn't find a registered implementation for 's' with type URL: 'google.protobuf.Struct'"],
  ])('are refused: %s', (fields, expected) => {
    expect(parse(`${hosts}, upstream_bind_config: {${fields}}`).errors).toEqual([expected]);
  });
});

it.each<[string, string[]]>([
  ['{category: a, drop_percentage: {numerator: 100}}', []],
  ['{category: a, drop_percentage: {numerator: 110}}', ['Cluster drop_overloads config is invalid. drop_ratio=1.1(Numerator 110 / Denominator 100). The valid range is 0~1.']],
  ['{category: a}, {category: b}', ['Cluster drop_overloads config has 2 categories. Envoy only support one.']],
])('drops overload as Envoy takes it: %s', (drops, expected) => {
  expect(parse(`load_assignment: {cluster_name: c, policy: {drop_overloads: [${drops}]}}`).errors).toEqual(expected);
});

describe('a port by name', () => {
  const endpoint = (address: string): string => `load_assignment: {cluster_name: c, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: ${address}, named_port: http}}}}]}]}`;
  it.each(['STRICT_DNS', 'LOGICAL_DNS'])('is port 0 in a cluster of type %s', (type) => {
    const ours = parse(`type: ${type}, ${endpoint('localhost')}`);
    expect([ours.errors, ours.warnings()]).toEqual([[], ['ports are not looked up by name, as in Envoy: hosts get port 0']]);
    expect(ours.discovery).toMatchObject({ endpoints: [{ address: 'localhost', port: 0 }] });
  });

  it('is refused where addresses are numbers', () => {
    expect(parse(endpoint('127.0.0.1')).errors).toEqual(["IP resolver can't handle port specifier type 4. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'"]);
    expect(parse('type: STRICT_DNS, dns_resolvers: [{socket_address: {address: 127.0.0.1, named_port: dns}}]').errors).toEqual(["IP resolver can't handle port specifier type 4"]);
  });
});

describe('how names are resolved', () => {
  const cares = (fields: string): string => `typed_dns_resolver_config: {name: x, typed_config: {"@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig, ${fields}}}`;
  const defaults = { timeoutMs: 5000, tries: 4, rotates: false, usesSearchList: true, resolversAreFallback: false, filtersUnroutable: false, udpMaxQueries: 0 };
  it.each<[string, object | undefined]>([
    ['', undefined],
    [cares('query_timeout_seconds: 2, query_tries: 3'), { ...defaults, timeoutMs: 2000, tries: 3 }],
    // What c-ares takes as an int and finds not to be above 0 is its own default.
    [cares('query_timeout_seconds: 0, query_tries: 0'), { ...defaults, timeoutMs: 2000, tries: 3 }],
    [cares('query_timeout_seconds: 4294967295, query_tries: 4294967295'), { ...defaults, timeoutMs: 2000, tries: 3 }],
    [cares('rotate_nameservers: true, udp_max_queries: 7'), { ...defaults, rotates: true, udpMaxQueries: 7 }],
    [cares('use_resolvers_as_fallback: true, filter_unroutable_families: true'), { ...defaults, resolversAreFallback: true, filtersUnroutable: true }],
    [cares('dns_resolver_options: {no_default_search_domain: true}'), { ...defaults, usesSearchList: false }],
    ['dns_resolution_config: {resolvers: [{socket_address: {address: 127.0.0.1, port_value: 53}}], dns_resolver_options: {no_default_search_domain: true}}', { ...defaults, usesSearchList: false }],
  ])('by %j', (fields, query) => {
    const ours = parse(`type: STRICT_DNS${fields === '' ? '' : `, ${fields}`}`);
    expect([ours.errors, ours.warnings()]).toEqual([[], []]);
    expect(ours.discovery).toMatchObject({ kind: 'strict_dns' });
    expect('dns' in ours.discovery && ours.discovery.dns.query).toEqual(query);
  });

  it('with the resolver of the new cluster type too', () => {
    const { discovery, errors } = parse(`cluster_type: {name: envoy.clusters.dns, typed_config: {"@type": type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster, ${cares('query_tries: 1')}}}, wait_for_warm_on_init: false`);
    expect(errors).toEqual([]);
    expect(discovery).toMatchObject({ dns: { query: { tries: 1 }, startsCold: true } });
  });

  it('with jitter', () => {
    expect(parse('type: STRICT_DNS, dns_jitter: 0.5s').discovery).toMatchObject({ dns: { jitterMs: 500 } });
  });
});
