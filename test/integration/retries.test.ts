import { afterEach, describe, expect, it } from 'vitest';
import { NO_RETRIES, type RetryPolicyConfig, RetryOn } from '../../core/route/retry_policy.ts';
import { backendsUnderTest, Peer, until } from '../support/io_driver.ts';
import { type CircuitBreakerThresholds, type ClusterConfig, DEFAULT_THRESHOLDS } from '../../core/upstream/cluster_config.ts';
import { clusterConfig, InProcessWorker } from '../support/in_process_worker.ts';
import { routeAction, routeConfig, routeEntry, virtualHost } from '../support/route_config.ts';
import { answerEach, TestUpstream } from '../support/test_upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

function answer(status: number, ...headers: string[]): string {
  return `HTTP/1.1 ${status} Why\r\n${headers.map((header) => `${header}\r\n`).join('')}content-length: 0\r\n\r\n`;
}

/** What the upstream does with the first try: an answer, or the end of the connection. */
type Misdeed = string | 'close' | 'reset';

// One row per condition: a first try that it retries, and the policy beyond the condition.
const ROWS: readonly (readonly [string, number, Misdeed, Partial<RetryPolicyConfig>])[] = [
  ['5xx', RetryOn.fiveXx, answer(500), {}],
  ['5xx', RetryOn.fiveXx, 'close', {}],
  ['gateway-error', RetryOn.gatewayError, answer(502), {}],
  ['gateway-error', RetryOn.gatewayError, 'reset', {}],
  ['reset', RetryOn.reset, 'close', {}],
  ['reset', RetryOn.reset, 'nonsense\r\n\r\n', {}],
  ['envoy-ratelimited', RetryOn.envoyRateLimited, answer(429, 'x-envoy-ratelimited: true'), {}],
  ['retriable-4xx', RetryOn.retriable4xx, answer(409), {}],
  ['retriable-status-codes', RetryOn.retriableStatusCodes, answer(418), { retriableStatusCodes: [418] }],
  ['retriable-headers', RetryOn.retriableHeaders, answer(200, 'x-again: 1'),
    { retriableHeaders: [{ name: 'x-again', kind: 'present', present: true, invert: false, treatMissingAsEmpty: false }] }],
  ['cancelled', RetryOn.grpcCancelled, answer(200, 'grpc-status: 1'), {}],
  ['deadline-exceeded', RetryOn.grpcDeadlineExceeded, answer(200, 'grpc-status: 4'), {}],
  ['resource-exhausted', RetryOn.grpcResourceExhausted, answer(200, 'grpc-status: 8'), {}],
  ['internal', RetryOn.grpcInternal, answer(200, 'grpc-status: 13'), {}],
  ['unavailable', RetryOn.grpcUnavailable, answer(200, 'grpc-status: 14'), {}],
];

