import { describe, expect, it } from 'vitest';
import { FakeIo, type FakeSocket } from '../../test/support/fake_io.ts';
import { type InProcessOptions, InProcessWorker, managerConfig } from '../../test/support/in_process_worker.ts';
import { routeAction, routeConfig, routeEntry, virtualHost } from '../../test/support/route_config.ts';
import { CloseMode } from '../io/io.ts';
import { HOST_STAT_WORDS, HostStat } from '../shared_memory/layout.ts';

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** A whole worker on fake sockets and simulated time: what the router does when peers or clocks misbehave. */
class Scene {
  readonly io = new FakeIo();
  readonly worker: InProcessWorker;

  constructor(options: Partial<InProcessOptions> = {}, action: Parameters<typeof routeAction>[0] = {}) {
    const table = routeConfig({ virtualHosts: [virtualHost({ routes: [routeEntry({ action: routeAction(action) })] })] });
    this.worker = InProcessWorker.onFake(this.io, { upstreamPorts: [81], ...options, manager: { routeConfig: table, ...options.manager } });
  }

  client(): FakeSocket {
    return this.io.socket(this.io.accept(this.worker.listenerNumber));
  }

  /** The connection to the upstream made last, connected. */
  upstream(): FakeSocket {
    const socket = this.io.latest;
    this.io.connected(socket.connection);
    return socket;
  }

  stat(name: string): number {
    return this.worker.stat(name);
  }

  /** What the only host was charged with. */
  hostStats(): { success: number; error: number } {
    const words = new Float64Array(this.worker.slabs.hostStats[0], 0, HOST_STAT_WORDS);
    return { success: words[HostStat.rqSuccess], error: words[HostStat.rqError] };
  }

  /** A client that sent `request`, and the upstream connection it went to. */
  exchange(request = GET): { client: FakeSocket; upstream: FakeSocket } {
    const client = this.client();
    this.io.data(client.connection, request);
    return { client, upstream: this.upstream() };
  }

  expectNothingActive(): void {
    expect(this.stat('http.ingress.downstream_rq_active')).toBe(0);
    expect(this.stat('cluster.c.upstream_rq_active')).toBe(0);
    expect(this.stat('cluster.c.upstream_rq_pending_active')).toBe(0);
    expect(this.worker.errors).toEqual([]);
  }
}

