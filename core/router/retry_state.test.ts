import { beforeEach, describe, expect, it } from 'vitest';
import { headerMap } from '../../test/support/header_map.ts';
import { createLocalStats, type LocalStats } from '../../test/support/local_stats.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { ResetReason } from '../http/codec.ts';
import { grpcCondition, httpCondition, NO_RETRIES, RetryPolicy, type RetryPolicyConfig } from '../route/retry_policy.ts';
import { RuntimeSnapshot, type RuntimeValues } from '../runtime/runtime_snapshot.ts';
import { CIRCUIT_WORDS, CircuitKind } from '../shared_memory/layout.ts';
import { CircuitBreaker } from '../upstream/circuit_breaker.ts';
import { DEFAULT_THRESHOLDS } from '../upstream/cluster_config.ts';
import { ClusterStats } from '../upstream/cluster_info.ts';
import { RetryState, RetryVerdict } from './retry_state.ts';

const names = new HeaderNames();
const NOW = 1_000_000_000_000;
type Pairs = readonly (readonly [string, string])[];

let stats: LocalStats;
let slab: Int32Array;

beforeEach(() => {
  stats = createLocalStats();
  slab = new Int32Array(CIRCUIT_WORDS * 2);
});

/** A state that has taken up a request; jitter picks the end of every window. */
function begun(retryOn: string, options: { policy?: Partial<RetryPolicyConfig>; request?: Pairs; runtime?: RuntimeValues; maxRetries?: number } = {}): RetryState {
  const conditions = retryOn === '' ? 0 : retryOn.split(',').reduce((bits, name) => bits | httpCondition(name) | grpcCondition(name), 0);
  const policy = new RetryPolicy({ ...NO_RETRIES, retryOn: conditions, ...options.policy }, { names, product: () => undefined });
  const thresholds = { ...DEFAULT_THRESHOLDS, maxRetries: options.maxRetries ?? 3 };
  const state = new RetryState(() => 0.9999);
  state.begin(policy, headerMap(names, [[':method', 'GET'], ...(options.request ?? [])]), {
    stats: new ClusterStats(stats.scope), breaker: new CircuitBreaker([slab], { worker: 0, cluster: 'c', clusterId: 0, priority: 0 }, thresholds),
    virtualCluster: null, route: null, runtime: new RuntimeSnapshot(options.runtime ?? {}), random: 0,
  });
  return state;
}

const response = (status: number, ...headers: Pairs) => headerMap(names, [[':status', `${status}`], ...headers]);
const retriesInUse = () => slab[3];

