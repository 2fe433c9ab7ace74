import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { register as registerRedis } from '../../extensions/health_checkers/redis/config.ts';
import { register as registerThrift } from '../../extensions/health_checkers/thrift/config.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import { parseHealthChecks } from './parse_health_check.ts';

const COMMON = 'timeout: 1s, interval: 2s, unhealthy_threshold: 3, healthy_threshold: 4';

function registry(): FactoryRegistry {
  const all = new FactoryRegistry();
  registerRedis(all);
  registerThrift(all);
  return all;
}

function parse(...checks: string[]) {
  return parseFor(true, checks);
}

function parseFor(offersHttp2: boolean, checks: readonly string[], hasTls = false) {
  const parsed = parseYamlMessage(`{ name: c, health_checks: [${checks.map((check) => `{ ${COMMON}, ${check} }`).join(', ')}] }`, 'envoy.config.cluster.v3.Cluster', registry());
  const config = parseHealthChecks({ message: parsed.message as Cluster, offersHttp2, hasTls }, parsed.context);
  return { config, errors: parsed.errors(), warnings: parsed.warnings() };
}

const TYPES = 'type.googleapis.com/envoy.extensions.health_checkers';
const redis = (fields = '') => `custom_health_check: { name: r, typed_config: { "@type": ${TYPES}.redis.v3.Redis${fields === '' ? '' : `, ${fields}`} } }`;
const thrift = (fields: string) => `custom_health_check: { name: t, typed_config: { "@type": ${TYPES}.thrift.v3.Thrift, ${fields} } }`;

function parseRedisIn(options: string) {
  const type = 'type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProtocolOptions';
  const parsed = parseYamlMessage(
    `{ name: c, health_checks: [{ ${COMMON}, ${redis()} }], typed_extension_protocol_options: { envoy.filters.network.redis_proxy: { "@type": ${type}, ${options} } } }`,
    'envoy.config.cluster.v3.Cluster', registry(),
  );
  const config = parseHealthChecks({ message: parsed.message as Cluster, offersHttp2: false, hasTls: false }, parsed.context);
  return { checker: config?.checker, errors: parsed.errors(), warnings: parsed.warnings() };
}

describe('checks of Redis and Thrift', () => {
  it('are taken by their types', () => {
    expect(parse(redis()).config?.checker).toMatchObject({ kind: 'custom', extension: { config: { checkerType: 'REDIS', key: '' } }, credentials: null });
    expect(parse(redis('key: k')).config?.checker).toMatchObject({ extension: { config: { key: 'k' } } });
    expect(parse(thrift('method_name: m, transport: UNFRAMED, protocol: COMPACT')).config?.checker).toMatchObject({
      kind: 'custom', extension: { config: { checkerType: 'THRIFT', method: 'm', transport: 'unframed', protocol: 'compact' } },
    });
  });

  it.each([
    ['auth_password: { inline_string: p }', { username: '', password: 'p' }],
    ['auth_username: { inline_string: u }, auth_password: { inline_string: p }', { username: 'u', password: 'p' }],
    ['auth_password: { inline_string: "" }', null],
  ])('Redis is asked with the credentials of the cluster: %s', (options, credentials) => {
    expect(parseRedisIn(options)).toMatchObject({ checker: { credentials }, errors: [] });
    expect(parseRedisIn(options).warnings.join()).not.toContain('auth');
  });

  it('says what of them has no effect or is missing', () => {
    expect(parseRedisIn('aws_iam: { cache_name: c, service_name: s, region: r }').errors.join()).toContain('feature not supported: IAM authentication of AWS');
    expect(parseRedisIn('auth_password: { environment_variable: ENVOYTS_NOT_THERE }').errors.join()).toContain('environment variable ENVOYTS_NOT_THERE does not exist');
    expect(parseRedisIn('credentials: [{ auth_password: { inline_string: p } }]').warnings.join()).toContain('credentials');
  });
});

