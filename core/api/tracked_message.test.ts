import { describe, expect, it } from 'vitest';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import type { Cluster } from './gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { Route } from './gen/envoy/config/route/v3/route_components_pb.d.ts';

const CLUSTER = 'envoy.config.cluster.v3.Cluster';

/** Paths of unread fields after `read`. */
function unread<T>(yaml: string, type: string, read: (message: T) => void): string[] {
  const parsed = parseYamlMessage(yaml, type);
  expect(parsed.errors()).toEqual([]);
  read(parsed.message as T);
  return parsed.config.tracked.unreadFields(parsed.config.rawRoot()).map((field) => field.path);
}

describe('tracked messages', () => {
  it('list set fields that nobody read, with position', () => {
    const parsed = parseYamlMessage('name: a\nalt_stat_name: b\nlb_policy: RANDOM\n', CLUSTER);
    void (parsed.message as Cluster).name;
    expect(parsed.warnings()).toEqual([
      'alt_stat_name (envoy.config.cluster.v3.Cluster.alt_stat_name) has no effect here',
      'lb_policy (envoy.config.cluster.v3.Cluster.lb_policy) has no effect here',
    ]);
    const range = parsed.config.problems.warnings()[0].range;
    expect(range?.source.lineColumn(range.start)).toEqual({ line: 2, column: 16 });
  });

  it('list an unread message once, not its fields', () => {
    expect(unread<Cluster>('{name: a, outlier_detection: {interval: 5s, consecutive_5xx: 3}}', CLUSTER, (c) => void c.name)).toEqual(['outlier_detection']);
  });

  it('count fields inside a read message one by one', () => {
    const paths = unread<Cluster>('{name: a, outlier_detection: {interval: 5s, consecutive_5xx: 3}}', CLUSTER, (c) => [c.name, c.outlierDetection?.consecutive5xx]);
    expect(paths).toEqual(['outlier_detection.interval']);
  });

  it('do not count a scalar set to its proto3 default', () => {
    expect(unread<Cluster>('{name: a, respect_dns_ttl: false, lb_policy: ROUND_ROBIN}', CLUSTER, (c) => void c.name)).toEqual([]);
  });

  it('count an untouched list element as one finding', () => {
    const yaml = '{name: a, health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {}}]}';
    expect(unread<Cluster>(yaml, CLUSTER, (c) => [c.name, c.healthChecks.length])).toEqual(['health_checks[0]']);
  });

  it('count a oneof message member by its case and a scalar member by its value', () => {
    const route = 'envoy.config.route.v3.Route';
    const yaml = '{match: {prefix: /a}, redirect: {host_redirect: h}}';
    const readAction = (r: Route) => void r.action.case;
    expect(unread<Route>(yaml, route, (r) => { readAction(r); void r.match?.pathSpecifier.case; })).toEqual(['match.prefix', 'redirect.host_redirect']);
    expect(unread<Route>(yaml, route, (r) => {
      if (r.action.case === 'redirect') void r.action.value.hostRedirect;
      void r.match?.pathSpecifier.value;
    })).toEqual([]);
  });

  it('count the fields of an opened Any, and an Any that nobody opened', () => {
    const yaml = '{name: a, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 5}}';
    const type = 'envoy.config.core.v3.TypedExtensionConfig';
    expect(unread<{ typedConfig: object; name: string }>(yaml, type, (m) => [m.name, m.typedConfig])).toEqual(['typed_config']);
    const parsed = parseYamlMessage(yaml, type);
    const holder = parsed.message as { typedConfig: { typeUrl: string }; name: string };
    void holder.name;
    parsed.context.unpackAny(holder.typedConfig);
    expect(parsed.warnings()).toEqual(['typed_config.max_request_bytes (envoy.extensions.filters.http.buffer.v3.Buffer.max_request_bytes) has no effect here']);
  });

  it('take a consumed subtree as read', () => {
    const parsed = parseYamlMessage('{name: a, outlier_detection: {interval: 5s}}', CLUSTER);
    void (parsed.message as Cluster).name;
    parsed.context.consume(parsed.message, 'outlier_detection');
    expect(parsed.warnings()).toEqual([]);
  });

  it('give the same view for the same message, in lists and maps too', () => {
    const message = parseYamlMessage('{name: a, health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {}}]}', CLUSTER).message as Cluster;
    expect(message.healthChecks[0]).toBe(message.healthChecks[0]);
    expect(message.healthChecks).toBe(message.healthChecks);
  });

  it('cannot be written to', () => {
    const message = parseYamlMessage('{name: a}', CLUSTER).message as Cluster;
    expect(() => {
      message.name = 'b';
    }).toThrow(TypeError);
  });

  it('survive a map key that is called __proto__', () => {
    const parsed = parseYamlMessage('node: {metadata: {__proto__: {x: 1}}}', 'envoy.config.bootstrap.v3.Bootstrap');
    expect(parsed.errors()).toEqual([]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});
