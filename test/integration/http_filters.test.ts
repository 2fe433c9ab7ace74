import { afterEach, describe, expect, it } from 'vitest';
import type { HttpConnectionManager } from '../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.d.ts';
import type { ConnectionManagerConfig } from '../../core/http/connection_manager/config.ts';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { registerAllExtensions } from '../../extensions/all_extensions.ts';
import { HTTP_CONNECTION_MANAGER_TYPE, parseHttpConnectionManager } from '../../extensions/filters/network/http_connection_manager/parse_config.ts';
import { InProcessWorker } from '../support/in_process_worker.ts';
import { backendsUnderTest, Peer, until } from '../support/io_driver.ts';
import { parseYamlMessage } from '../support/parse_yaml.ts';
import { answerEach, TestUpstream } from '../support/test_upstream.ts';

// The HTTP filters as users configure them, in a whole worker: YAML in, bytes through both I/O backends.

const TYPES = 'type.googleapis.com/envoy.extensions.filters.http';

/** A connection manager with one filter called `f` in front of the router; `routes` and `host` are YAML flow texts. */
function manager(filter: string, routes = '[{ match: { prefix: / }, route: { cluster: c } }]', host = ''): ConnectionManagerConfig {
  const registry = new FactoryRegistry();
  registerAllExtensions(registry);
  const parsed = parseYamlMessage(`
    stat_prefix: ingress
    http_filters:
      - { name: f, typed_config: ${filter} }
      - { name: router, typed_config: { "@type": "${TYPES}.router.v3.Router" } }
    route_config: { name: r, virtual_hosts: [{ name: v, domains: ["*"], routes: ${routes} ${host} }] }
  `, HTTP_CONNECTION_MANAGER_TYPE, registry);
  const config = parseHttpConnectionManager(parsed.message as HttpConnectionManager, parsed.context);
  expect(parsed.errors()).toEqual([]);
  return config;
}

const open: { close(): void }[] = [];

afterEach(() => {
  for (const one of open.splice(0).reverse()) one.close();
});

