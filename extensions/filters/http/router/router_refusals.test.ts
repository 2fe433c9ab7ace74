import { describe, expect, it } from 'vitest';
import { FakeIo } from '../../../../test/support/fake_io.ts';
import { InProcessWorker, managerConfig } from '../../../../test/support/in_process_worker.ts';
import { routeAction, routeConfig, routeEntry, virtualHost } from '../../../../test/support/route_config.ts';

const ROUTER = managerConfig().filters[0];
const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 10.0.0.1\r\n';
const INTERNAL = { internalAddresses: { cidrs: ['10.0.0.0/8'], unixSockets: false }, routeConfig: routeConfig({ virtualHosts: [virtualHost({ routes: [routeEntry({ action: routeAction({}) })] })] }) };

function answer(options: Partial<Parameters<typeof InProcessWorker.onFake>[1]>, headers = ''): { text: string; worker: InProcessWorker; io: FakeIo } {
  const io = new FakeIo();
  const worker = InProcessWorker.onFake(io, { upstreamPorts: [81], ...options, manager: { ...INTERNAL, ...options.manager } });
  const client = io.socket(io.accept(worker.listenerNumber));
  io.data(client.connection, `${REQUEST}${headers}\r\n`);
  return { text: client.sent, worker, io };
}

function strict(...strictCheckHeaders: string[]): Partial<Parameters<typeof InProcessWorker.onFake>[1]> {
  const extension = { ...ROUTER.extension, config: { suppressEnvoyHeaders: false, respectExpectedRqTimeout: false, dynamicStats: true, suppressGrpcCodeStats: false, strictCheckHeaders, upstreamLog: null, upstreamFilters: null } };
  return { manager: { filters: [{ ...ROUTER, extension }] } };
}

describe('what the router turns away', () => {
  it('drops all of a cluster with a full drop_overloads', () => {
    const { text, worker } = answer({ cluster: { dropOverload: { numerator: 100, denominator: 100 } } });
    expect(text).toMatch(/^HTTP\/1.1 503 [^]*x-envoy-unconditional-drop-overload: true\r\n[^]*unconditional drop overload$/);
    expect(worker.stat('cluster.c.upstream_rq_503')).toBe(1);
  });

  it.each([
    ['x-envoy-upstream-rq-timeout-ms', 'abc', 400], ['x-envoy-upstream-rq-timeout-ms', '5', 0], ['x-envoy-max-retries', '-1', 400],
    ['x-envoy-retry-on', '5xx, reset', 0], ['x-envoy-retry-on', '5xx,sometimes', 400], ['x-envoy-retry-grpc-on', 'unavailable', 0], ['x-envoy-retry-grpc-on', 'never', 400],
  ])('strict_check_headers: %s: %s', (name, value, status) => {
    const { text } = answer(strict(name), `${name}: ${value}\r\n`);
    if (status === 0) {
      expect(text).toBe('');
      return;
    }
    expect(text).toMatch(/^HTTP\/1.1 400 [^]*connection: close\r\n/);
    expect(text.endsWith(`invalid header '${name}' with value '${value}'`)).toBe(true);
  });

  it('counts codes below the name that a trusted caller gives, and does not forward that', () => {
    const { io, worker } = answer({}, 'x-envoy-upstream-alt-stat-name: other\r\n');
    const upstream = io.latest;
    io.connected(upstream.connection);
    io.data(upstream.connection, 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    expect(upstream.sent).not.toContain('alt-stat-name');
    for (const prefix of ['cluster.c', 'cluster.c.internal', 'cluster.c.other', 'cluster.c.other.internal']) expect(worker.stat(`${prefix}.upstream_rq_200`), prefix).toBe(1);
  });

  it('answers 504 after the route’s own max_stream_duration', () => {
    const table = routeConfig({ virtualHosts: [virtualHost({ routes: [routeEntry({ action: routeAction({ maxStreamDurationMs: 200, timeoutMs: 0 }) })] })] });
    const io = new FakeIo();
    const worker = InProcessWorker.onFake(io, { upstreamPorts: [81], manager: { routeConfig: table } });
    const client = io.socket(io.accept(worker.listenerNumber));
    io.data(client.connection, `${REQUEST}\r\n`);
    io.connected(io.latest.connection);
    io.advance(150);
    expect(client.sent).toBe('');
    io.advance(100);
    expect(client.sent).toMatch(/^HTTP\/1.1 504 [^]*downstream duration timeout$/);
  });
});