describe('RetryState', () => {
  // Every condition against every kind of failure: what is retried. (o: with a response; r: without one.)
  const RESPONSES: Readonly<Record<string, () => ReturnType<typeof response>>> = {
    200: () => response(200), 404: () => response(404), 409: () => response(409), 500: () => response(500), 503: () => response(503),
    limited: () => response(503, ['x-envoy-ratelimited', 'true']), cancelled: () => response(200, ['grpc-status', '1']),
    deadline: () => response(200, ['grpc-status', '4']), exhausted: () => response(200, ['grpc-status', '8']),
    internal: () => response(200, ['grpc-status', '13']), unavailable: () => response(200, ['grpc-status', '14']),
  };
  it.each<[string, string]>([
    ['5xx', '500 503'], ['gateway-error', '503'], ['retriable-4xx', '409'], ['envoy-ratelimited', 'limited'], ['reset', ''], ['reset-before-request', ''],
    ['connect-failure', ''], ['refused-stream', ''], ['http3-post-connect-failure', ''], ['retriable-status-codes', '404'], ['retriable-headers', ''],
    ['cancelled', 'cancelled'], ['deadline-exceeded', 'deadline'], ['resource-exhausted', 'exhausted'], ['internal', 'internal'], ['unavailable', 'unavailable'],
  ])('%s retries the responses [%s]', (condition, retried) => {
    const seen = Object.keys(RESPONSES).filter((name) => begun(condition, { policy: { retriableStatusCodes: [404] } }).wouldRetryResponse(RESPONSES[name]()));
    expect(seen.join(' ')).toBe(retried);
  });

  it.each<[string, string]>([
    ['5xx', 'connect timeout closed cut malformed unsent'], ['gateway-error', 'connect timeout closed cut malformed unsent'], ['reset', 'connect timeout closed cut malformed unsent'],
    ['reset-before-request', 'connect timeout unsent'], ['connect-failure', 'connect timeout'], ['refused-stream', ''], ['retriable-4xx', ''], ['unavailable', ''],
  ])('%s retries the resets [%s], an overflow never', (condition, retried) => {
    const resets: Readonly<Record<string, [ResetReason, boolean]>> = {
      connect: [ResetReason.remoteConnectionFailure, false], timeout: [ResetReason.connectionTimeout, false], closed: [ResetReason.connectionTermination, true],
      cut: [ResetReason.localReset, true], malformed: [ResetReason.protocolError, true], unsent: [ResetReason.connectionTermination, false], overflow: [ResetReason.overflow, false],
    };
    const isRetried = (name: string): boolean => {
      const state = begun(condition);
      const verdict = state.onReset(...resets[name]);
      state.end();
      return verdict === RetryVerdict.retry;
    };
    expect(Object.keys(resets).filter(isRetried).join(' ')).toBe(retried);
  });

  // State (tries left, place held) by event: the verdict, and whether a place is held then.
  it.each([
    ['fresh', 1, 0, 503, RetryVerdict.retry, 1], ['fresh', 1, 0, 200, RetryVerdict.no, 0], ['spent', 0, 0, 503, RetryVerdict.limitExceeded, 0], ['spent', 0, 0, 200, RetryVerdict.no, 0],
    ['retried', 2, 1, 503, RetryVerdict.retry, 1], ['retried', 2, 1, 200, RetryVerdict.no, 0], ['retried and spent', 1, 1, 503, RetryVerdict.limitExceeded, 0],
  ])('%s (%d tries, %d failures before), answer %d', (_, numRetries, failures, status, verdict, places) => {
    const state = begun('5xx', { policy: { numRetries } });
    for (let i = 0; i < failures; i++) state.onResponse(response(500), NOW);
    expect(state.onResponse(response(status), NOW)).toBe(verdict);
    expect(retriesInUse()).toBe(places);
    expect(stats.value('upstream_rq_retry_success')).toBe(failures > 0 && verdict === RetryVerdict.no ? 1 : 0);
    state.end();
    expect(retriesInUse()).toBe(0);
    expect(state.isOpen).toBe(false);
  });

  it('stops at the breaker, which says so, and takes the try away', () => {
    slab[3] = 3;
    const state = begun('5xx');
    expect(state.onResponse(response(503), NOW)).toBe(RetryVerdict.overflow);
    expect(stats.value('upstream_rq_retry_overflow')).toBe(1);
    expect(state.onResponse(response(503), NOW)).toBe(RetryVerdict.limitExceeded);
    expect(retriesInUse()).toBe(3);
  });

  it('holds a place of the breaker until it ends', () => {
    const state = begun('5xx', { maxRetries: 1 });
    state.onResponse(response(503), NOW);
    expect(slab[CircuitKind.retries]).toBe(1);
    state.end();
    expect(slab[CircuitKind.retries]).toBe(0);
  });

  it('is off by runtime', () => {
    expect(begun('5xx', { runtime: { 'upstream.use_retry': 0 } }).onResponse(response(503), NOW)).toBe(RetryVerdict.no);
    expect(stats.value('upstream_rq_retry')).toBe(0);
  });

  it('takes conditions, numbers, codes and names out of the request', () => {
    const state = begun('', { request: [
      ['x-envoy-retry-on', 'retriable-status-codes, retriable-headers'], ['x-envoy-retry-grpc-on', 'internal'], ['x-envoy-max-retries', '4'],
      ['x-envoy-retriable-status-codes', '410, x'], ['x-envoy-retriable-header-names', 'X-Again'],
    ] });
    expect(state.isOpen).toBe(true);
    for (const bad of [response(410), response(200, ['x-again', '']), response(200, ['grpc-status', '13'])]) expect(state.onResponse(bad, NOW)).toBe(RetryVerdict.retry);
    expect(state.onResponse(response(404), NOW)).toBe(RetryVerdict.no);
  });

  it('asks retriable_request_headers first, whatever else is said', () => {
    const policy = { retriableRequestHeaders: [{ name: 'x-safe', kind: 'present', present: true, invert: false, treatMissingAsEmpty: false } as const] };
    expect(begun('5xx', { policy, request: [['x-envoy-retry-on', '5xx']] }).isOpen).toBe(false);
    expect(begun('5xx', { policy, request: [['x-safe', '1']] }).isOpen).toBe(true);
  });

  describe('waits', () => {
    it.each<[string, Partial<RetryPolicyConfig>, RuntimeValues, number[]]>([
      ['by default', {}, {}, [24, 49, 99, 199, 249, 249]],
      ['with the runtime\'s base', {}, { 'upstream.base_retry_backoff_ms': 10 }, [9, 19, 39, 79, 99, 99]],
      ['with a base', { backOffBaseMs: 100 }, { 'upstream.base_retry_backoff_ms': 10 }, [99, 199, 399, 799, 999, 999]],
      ['with base and maximum', { backOffBaseMs: 100, backOffMaxMs: 150 }, {}, [99, 149, 149]],
    ])('%s: below a window that doubles', (_, policy, runtime, waits) => {
      const state = begun('5xx', { policy: { numRetries: 9, ...policy }, runtime });
      for (const wait of waits) {
        state.onResponse(response(503), NOW);
        expect(state.nextDelayMs()).toBe(wait);
      }
      expect(stats.value('upstream_rq_retry_backoff_exponential')).toBe(waits.length);
    });

    const resetHeaders = [{ name: 'retry-after', format: 'seconds' }, { name: 'x-reset', format: 'unix_timestamp' }] as const;
    it.each<[string, Pairs, number]>([
      ['seconds', [['retry-after', '2']], 2999], ['a time', [['x-reset', `${NOW / 1000 + 4}`]], 5999], ['the first usable', [['retry-after', 'soon'], ['x-reset', `${NOW / 1000 + 4}`]], 5999],
      ['a time that is over', [['x-reset', `${NOW / 1000 - 1}`]], 24], ['no wait at all', [['retry-after', '0']], 24], ['more than allowed', [['retry-after', '301']], 24],
    ])('as reset headers ask: %s', (_, headers, wait) => {
      const state = begun('5xx', { policy: { resetHeaders } });
      state.onResponse(response(503, ...headers), NOW);
      expect(state.nextDelayMs()).toBe(wait);
      expect(stats.value('upstream_rq_retry_backoff_ratelimited')).toBe(wait === 24 ? 0 : 1);
    });

    it('not at all after 425', () => {
      const state = begun('retriable-status-codes', { policy: { retriableStatusCodes: [425] } });
      state.onResponse(response(425), NOW);
      expect(state.nextDelayMs()).toBe(0);
      expect(stats.value('upstream_rq_retry_backoff_exponential')).toBe(0);
    });
  });
});