describe.each(backendsUnderTest())('on the %s backend', (backend) => {
  async function start(config: ConnectionManagerConfig, respond: (head: string, body: string) => string = () => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok') {
    const upstream = await TestUpstream.start(answerEach(respond));
    open.push(upstream);
    const worker = await InProcessWorker.start({ backend, upstreamPorts: [upstream.port], manager: config, register: registerAllExtensions });
    open.push(worker);
    const client = new Peer({ port: worker.port, host: '127.0.0.1' });
    open.push({ close: () => client.socket.destroy() });
    return { upstream, worker, client };
  }

  /** Sends and waits for the text to end so. */
  async function exchange(client: Peer, request: string, end: string): Promise<string> {
    const before = client.text.length;
    client.socket.write(request, 'latin1');
    await until(() => client.text.slice(before).endsWith(end), `the answer ends with ${JSON.stringify(end)}`);
    return client.text.slice(before);
  }

  it('aborts and delays, and the connection goes on', async () => {
    const config = manager(`{ "@type": "${TYPES}.fault.v3.HTTPFault", abort: { header_abort: {}, percentage: { numerator: 100 } }, delay: { header_delay: {}, percentage: { numerator: 100 } } }`);
    const { client, worker, upstream } = await start(config);
    const aborted = await exchange(client, 'GET / HTTP/1.1\r\nhost: h\r\nx-envoy-fault-abort-request: 503\r\n\r\n', 'fault filter abort');
    expect(aborted).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(upstream.text).toBe('');
    const delayed = exchange(client, 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\nx-envoy-fault-delay-request: 30\r\n\r\nabc', 'ok');
    await until(() => worker.stat('http.ingress.fault.active_faults') === 1, 'the delay began');
    expect(upstream.text).toBe('');
    expect(await delayed).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(upstream.text).toMatch(/\r\n\r\nabc$/);
    expect(worker.stat('http.ingress.fault.active_faults')).toBe(0);
    expect(worker.stat('http.ingress.fault.delays_injected')).toBe(1);
  });

  it('slows a response down without losing a byte', async () => {
    const body = Array.from({ length: 3000 }, (_, i) => `line ${i}\n`).join('');
    const config = manager(`{ "@type": "${TYPES}.fault.v3.HTTPFault", response_rate_limit: { fixed_limit: { limit_kbps: 256 }, percentage: { numerator: 100 } } }`);
    const { client, worker } = await start(config, () => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    const answer = await exchange(client, 'GET / HTTP/1.1\r\nhost: h\r\n\r\n', 'line 2999\n');
    expect(answer.endsWith(`\r\n\r\n${body}`)).toBe(true);
    expect(worker.stat('http.ingress.fault.response_rl_injected')).toBe(1);
  });

  it('answers preflights and opens responses as the route says', async () => {
    const policy = `typed_per_filter_config: { f: { "@type": "${TYPES}.cors.v3.CorsPolicy", allow_origin_string_match: [{ exact: "http://a" }], allow_methods: GET } }`;
    const { client, upstream } = await start(manager(`{ "@type": "${TYPES}.cors.v3.Cors" }`, undefined, `, ${policy}`));
    const preflight = await exchange(client, 'OPTIONS / HTTP/1.1\r\nhost: h\r\norigin: http://a\r\naccess-control-request-method: GET\r\n\r\n', 'content-length: 0\r\n\r\n');
    expect(preflight).toMatch(/^HTTP\/1\.1 200 OK\r\naccess-control-allow-origin: http:\/\/a\r\naccess-control-allow-methods: GET\r\n/);
    expect(upstream.text).toBe('');
    expect(await exchange(client, 'GET / HTTP/1.1\r\nhost: h\r\norigin: http://a\r\n\r\n', 'ok')).toContain('\r\naccess-control-allow-origin: http://a\r\n');
    expect(await exchange(client, 'GET / HTTP/1.1\r\nhost: h\r\norigin: http://b\r\n\r\n', 'ok')).not.toContain('access-control');
  });

  it('buffers requests, and refuses those that are too large', async () => {
    const { client, upstream, worker } = await start(manager(`{ "@type": "${TYPES}.buffer.v3.Buffer", max_request_bytes: 10 }`));
    await exchange(client, 'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', 'ok');
    expect(upstream.text).toContain('\r\ncontent-length: 5\r\n');
    expect(upstream.text).not.toContain('chunked');
    expect(upstream.text).toMatch(/\r\n\r\nabcde$/);
    const refused = await exchange(client, 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 16\r\n\r\n0123456789ABCDEF', 'Payload Too Large');
    expect(refused).toMatch(/^HTTP\/1\.1 413 /);
    expect(worker.stat('http.ingress.downstream_rq_too_large')).toBe(1);
  });

  it('answers health checks, which count for no other number', async () => {
    const { client, worker, upstream } = await start(
      manager(`{ "@type": "${TYPES}.health_check.v3.HealthCheck", pass_through_mode: false, headers: [{ name: ":path", string_match: { exact: /healthz } }] }`));
    const answer = await exchange(client, 'GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n', 'content-length: 0\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\nx-envoy-upstream-healthchecked-cluster: nc\r\n/);
    expect(upstream.text).toBe('');
    expect([worker.stat('http.ingress.health_check.ok'), worker.stat('http.ingress.downstream_rq_2xx'), worker.stat('http.ingress.tracing.health_check')]).toEqual([1, 0, 1]);
    await exchange(client, 'GET /x HTTP/1.1\r\nhost: h\r\n\r\n', 'ok');
    expect(worker.stat('http.ingress.downstream_rq_2xx')).toBe(1);
  });

  it('changes headers and query on both ways', async () => {
    const request = '[{ remove: x-a }, { append: { header: { key: x-b, value: "%REQ(x-c)%" } } }]';
    const response = '[{ append: { header: { key: x-code, value: "%RESPONSE_CODE% %REQ(x-c)%" } } }]';
    const query = '[{ append: { record: { key: q, value: "1" } } }]';
    const mutations = `{ request_mutations: ${request}, response_mutations: ${response}, query_parameter_mutations: ${query} }`;
    const { client, upstream } = await start(manager(`{ "@type": "${TYPES}.header_mutation.v3.HeaderMutation", mutations: ${mutations} }`));
    const answer = await exchange(client, 'GET /p HTTP/1.1\r\nhost: h\r\nx-a: 1\r\nx-c: v\r\n\r\n', 'ok');
    expect(answer).toContain('\r\nx-code: 200 v\r\n');
    expect(upstream.text).toMatch(/^GET \/p\?q=1 HTTP\/1\.1\r\n/);
    expect(upstream.text).toContain('\r\nx-b: v\r\n');
    expect(upstream.text).not.toContain('x-a');
  });

  it('bounds what a slow response makes it keep: the upstream is stopped meanwhile', async () => {
    const size = 4 << 20;
    const config = manager(`{ "@type": "${TYPES}.fault.v3.HTTPFault", response_rate_limit: { fixed_limit: { limit_kbps: 1 }, percentage: { numerator: 100 } } }`);
    const { client, worker } = await start(config, () => `HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${'x'.repeat(size)}`);
    client.socket.write('GET / HTTP/1.1\r\nhost: h\r\n\r\n');
    await until(() => worker.stat('cluster.c.upstream_flow_control_paused_reading_total') === 1, 'the upstream is read no further');
    expect(worker.stat('cluster.c.upstream_cx_rx_bytes_total')).toBeLessThan(size);
    client.socket.destroy();
    await until(() => worker.stat('http.ingress.fault.active_faults') === 0, 'the stream is gone');
  });
});
