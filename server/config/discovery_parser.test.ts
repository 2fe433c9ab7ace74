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
