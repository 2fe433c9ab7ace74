import { describe, expect, it } from 'vitest';
import { FakeIo, type FakeSocket } from '../../test/support/fake_io.ts';
import { InProcessWorker, type InProcessOptions } from '../../test/support/in_process_worker.ts';
import { routeAction, routeConfig, routeEntry, routeMatch, virtualHost } from '../../test/support/route_config.ts';
import type { RouteEntryConfig } from '../route/route_config.ts';
import { NO_RETRIES, RetryOn, type RetryPolicyConfig } from '../route/retry_policy.ts';
import { HOST_STAT_WORDS, HostStat } from '../shared_memory/layout.ts';

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';
/** Longer than the first wait, on the wheel's ticks. */
const WAIT_MS = 60;

/** A worker on fake sockets and simulated time whose one route retries. */
class Scene {
  readonly io = new FakeIo();
  readonly worker: InProcessWorker;
  readonly client: FakeSocket;

  constructor(policy: Partial<RetryPolicyConfig>, options: { action?: Parameters<typeof routeAction>[0]; route?: Partial<RouteEntryConfig>; otherRoutes?: readonly RouteEntryConfig[]; worker?: Partial<InProcessOptions> } = {}) {
    const action = routeAction({ retries: { ...NO_RETRIES, retryOn: RetryOn.fiveXx, ...policy }, ...options.action });
    const host = virtualHost({ includeRequestAttemptCount: true, includeIsTimeoutRetryHeader: true, routes: [routeEntry({ action, ...options.route }), ...(options.otherRoutes ?? [])] });
    this.worker = InProcessWorker.onFake(this.io, { upstreamPorts: [81], ...options.worker, manager: { routeConfig: routeConfig({ virtualHosts: [host] }) } });
    this.client = this.io.socket(this.io.accept(this.worker.listenerNumber));
  }

  send(text: string): void {
    this.io.data(this.client.connection, text);
  }

  /** The connection to the upstream made last, connected. */
  upstream(): FakeSocket {
    const socket = this.io.latest;
    this.io.connected(socket.connection);
    return socket;
  }

  stat(name: string): number {
    return this.worker.stat(`cluster.c.${name}`);
  }

  expectNothingHeld(): void {
    expect([this.stat('upstream_rq_active'), this.stat('upstream_rq_pending_active'), this.worker.stat('http.ingress.downstream_rq_active')]).toEqual([0, 0, 0]);
    expect(new Int32Array(this.worker.slabs.circuits[0], 0, 8)[3]).toBe(0);
    expect(this.worker.errors).toEqual([]);
  }
}