describe('health check configuration', () => {
  it('has the defaults of the API', () => {
    const { config, errors } = parse('http_health_check: { path: /x }');
    expect(errors).toEqual([]);
    expect(config).toEqual({
      timeoutMs: 1000, intervalMs: 2000, initialJitterMs: 0, intervalJitterMs: 0, intervalJitterPercent: 0, unhealthyThreshold: 3, healthyThreshold: 4,
      reuseConnection: true, alpnProtocols: [], noTrafficIntervalMs: 60_000, noTrafficHealthyIntervalMs: 60_000, unhealthyIntervalMs: 2000, unhealthyEdgeIntervalMs: 2000,
      healthyEdgeIntervalMs: 2000, logsAllFailures: false, logsAllSuccesses: false, eventLogPaths: [],
      checker: {
        kind: 'http', isHttp2: false, host: '', path: '/x', method: 'GET', send: new Uint8Array(), receive: [], responseBufferBytes: 1024, headers: { add: [], remove: [] },
        expected: [{ start: 200, end: 201 }], retriable: [], serviceName: null,
      },
    });
  });

  it('takes intervals from one another', () => {
    const { config } = parse('unhealthy_interval: 5s, no_traffic_interval: 6s, reuse_connection: false, tcp_health_check: { send: { text: "0aFF" }, receive: [{ binary: AQI= }] }');
    expect(config).toMatchObject({
      unhealthyIntervalMs: 5000, unhealthyEdgeIntervalMs: 5000, healthyEdgeIntervalMs: 2000, noTrafficIntervalMs: 6000, noTrafficHealthyIntervalMs: 6000, reuseConnection: false,
      checker: { kind: 'tcp', send: new Uint8Array([10, 255]), receive: [new Uint8Array([1, 2])] },
    });
  });

  it.each([['', null], ['proxy_protocol_config: {}', 'v1'], ['proxy_protocol_config: { version: V2, added_tlvs: [{ type: 1, value: aGk= }] }', 'v2']])('begins TCP checks as said: { %s }', (field, proxyHeader) => {
    const { config, errors, warnings } = parse(`tcp_health_check: { ${field} }`);
    expect([errors, config?.checker]).toEqual([[], expect.objectContaining({ proxyHeader })]);
    expect(warnings.join().includes('added_tlvs')).toBe(proxyHeader === 'v2');
  });

  it.each(['alt_port: 1', 'tls_options: { alpn_protocols: [h2] }'])('says that %s has no effect', (field) => {
    const { errors, warnings } = parse(`${field}, tcp_health_check: {}`);
    expect([errors, warnings.join()]).toEqual([[], expect.stringContaining(field.slice(0, field.indexOf(':')))]);
  });

  it.each([['tcp_health_check: {}', ['h2', 'x'], ''], [redis(), [], 'tls_options']])('offers by ALPN what is said, where connections are secured: %s', (check, alpnProtocols, unread) => {
    const { config, warnings } = parseFor(false, [`tls_options: { alpn_protocols: [h2, x] }, ${check}`], true);
    expect(config?.alpnProtocols).toEqual(alpnProtocols);
    expect(warnings.join()).toContain(unread);
    expect(warnings.join().includes('tls_options')).toBe(unread !== '');
  });

  it('takes gRPC and HTTP/2', () => {
    const { config, errors } = parse('grpc_health_check: { service_name: s, authority: a, initial_metadata: [{ header: { key: X-K, value: v } }] }');
    expect(errors).toEqual([]);
    expect(config?.checker).toEqual({
      kind: 'grpc', serviceName: 's', authority: 'a', metadata: { add: [{ name: 'x-k', value: 'v', action: 'append_if_exists_or_add', keepEmptyValue: false }], remove: [] },
    });
    expect(parse('http_health_check: { path: /, codec_client_type: HTTP2 }').config?.checker).toMatchObject({ kind: 'http', isHttp2: true });
  });

  it('wants HTTP/2 in the cluster for gRPC', () => {
    expect(parseFor(false, ['grpc_health_check: {}']).errors.join()).toContain('c cluster must support HTTP/2 for gRPC healthchecking');
  });

  it.each([
    ['http_health_check: { path: /, send: { text: "00" } }', "HTTP health check cannot specify a request payload with method 'GET'"],
    ['http_health_check: { path: /, receive: [{ text: zz }] }', "invalid hex string 'zz'"],
    ['http_health_check: { path: /, response_buffer_size: 1, receive: [{ text: "0000" }] }', "The expected response length '2' is over than http health response buffer size '1'"],
    ['http_health_check: { path: /, expected_statuses: [{ start: 300, end: 200 }] }', 'Invalid http expected status range: expecting start < end, but found start=300 and end=200'],
    ['http_health_check: { path: /, expected_statuses: [{ start: 99, end: 200 }] }', 'expecting start >= 100, but found start=99'],
    ['http_health_check: { path: /, retriable_statuses: [{ start: 200, end: 601 }] }', 'Invalid http retriable status range: expecting end <= 600, but found end=601'],
    ['http_health_check: { path: /, codec_client_type: HTTP3 }', 'feature not supported: health checks over HTTP/3'],
    ['grpc_health_check: { initial_metadata: [{ header: { key: ":path", value: x } }] }', ':-prefixed or host headers may not be modified'],
    ['http_health_check: { path: /, request_headers_to_add: [{ header: { key: a, value: "%NOPE%" } }] }', 'unknown operator %NOPE%'],
    ['custom_health_check: { name: envoy.health_checkers.redis }', "Didn't find a registered implementation for 'envoy.health_checkers.redis' with type URL: ''"],
    [redis('aws_iam: { cache_name: c, service_name: s, region: r }'), 'feature not supported: IAM authentication of AWS'],
    [thrift('transport: FRAMED, protocol: BINARY'), 'ThriftValidationError.MethodName: value length must be at least 1 characters'],
    [thrift('method_name: m'), 'Unsupported transport or protocol in thrift health check configuration: transport AUTO_TRANSPORT, protocol AUTO_PROTOCOL'],
    [thrift('method_name: m, transport: HEADER, protocol: TWITTER'), 'Unsupported transport or protocol in thrift health check configuration: transport HEADER, protocol TWITTER'],
    [thrift('method_name: m, transport: HEADER, protocol: LAX_BINARY'), 'invalid header transport protocol binary/non-strict'],
    ['custom_health_check: { name: x }', "Didn't find a registered implementation for 'x' with type URL: ''"],
    ['http_health_check: { path: /, expected_statuses: [{ start: -5, end: 300 }] }', 'expecting start < end, but found start=18446744073709551611 and end=300'],
    ['tcp_health_check: {}, initial_jitter: -1s', 'Invalid duration: Expected positive duration: seconds: -1'],
    ['tcp_health_check: {}, interval_jitter: -0.5s', 'Invalid duration: Expected positive duration: nanos: -500000000'],
  ])('refuses %s', (check, text) => {
    expect(parse(check).errors.join('\n')).toContain(text);
  });

  it('takes one check per cluster', () => {
    expect(parse('tcp_health_check: {}', 'tcp_health_check: {}').errors.join()).toContain('Multiple health checks not supported');
  });
});
