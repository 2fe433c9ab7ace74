import { describe, expect, it } from 'vitest';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';

function errors(yaml: string, type: string): string[] {
  return parseYamlMessage(yaml, type).errors();
}

function failed(what: string): string {
  return `Proto constraint validation failed (${what})`;
}

const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

describe('validate.rules', () => {
  const cases: [string, string, string, string][] = [
    ['string min_len', 'envoy.config.cluster.v3.Cluster', '{name: ""}', 'ClusterValidationError.Name: value length must be at least 1 characters'],
    ['string max_bytes', 'envoy.config.route.v3.HeaderMatcher', '{name: ""}', 'HeaderMatcherValidationError.Name: value length must be at least 1 characters'],
    ['string in', 'envoy.config.accesslog.v3.ResponseFlagFilter', '{flags: [UH, XX]}', 'ResponseFlagFilterValidationError.Flags: value must be in list'],
    ['number range', 'envoy.type.v3.Percent', '{value: 200}', 'PercentValidationError.Value: value must be inside range [0, 100]'],
    ['number bound', 'envoy.config.core.v3.SocketAddress', '{address: a, port_value: 70000}', 'SocketAddressValidationError.PortValue: value must be less than or equal to 65535'],
    ['NaN', 'envoy.type.v3.Percent', '{value: NaN}', 'PercentValidationError.Value: value must be inside range [0, 100]'],
    ['enum defined_only', 'envoy.config.cluster.v3.Cluster', '{name: a, lb_policy: 77}', 'ClusterValidationError.LbPolicy: value must be one of the defined enum values'],
    ['duration gt', 'envoy.config.cluster.v3.Cluster', '{name: a, connect_timeout: 0s}', 'ClusterValidationError.ConnectTimeout: value must be greater than 0s'],
    ['duration range', 'envoy.config.bootstrap.v3.Bootstrap', '{stats_flush_interval: 400s}', 'BootstrapValidationError.StatsFlushInterval: value must be inside range [0.001s, 300s)'],
    ['repeated min_items', 'envoy.config.route.v3.VirtualHost', '{name: a}', 'VirtualHostValidationError.Domains: value must contain at least 1 item(s)'],
    ['repeated items', 'envoy.config.route.v3.VirtualHost', '{name: a, domains: ["*"], request_headers_to_remove: ["a\\nb"]}', 'VirtualHostValidationError.RequestHeadersToRemove: value must be a valid HTTP header name'],
    ['message required', 'envoy.config.route.v3.Route', '{route: {cluster: a}}', 'RouteValidationError.Match: value is required'],
    ['oneof required', 'envoy.config.route.v3.RouteMatch', '{}', 'RouteMatchValidationError.PathSpecifier: value is required'],
    ['bool const', 'envoy.config.bootstrap.v3.Bootstrap', '{stats_flush_on_admin: false}', 'BootstrapValidationError.StatsFlushOnAdmin: value must equal true'],
    ['duration required', 'envoy.config.core.v3.HealthCheck', '{interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {}}', 'HealthCheckValidationError.Timeout: value is required'],
    ['map keys', 'envoy.config.core.v3.Metadata', '{filter_metadata: {"": {}}}', 'MetadataValidationError.FilterMetadata: key: value length must be at least 1 characters'],
    ['wrapper', 'envoy.config.core.v3.Http2ProtocolOptions', '{max_concurrent_streams: 0}', 'Http2ProtocolOptionsValidationError.MaxConcurrentStreams: value must be inside range [1, 2147483647]'],
    ['int not negative', HCM, '{stat_prefix: a, rds: {route_config_name: x, config_source: {ads: {}}}, max_request_headers_kb: 9000}', 'HttpConnectionManagerValidationError.MaxRequestHeadersKb'],
  ];
  it.each(cases)('%s', (_, type, yaml, text) => {
    const found = errors(yaml, type);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(text);
  });

  it('accepts what the rules allow', () => {
    expect(errors('{name: a, connect_timeout: 1s, lb_policy: MAGLEV}', 'envoy.config.cluster.v3.Cluster')).toEqual([]);
    expect(errors('{match: {prefix: /}, route: {cluster: a}}', 'envoy.config.route.v3.Route')).toEqual([]);
    expect(errors('{path: a, ignored: 1}', 'envoy.config.core.v3.DataSource')).toHaveLength(2);
  });

  it('ignores empty values where ignore_empty says so', () => {
    const yaml = '{cluster: c, request_headers_to_add: []}';
    expect(errors(`{match: {prefix: /}, route: ${yaml.replace(', request_headers_to_add: []', '')}}`, 'envoy.config.route.v3.Route')).toEqual([]);
  });

  it('reaches into Anys, lists and maps, and reports every violation with its position', () => {
    const yaml = [
      'name: l',
      'address: {socket_address: {address: 127.0.0.1, port_value: 99999}}',
      'filter_chains:',
      '- filters:',
      '  - name: ""',
      '    typed_config:',
      `      "@type": type.googleapis.com/${HCM}`,
      '      stat_prefix: ""',
      '      route_config:',
      '        virtual_hosts:',
      '        - name: v',
    ].join('\n');
    const parsed = parseYamlMessage(yaml, 'envoy.config.listener.v3.Listener');
    expect(parsed.errors()).toEqual([
      failed('SocketAddressValidationError.PortValue: value must be less than or equal to 65535'),
      failed('FilterValidationError.Name: value length must be at least 1 characters'),
      failed('HttpConnectionManagerValidationError.StatPrefix: value length must be at least 1 characters'),
      failed('VirtualHostValidationError.Domains: value must contain at least 1 item(s)'),
    ]);
    expect(parsed.config.problems.errors().map((p) => p.range?.source.lineColumn(p.range.start).line)).toEqual([2, 5, 8, 11]);
    expect(parsed.config.problems.errors()[3].path).toBe('filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].domains');
  });

  it('does not call missing what was there but could not be read', () => {
    expect(errors('{address: a, port_value: abc}', 'envoy.config.core.v3.SocketAddress')).toHaveLength(1);
    expect(errors('{match: {prefx: /}, route: {cluster: a}}', 'envoy.config.route.v3.Route')).toHaveLength(1);
  });

  it('wants durations that are not negative', () => {
    const route = (fields: string) => errors(`{match: {prefix: /}, route: {cluster: a, ${fields}}}`, 'envoy.config.route.v3.Route');
    expect(route('timeout: -1s')).toEqual(['Invalid duration: Expected positive duration: -1s']);
    expect(route('timeout: -0.25s, idle_timeout: 0s')).toEqual(['Invalid duration: Expected positive duration: -0.25s']);
    // Where a rule says more, it is the rule that fails.
    expect(route('retry_policy: {retry_back_off: {base_interval: -1s}}')).toEqual([failed('RetryBackOffValidationError.BaseInterval: value must be greater than 0s')]);
  });
});