describe('RouterFilter', () => {
  it('brings request and response across', () => {
    const scene = new Scene();
    const { client, upstream } = scene.exchange();
    expect(upstream.sent).toMatch(/^GET \/ HTTP\/1.1\r\nhost: a\r\n[^]*x-envoy-expected-rq-timeout-ms: 15000\r\n\r\n$/);
    scene.io.data(upstream.connection, OK);
    expect(client.sent).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nok$/);
    scene.expectNothingActive();
  });

  it('answers 404 without a route', () => {
    const scene = new Scene({ manager: { routeConfig: routeConfig({ virtualHosts: [] }) } });
    const client = scene.client();
    scene.io.data(client.connection, GET);
    expect(client.sent).toMatch(/^HTTP\/1.1 404 Not Found\r\n/);
    expect(scene.stat('http.ingress.no_route')).toBe(1);
    scene.expectNothingActive();
  });

  it.each([[503, 'Service Unavailable'], [404, 'Not Found'], [500, 'Internal Server Error']])('answers %d without the cluster, as configured', (code, reason) => {
    const scene = new Scene({}, { cluster: { kind: 'cluster', name: 'missing' }, clusterNotFoundResponseCode: code });
    const client = scene.client();
    scene.io.data(client.connection, GET);
    expect(client.sent).toContain(`HTTP/1.1 ${code} ${reason}\r\n`);
    expect(scene.stat('http.ingress.no_cluster')).toBe(1);
  });

  it('answers 503 without a host', () => {
    const scene = new Scene({ upstreamPorts: [] });
    const client = scene.client();
    scene.io.data(client.connection, GET);
    expect(client.sent).toMatch(/^HTTP\/1.1 503 [^]*\r\n\r\nno healthy upstream$/);
    expect(scene.stat('cluster.c.upstream_cx_none_healthy')).toBe(1);
    scene.expectNothingActive();
  });

  describe('timeouts', () => {
    it('answers 504 when the upstream says nothing for the route timeout, and cuts it', () => {
      const scene = new Scene({}, { timeoutMs: 1000 });
      const { client, upstream } = scene.exchange();
      scene.io.advance(990);
      expect(client.sent).toBe('');
      scene.io.advance(40);
      expect(client.sent).toMatch(/^HTTP\/1.1 504 Gateway Timeout\r\n[^]*\r\n\r\nupstream request timeout$/);
      expect(upstream.closed).toBe(CloseMode.now);
      expect(scene.stat('cluster.c.upstream_rq_timeout')).toBe(1);
      scene.expectNothingActive();
    });

    it('counts from the end of the request', () => {
      const scene = new Scene({}, { timeoutMs: 1000 });
      const { client, upstream } = scene.exchange('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nx');
      scene.io.advance(5000, 50);
      expect(client.sent).toBe('');
      scene.io.data(client.connection, 'y');
      scene.io.advance(500);
      expect(client.sent).toBe('');
      scene.io.data(upstream.connection, OK);
      expect(client.sent).toContain('200 OK');
    });

    it('cuts a response that has begun', () => {
      const scene = new Scene({ manager: { delayedCloseTimeoutMs: 0 } }, { timeoutMs: 1000 });
      const { client, upstream } = scene.exchange();
      scene.io.data(upstream.connection, 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\npart');
      scene.io.advance(1040);
      expect(client.sent).toMatch(/\r\n\r\npart$/);
      expect(client.closed).toBeGreaterThanOrEqual(0);
      expect(upstream.closed).toBe(CloseMode.now);
      scene.expectNothingActive();
    });

    it('also counts while no connection comes', () => {
      const scene = new Scene({ cluster: { connectTimeoutMs: 60_000 } }, { timeoutMs: 1000 });
      const client = scene.client();
      scene.io.data(client.connection, GET);
      scene.io.advance(1040);
      expect(client.sent).toContain('upstream request timeout');
      expect(scene.stat('cluster.c.upstream_rq_cancelled')).toBe(1);
      scene.expectNothingActive();
    });

    it('none when the route says 0', () => {
      const scene = new Scene({}, { timeoutMs: 0 });
      const { client } = scene.exchange();
      scene.io.advance(200_000, 1000);
      expect(client.sent).toBe('');
    });

    it('obeys x-envoy-upstream-rq-timeout-ms of an internal caller', () => {
      const scene = new Scene({ manager: { internalAddresses: { cidrs: ['10.0.0.0/8'], unixSockets: false } } });
      const { client } = scene.exchange('GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 10.0.0.1\r\nx-envoy-upstream-rq-timeout-ms: 100\r\n\r\n');
      scene.io.advance(140);
      expect(client.sent).toContain('upstream request timeout');
    });

    it('a stream idle for too long is answered 504, 408 while its request is incomplete', () => {
      const scene = new Scene({ manager: { streamIdleTimeoutMs: 1000 } }, { timeoutMs: 0 });
      const { client } = scene.exchange();
      const other = scene.exchange('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nx');
      scene.io.advance(1040);
      expect(client.sent).toMatch(/^HTTP\/1.1 504 [^]*stream timeout$/);
      expect(other.client.sent).toMatch(/^HTTP\/1.1 408 [^]*stream timeout$/);
      expect(scene.stat('http.ingress.downstream_rq_idle_timeout')).toBe(2);
      scene.expectNothingActive();
    });

    it.each([
      ['requestHeadersTimeoutMs', 'GET / HTTP/1.1\r\nho', /^HTTP\/1.1 408 [^]*request header timeout$/],
      ['requestTimeoutMs', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nx', /^HTTP\/1.1 408 [^]*request timeout$/],
      ['maxStreamDurationMs', GET, /^HTTP\/1.1 504 [^]*downstream duration timeout$/],
    ] as const)('%s', (name, sent, expected) => {
      const scene = new Scene({ manager: { [name]: 1000 } }, { timeoutMs: 0 });
      const client = scene.client();
      scene.io.data(client.connection, sent);
      scene.io.advance(990);
      expect(client.sent).toBe('');
      scene.io.advance(40);
      expect(client.sent).toMatch(expected);
      scene.expectNothingActive();
    });
  });

  describe('resets', () => {
    it.each([
      ['closes', 'eof', /^HTTP\/1.1 503 [^]*reset reason: connection termination$/],
      ['resets', 'error', /^HTTP\/1.1 503 [^]*reset reason: connection termination$/],
    ] as const)('answers 503 when the upstream %s before it answers', (_what, how, expected) => {
      const scene = new Scene();
      const { client, upstream } = scene.exchange();
      scene.io[how](upstream.connection);
      expect(client.sent).toMatch(expected);
      expect(client.closed).toBe(-1);
      scene.expectNothingActive();
    });

    it('answers 503 when nothing listens', () => {
      const scene = new Scene();
      const client = scene.client();
      scene.io.data(client.connection, GET);
      scene.io.connected(scene.io.latest.connection, 111);
      expect(client.sent).toContain('reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused');
      scene.expectNothingActive();
    });

    it('answers 502 when the upstream breaks the protocol', () => {
      const scene = new Scene();
      const { client, upstream } = scene.exchange();
      scene.io.data(upstream.connection, 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n');
      expect(client.sent).toMatch(/^HTTP\/1.1 502 Bad Gateway\r\n[^]*protocol error$/);
      scene.expectNothingActive();
    });

    const GRPC = 'POST /s/m HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n\r\n';
    const RESET_LATE = 'http.ingress.rq_reset_after_downstream_response_started';
    const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n';

    it('counts gRPC responses cut before their status', () => {
      const scene = new Scene();
      const { upstream } = scene.exchange(GRPC);
      scene.io.data(upstream.connection, CHUNKED);
      expect([scene.stat(RESET_LATE), scene.hostStats()]).toEqual([0, { success: 0, error: 0 }]);
      scene.io.error(upstream.connection);
      expect([scene.stat(RESET_LATE), scene.hostStats()]).toEqual([1, { success: 0, error: 1 }]);
      scene.expectNothingActive();
    });

    it.each([
      ['a plain response', GET, 1],
      ['a gRPC response that began with an error', GRPC, 0],
    ] as const)('does not count %s that is cut', (_what, request, success) => {
      const scene = new Scene();
      const { upstream } = scene.exchange(request);
      scene.io.data(upstream.connection, request === GRPC ? CHUNKED.replace('200', '503') : CHUNKED);
      scene.io.error(upstream.connection);
      expect([scene.stat(RESET_LATE), scene.hostStats()]).toEqual([0, { success, error: 1 - success }]);
    });

    it.each([
      ['trailers with status 0', `${CHUNKED}0\r\ngrpc-status: 0\r\n\r\n`, { success: 1, error: 0 }],
      ['trailers with a status of the caller', `${CHUNKED}0\r\ngrpc-status: 5\r\n\r\n`, { success: 1, error: 0 }],
      ['trailers with a status of the server', `${CHUNKED}0\r\ngrpc-status: 14\r\n\r\n`, { success: 0, error: 1 }],
      ['no trailers', `${CHUNKED}0\r\n\r\n`, { success: 0, error: 1 }],
      ['headers alone with status 0', 'HTTP/1.1 200 OK\r\ngrpc-status: 0\r\ncontent-length: 0\r\n\r\n', { success: 1, error: 0 }],
      ['headers alone without a status', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', { success: 0, error: 1 }],
    ] as const)('a gRPC response that ends with %s is charged to the host by its status', (_what, response, expected) => {
      const scene = new Scene({ cluster: { http1: { enableTrailers: true, properCaseWords: false, preserveCase: null, sendFullyQualifiedUrl: false } } });
      const { upstream } = scene.exchange(GRPC);
      scene.io.data(upstream.connection, response);
      expect([scene.stat(RESET_LATE), scene.hostStats()]).toEqual([0, expected]);
      scene.expectNothingActive();
    });

    it.each(['eof', 'error'] as const)('lets go of the upstream when the client leaves (%s)', (how) => {
      const scene = new Scene();
      const { client, upstream } = scene.exchange();
      scene.io[how](client.connection);
      expect(upstream.closed).toBe(CloseMode.now);
      scene.expectNothingActive();
      expect(scene.stat('http.ingress.downstream_cx_active')).toBe(0);
    });

    it.each(['eof', 'error'] as const)('leaves the queue when the client leaves (%s) before there is a connection', (how) => {
      const scene = new Scene();
      const client = scene.client();
      scene.io.data(client.connection, GET);
      const upstream = scene.io.latest;
      scene.io[how](client.connection);
      scene.expectNothingActive();
      scene.io.connected(upstream.connection);
      const second = scene.client();
      scene.io.data(second.connection, GET);
      expect(upstream.sent).toContain('GET / ');
    });
  });

  describe('back-pressure', () => {
    const small = { listener: { perConnectionBufferLimitBytes: 1000 }, cluster: { perConnectionBufferLimitBytes: 1000 } };
    const piece = 'p'.repeat(600);

    it('pauses the upstream while the client does not read, and resumes it', () => {
      const scene = new Scene(small);
      const { client, upstream } = scene.exchange();
      client.stalled = true;
      scene.io.data(upstream.connection, `HTTP/1.1 200 OK\r\ncontent-length: 6000\r\n\r\n${piece}`);
      scene.io.data(upstream.connection, piece);
      scene.io.data(upstream.connection, piece);
      expect(upstream.paused).toBe(true);
      expect(scene.stat('cluster.c.upstream_flow_control_paused_reading_total')).toBe(1);
      scene.io.drain(client.connection);
      expect(upstream.paused).toBe(false);
      for (let i = 0; i < 7; i++) scene.io.data(upstream.connection, piece);
      expect(client.sent.endsWith('p'.repeat(6000))).toBe(true);
      scene.expectNothingActive();
    });

    it('pauses the client while the upstream does not read, and resumes it', () => {
      const scene = new Scene(small);
      const { client, upstream } = scene.exchange('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6000\r\n\r\n');
      upstream.stalled = true;
      for (let i = 0; i < 3; i++) scene.io.data(client.connection, piece);
      expect(client.paused).toBe(true);
      scene.io.drain(upstream.connection);
      expect(client.paused).toBe(false);
      for (let i = 0; i < 7; i++) scene.io.data(client.connection, piece);
      expect(upstream.sent.endsWith('p'.repeat(6000))).toBe(true);
      scene.io.data(upstream.connection, OK);
      expect(client.sent).toContain('200 OK');
    });

    it('keeps a body until there is a connection, and the client paused beyond 1 MiB', () => {
      const scene = new Scene();
      const client = scene.client();
      const body = 'q'.repeat(60_000).repeat(20);
      scene.io.data(client.connection, `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n`);
      for (let i = 0; i < 20; i++) scene.io.data(client.connection, body.slice(i * 60_000, (i + 1) * 60_000));
      expect(client.paused).toBe(true);
      const upstream = scene.upstream();
      expect(client.paused).toBe(false);
      expect(upstream.sent.endsWith(body)).toBe(true);
      scene.io.data(upstream.connection, OK);
      scene.expectNothingActive();
    });

    it('a connection whose pause was not undone before its exchange ended serves the next one', () => {
      const scene = new Scene(small);
      const { client, upstream } = scene.exchange();
      client.stalled = true;
      scene.io.data(upstream.connection, `HTTP/1.1 200 OK\r\ncontent-length: 1800\r\n\r\n${piece}`);
      scene.io.data(upstream.connection, piece);
      scene.io.data(upstream.connection, piece);
      scene.io.drain(client.connection);
      scene.expectNothingActive();
      expect(upstream.paused).toBe(false);
      scene.io.data(client.connection, GET);
      scene.io.data(upstream.connection, OK);
      expect(client.sent.endsWith('\r\n\r\nok')).toBe(true);
    });
  });

  it('ends a response that comes before the request is complete, and both connections', () => {
    const scene = new Scene();
    const { client, upstream } = scene.exchange('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nx');
    scene.io.data(upstream.connection, OK);
    expect(client.sent).toMatch(/connection: close\r\n/);
    expect(client.sent).not.toContain('x-envoy-upstream-service-time');
    expect(upstream.closed).toBe(CloseMode.now);
    scene.io.advance(1100);
    expect(client.closed).toBeGreaterThanOrEqual(0);
    scene.expectNothingActive();
  });

  it('serves one pipelined request after the other', () => {
    const scene = new Scene();
    const { client, upstream } = scene.exchange(GET.repeat(3));
    for (let i = 1; i <= 3; i++) {
      expect(upstream.sent.split('GET ').length - 1).toBe(i);
      scene.io.data(upstream.connection, OK);
    }
    expect(client.sent.split('200 OK').length - 1).toBe(3);
    scene.expectNothingActive();
  });

  it('uses nothing of a request after its stream has gone back to the pool', () => {
    const scene = new Scene({ manager: managerConfig() });
    for (let i = 0; i < 20; i++) {
      const { client, upstream } = scene.exchange(`GET /${i} HTTP/1.1\r\nhost: h${i}\r\nx-own: ${i}\r\n\r\n`);
      expect(upstream.sent).toContain(`GET /${i} HTTP/1.1\r\nhost: h${i}\r\nx-own: ${i}\r\n`);
      if (i % 3 === 0) scene.io.error(upstream.connection);
      else if (i % 3 === 1) scene.io.eof(client.connection);
      else scene.io.data(upstream.connection, 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      scene.expectNothingActive();
    }
  });
});