describe('retries of the router', () => {
  it('sends the request again after the wait, on the same connection when that is free, and passes the second answer on', () => {
    const scene = new Scene({});
    scene.send(GET);
    const upstream = scene.upstream();
    scene.io.data(upstream.connection, UNAVAILABLE);
    expect(scene.client.sent).toBe('');
    expect(upstream.sent.match(/GET/g)).toHaveLength(1);
    scene.io.advance(WAIT_MS);
    expect(upstream.sent.match(/GET/g)).toHaveLength(2);
    expect(upstream.sent).toContain('x-envoy-attempt-count: 2\r\n');
    scene.io.data(upstream.connection, OK);
    expect(scene.client.sent).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*ok$/);
    expect([scene.stat('upstream_rq_retry'), scene.stat('upstream_rq_retry_success'), scene.stat('retry.upstream_rq_503'), scene.stat('upstream_rq_503')]).toEqual([1, 1, 1, 0]);
    const host = new Float64Array(scene.worker.slabs.hostStats[0], 0, HOST_STAT_WORDS);
    expect([host[HostStat.rqError], host[HostStat.rqSuccess]]).toEqual([1, 1]);
    scene.expectNothingHeld();
  });

  it('sends the kept body again', () => {
    const scene = new Scene({ numRetries: 1 });
    scene.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc');
    const upstream = scene.upstream();
    scene.send('def');
    scene.io.data(upstream.connection, UNAVAILABLE);
    scene.io.advance(WAIT_MS);
    expect(upstream.sent.split('abcdef')).toHaveLength(3);
    scene.io.data(upstream.connection, OK);
    expect(scene.client.sent).toContain('200 OK');
    scene.expectNothingHeld();
  });

  it('goes on with a body that still comes while it is sent again', () => {
    const scene = new Scene({});
    scene.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nab');
    const first = scene.upstream();
    scene.io.data(first.connection, UNAVAILABLE);
    expect(first.closed).toBeGreaterThanOrEqual(0);
    scene.send('cd');
    scene.io.advance(WAIT_MS);
    const second = scene.upstream();
    expect(second.sent).toMatch(/\r\n\r\nabcd$/);
    scene.send('ef');
    expect(second.sent).toMatch(/\r\n\r\nabcdef$/);
    scene.io.data(second.connection, OK);
    expect(scene.client.sent).toContain('200 OK');
    scene.expectNothingHeld();
  });

  it('counts nothing given up for a body that is kept for redirects alone, by a router that has retried before', () => {
    const following = routeAction({ internalRedirect: { maxRedirects: 1, responseCodes: [302], predicates: [], allowsCrossScheme: false, responseHeadersToCopy: [] } });
    const scene = new Scene({}, {
      route: { match: routeMatch({ path: { kind: 'path', value: '/', caseSensitive: true } }) },
      otherRoutes: [routeEntry({ action: following, bodyBufferLimit: { bytes: 4, perRequestBytes: -1 } })],
    });
    scene.send(GET);
    scene.io.data(scene.upstream().connection, OK);
    scene.send('POST /other HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabcdef');
    scene.io.data(scene.io.latest.connection, OK);
    expect(scene.client.sent.match(/200 OK/g)).toHaveLength(2);
    expect(scene.stat('retry_or_shadow_abandoned')).toBe(0);
  });

  it('gives up when the body is larger than what is kept: the answer goes to the client', () => {
    const scene = new Scene({}, { route: { bodyBufferLimit: { bytes: 4, perRequestBytes: -1 } } });
    scene.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabcdef');
    scene.io.data(scene.upstream().connection, UNAVAILABLE);
    expect(scene.client.sent).toContain('503 Service Unavailable');
    expect([scene.stat('retry_or_shadow_abandoned'), scene.stat('upstream_rq_retry')]).toEqual([1, 0]);
    scene.expectNothingHeld();
  });

  it('answers 507 when the body becomes too large while no try is under way', () => {
    const scene = new Scene({ backOffBaseMs: 1_000_000, backOffMaxMs: 1_000_000 }, { route: { bodyBufferLimit: { bytes: 4, perRequestBytes: -1 } } });
    scene.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nab');
    scene.io.data(scene.upstream().connection, UNAVAILABLE);
    scene.send('cdef');
    expect(scene.client.sent).toMatch(/^HTTP\/1.1 507 [^]*exceeded request buffer limit while retrying upstream$/);
    scene.expectNothingHeld();
  });

  it('says that it tried again when the last try fails too', () => {
    const scene = new Scene({ retryOn: RetryOn.connectFailure });
    scene.send(GET);
    scene.io.connected(scene.io.latest.connection, 111);
    scene.io.advance(WAIT_MS);
    scene.io.connected(scene.io.latest.connection, 111);
    expect(scene.client.sent).toMatch(/retried and the latest reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused$/);
    expect(scene.stat('upstream_rq_retry_limit_exceeded')).toBe(1);
    scene.expectNothingHeld();
  });

  it('retries a try that takes too long, and tells the upstream why', () => {
    const scene = new Scene({}, { action: { perTryTimeoutMs: 200 } });
    scene.send(GET);
    const first = scene.upstream();
    scene.io.advance(240);
    expect(first.closed).toBeGreaterThanOrEqual(0);
    scene.io.advance(WAIT_MS);
    const second = scene.upstream();
    expect(second.sent).toContain('x-envoy-is-timeout-retry: true\r\n');
    scene.io.data(second.connection, OK);
    expect(scene.client.sent).toContain('200 OK');
    expect(scene.stat('upstream_rq_per_try_timeout')).toBe(1);
    scene.expectNothingHeld();
  });

  it('ends all tries with the route timeout, also between them', () => {
    const scene = new Scene({ backOffBaseMs: 1_000_000, backOffMaxMs: 1_000_000 }, { action: { timeoutMs: 500 } });
    scene.send(GET);
    scene.io.data(scene.upstream().connection, UNAVAILABLE);
    scene.io.advance(540);
    expect(scene.client.sent).toMatch(/^HTTP\/1.1 504 [^]*upstream request timeout$/);
    expect([scene.stat('upstream_rq_timeout'), scene.stat('upstream_rq_504')]).toEqual([0, 0]);
    scene.expectNothingHeld();
  });

  it('forgets everything when the client leaves during the wait', () => {
    const scene = new Scene({});
    scene.send(GET);
    scene.io.data(scene.upstream().connection, UNAVAILABLE);
    const before = scene.stat('upstream_rq_total');
    scene.io.eof(scene.client.connection);
    scene.io.advance(WAIT_MS);
    expect(scene.stat('upstream_rq_total')).toBe(before);
    scene.expectNothingHeld();
  });

  it('looks for another host as long as predicates reject the one chosen', () => {
    const previousHosts = { name: 'p', typeName: 'previous', config: {} };
    const scene = new Scene({ hostPredicates: [previousHosts], hostSelectionMaxAttempts: 3 }, {
      worker: {
        upstreamPorts: [81, 82],
        register: (registry) => registry.register({ category: 'envoy.retry_host_predicates', name: 'p', typeName: 'previous', parse: () => ({}),
          createFactory: () => ({ rejects: (host: object, attempted: readonly object[]) => attempted.includes(host) }) }),
      },
    });
    for (let i = 0; i < 3; i++) {
      scene.send(GET);
      const first = scene.upstream();
      scene.io.data(first.connection, `${UNAVAILABLE.replace('length: 0', 'length: 1')}x`);
      scene.io.advance(WAIT_MS);
      const second = scene.upstream();
      expect(second.port).not.toBe(first.port);
      scene.io.data(second.connection, OK.replace('OK\r\n', 'OK\r\nconnection: close\r\n'));
    }
    scene.expectNothingHeld();
  });
});