describe.each(backendsUnderTest())('retries on the %s backend', (backend) => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0).reverse()) cleanup();
  });

  type Options = { readonly action?: Parameters<typeof routeAction>[0]; readonly cluster?: Partial<ClusterConfig> };

  async function worker(port: number, retryOn: number, policy: Partial<RetryPolicyConfig> = {}, { action = {}, cluster = {} }: Options = {}): Promise<InProcessWorker> {
    const route = routeEntry({ action: routeAction({ retries: { ...NO_RETRIES, retryOn, backOffBaseMs: 1, ...policy }, ...action }) });
    const started = await InProcessWorker.start({ backend, upstreamPorts: [port], cluster, manager: { routeConfig: routeConfig({ virtualHosts: [virtualHost({ routes: [route] })] }) } });
    cleanups.push(() => started.close());
    return started;
  }

  /** An upstream whose first request meets with a misdeed; all others are answered well. */
  async function upstream(misdeed: Misdeed): Promise<TestUpstream> {
    let requests = 0;
    const server = await TestUpstream.start((peer) => {
      answerEach(() => {
        if (requests++ > 0) return OK;
        if (misdeed === 'close') peer.socket.destroy();
        else if (misdeed === 'reset') peer.socket.resetAndDestroy();
        else return misdeed;
        return '';
      })(peer);
    });
    cleanups.push(() => server.close());
    return server;
  }

  async function ask(proxy: InProcessWorker, request: string): Promise<string> {
    const peer = new Peer({ host: '127.0.0.1', port: proxy.port });
    cleanups.push(() => peer.socket.destroy());
    peer.socket.write(request);
    await until(() => /\r\n\r\n(ok)?$|headers\. [^]*$/.test(peer.text), 'an answer');
    return peer.text;
  }

  function expectNothingHeld(proxy: InProcessWorker): void {
    expect(proxy.stat('cluster.c.upstream_rq_active')).toBe(0);
    expect(new Int32Array(proxy.slabs.circuits[0], 0, 4)[3]).toBe(0);
    expect(proxy.errors).toEqual([]);
  }

  it.each(ROWS)('%s (%d): after %j the second try is what the client sees', async (_, retryOn, misdeed, policy) => {
    const up = await upstream(misdeed);
    const proxy = await worker(up.port, retryOn, policy);
    expect(await ask(proxy, GET)).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nok$/);
    expect(up.text.match(/GET/g)).toHaveLength(2);
    expect([proxy.stat('cluster.c.upstream_rq_retry'), proxy.stat('cluster.c.upstream_rq_retry_success')]).toEqual([1, 1]);
    expectNothingHeld(proxy);
  });

  it.each([['connect-failure', RetryOn.connectFailure], ['reset-before-request', RetryOn.resetBeforeRequest]])('%s: tries again to connect', async (_, retryOn) => {
    const gone = await TestUpstream.start();
    gone.close();
    const proxy = await worker(gone.port, retryOn);
    expect(await ask(proxy, GET)).toContain('retried and the latest reset reason: remote connection failure');
    expect([proxy.stat('cluster.c.upstream_rq_retry'), proxy.stat('cluster.c.upstream_cx_connect_fail')]).toEqual([1, 2]);
    expectNothingHeld(proxy);
  });

  it.each<[string, Parameters<typeof routeAction>[0], string]>([
    ['per_try_timeout', { perTryTimeoutMs: 30 }, 'upstream_rq_per_try_timeout'],
    ['per_try_idle_timeout', { perTryIdleTimeoutMs: 30 }, 'upstream_rq_per_try_idle_timeout'],
    ['max_stream_duration', {}, 'upstream_rq_max_duration_reached'],
  ])('%s: cuts the try and begins another', async (name, action, stat) => {
    const up = await upstream('');
    const proxy = await worker(up.port, RetryOn.fiveXx, {}, { action: { timeoutMs: 0, ...action }, cluster: name === 'max_stream_duration' ? { maxStreamDurationMs: 30 } : {} });
    expect(await ask(proxy, GET)).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nok$/);
    expect([proxy.stat(`cluster.c.${stat}`), proxy.stat('cluster.c.upstream_rq_retry_success')]).toEqual([1, 1]);
    expectNothingHeld(proxy);
  });

  it.each<[string, Partial<RetryPolicyConfig>, Partial<CircuitBreakerThresholds>, string, boolean]>([
    ['no retries are left', { numRetries: 0 }, {}, 'upstream_rq_retry_limit_exceeded', false],
    ['max_retries is reached', {}, { maxRetries: 0 }, 'upstream_rq_retry_overflow', false],
    ['the budget is empty', {}, { retryBudget: { percent: 50, minConcurrency: 0 } }, 'upstream_rq_retry_overflow', false],
    ['the budget has a minimum', {}, { maxRetries: 0, retryBudget: { percent: 0, minConcurrency: 1 } }, 'upstream_rq_retry_overflow', true],
  ])('limits: %s', async (_, policy, limits, stat, isRetried) => {
    const up = await upstream(answer(503));
    const proxy = await worker(up.port, RetryOn.fiveXx, policy, { cluster: { defaultThresholds: { ...DEFAULT_THRESHOLDS, ...limits } } });
    expect(await ask(proxy, GET)).toContain(isRetried ? 'HTTP/1.1 200' : 'HTTP/1.1 503');
    expect(proxy.stat(`cluster.c.${stat}`)).toBe(isRetried ? 0 : 1);
    expectNothingHeld(proxy);
  });

  it('drops a response to be retried with its body and trailers, and waits as a reset header asks', async () => {
    const up = await upstream('HTTP/1.1 503 Why\r\nretry-after: 0\r\ntransfer-encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\nx-end: 1\r\n\r\n');
    const proxy = await worker(up.port, RetryOn.fiveXx, { resetHeaders: [{ name: 'retry-after', format: 'seconds' }] }, { cluster: { http1: { ...clusterConfig().http1, enableTrailers: true } } });
    const text = await ask(proxy, GET);
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nok$/);
    expect(text).not.toContain('bad');
    // No wait is none to keep: the usual one.
    expect([proxy.stat('cluster.c.upstream_rq_retry_backoff_ratelimited'), proxy.stat('cluster.c.upstream_rq_retry_backoff_exponential')]).toEqual([0, 1]);
    expectNothingHeld(proxy);
  });

  it('refused-stream: HTTP/1 has no such thing', async () => {
    const up = await upstream('close');
    const proxy = await worker(up.port, RetryOn.refusedStream);
    expect(await ask(proxy, GET)).toContain('headers. reset reason: connection termination');
    expect(proxy.stat('cluster.c.upstream_rq_retry')).toBe(0);
  });

  it('sends a large body again as it was', async () => {
    const body = 'x'.repeat(200_000);
    const bodies: string[] = [];
    const up = await TestUpstream.start((peer) => answerEach((_, received) => (bodies.push(received) === 1 ? answer(503) : OK))(peer));
    cleanups.push(() => up.close());
    const proxy = await worker(up.port, RetryOn.fiveXx);
    expect(await ask(proxy, `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`)).toContain('200 OK');
    expect(bodies.map((received) => received === body)).toEqual([true, true]);
    expectNothingHeld(proxy);
  });
});
