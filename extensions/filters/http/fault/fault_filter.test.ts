import { describe, expect, it } from 'vitest';
import type { RuntimeValues } from '../../../../core/runtime/runtime_snapshot.ts';
import { ResponseFlag } from '../../../../core/stream_info/response_flags.ts';
import { FakeRoute, FilterBench } from '../../../../test/support/filter_harness.ts';
import type { FaultConfig, FaultRuntimeKeys } from './fault_config.ts';
import { FaultFilter } from './fault_filter.ts';
import { FaultSettings } from './fault_settings.ts';
import { FaultShared } from './fault_stats.ts';

const ALL = { numerator: 100, denominator: 100 } as const;
const NEVER = { numerator: 0, denominator: 100 } as const;
const KEYS: FaultRuntimeKeys = {
  delayPercent: 'fault.http.delay.fixed_delay_percent', abortPercent: 'fault.http.abort.abort_percent', delayDuration: 'fault.http.delay.fixed_duration_ms',
  abortHttpStatus: 'fault.http.abort.http_status', abortGrpcStatus: 'fault.http.abort.grpc_status', maxActiveFaults: 'fault.http.max_active_faults',
  responseRateLimitPercent: 'fault.http.rate_limit.response_percent',
};
const ABORT = { httpStatus: 503, grpcStatus: -1, isFromHeader: false, percentage: ALL };
const DELAY = { delayMs: 100, percentage: ALL };
const HEADER_ABORT = { httpStatus: -1, grpcStatus: -1, isFromHeader: true, percentage: ALL };

function fault(overrides: Partial<FaultConfig>): FaultConfig {
  return {
    delay: null, abort: null, responseRateLimit: null, upstreamCluster: '', headers: [], downstreamNodes: [], maxActiveFaults: -1, runtimeKeys: KEYS,
    disableDownstreamClusterStats: false, filterMetadata: null, ...overrides,
  };
}

function setUp(overrides: Partial<FaultConfig>, runtime: RuntimeValues = {}) {
  const bench = new FilterBench(runtime);
  const shared = new FaultShared(bench.context);
  const settings = new FaultSettings(fault(overrides), bench.names);
  return {
    bench, shared,
    make: () => new FaultFilter(shared, settings),
    stat: (name: string) => bench.stats.value(`http.test.fault.${name}`),
    routeSettings: (config: Partial<FaultConfig>) => new FaultSettings(fault(config), bench.names),
  };
}

describe('aborts', () => {
  it('answers with the status, flag FI and details', () => {
    const { bench, make, stat } = setUp({ abort: ABORT });
    const stream = bench.stream(make()).request();
    expect(stream.downstream).toMatchObject({ status: 503, body: 'fault filter abort', isComplete: true });
    expect(stream.upstream.headers).toBeNull();
    expect(stream.info.hasFlag(ResponseFlag.faultInjected)).toBe(true);
    expect(stream.info.responseCodeDetails).toBe('fault_filter_abort');
    expect([stat('aborts_injected'), stat('active_faults')]).toEqual([1, 0]);
  });

  it('hits the share of requests that the percentage says', () => {
    const { bench, make, stat } = setUp({ abort: { ...ABORT, percentage: { numerator: 30, denominator: 100 } } });
    bench.randoms.push(29, 30);
    expect(bench.stream(make()).request().downstream.status).toBe(503);
    expect(bench.stream(make()).request().upstream.isComplete).toBe(true);
    expect(stat('aborts_injected')).toBe(1);
  });

  it.each([
    ['a status', '555', 555], ['a plus sign', '+404', 404], ['no number', '4x', 0], ['a status below 200', '199', 0], ['a status above 599', '600', 0], ['nothing', '', 0],
  ])('takes its status from the request: %s', (_name, value, status) => {
    const { bench, make } = setUp({ abort: HEADER_ABORT });
    expect(bench.stream(make()).request([['x-envoy-fault-abort-request', value]]).downstream.status).toBe(status);
  });

  it('lets the request lower the percentage but not raise it', () => {
    const { bench, make } = setUp({ abort: { ...HEADER_ABORT, percentage: { numerator: 50, denominator: 100 } } });
    const status = (percentage: string, random: number) => {
      bench.randoms.push(random);
      return bench.stream(make()).request([['x-envoy-fault-abort-request', '500'], ['x-envoy-fault-abort-request-percentage', percentage]]).downstream.status;
    };
    expect([status('10', 9), status('10', 10), status('90', 49), status('90', 50)]).toEqual([500, 0, 500, 0]);
  });

  it('answers a gRPC request with the gRPC status', () => {
    const { bench, make } = setUp({ abort: { httpStatus: -1, grpcStatus: 14, isFromHeader: false, percentage: ALL } });
    const stream = bench.stream(make()).request([['content-type', 'application/grpc']]);
    expect(stream.downstream.status).toBe(200);
    expect(stream.downstreamHeader('grpc-status')).toBe('14');
  });

  it('takes a gRPC status from the request, unless it also asks for an HTTP status', () => {
    const { bench, make } = setUp({ abort: HEADER_ABORT });
    const grpc = [['content-type', 'application/grpc'], ['x-envoy-fault-abort-grpc-request', '5']] as const;
    expect(bench.stream(make()).request(grpc).downstreamHeader('grpc-status')).toBe('5');
    expect(bench.stream(make()).request([...grpc, ['x-envoy-fault-abort-request', '503']]).downstreamHeader('grpc-status')).toBe('14');
  });

  it('leaves metadata under the name of the filter', () => {
    const { bench, make } = setUp({ abort: ABORT, filterMetadata: { why: 'test' } });
    expect(bench.stream(make()).request().info.dynamicMetadata?.get('filter.name')).toEqual({ why: 'test' });
  });
});

describe('delays', () => {
  it('holds request, body and trailers back, then lets them go', () => {
    const { bench, make, stat } = setUp({ delay: DELAY });
    const stream = bench.stream(make()).request([[':method', 'POST']], false).requestBody('abc').requestTrailersOf([['x-t', '1']]);
    expect(stream.upstream.headers).toBeNull();
    expect(stat('active_faults')).toBe(1);
    bench.advance(90);
    expect(stream.upstream.headers).toBeNull();
    bench.advance(30);
    expect(stream.upstream).toMatchObject({ body: 'abc', trailers: [['x-t', '1']], isComplete: true });
    expect(stream.info.hasFlag(ResponseFlag.delayInjected)).toBe(true);
    expect(stat('delays_injected')).toBe(1);
    stream.response();
    expect(stat('active_faults')).toBe(0);
  });

  it('is followed by an abort if there is one too, and counts as one active fault', () => {
    const { bench, make, stat } = setUp({ delay: DELAY, abort: ABORT });
    const stream = bench.stream(make()).request();
    expect(stream.downstream.headers).toBeNull();
    bench.advance(120);
    expect(stream.downstream.status).toBe(503);
    expect(stream.info.hasFlag(ResponseFlag.delayInjected) && stream.info.hasFlag(ResponseFlag.faultInjected)).toBe(true);
    expect([stat('delays_injected'), stat('aborts_injected'), stat('active_faults')]).toEqual([1, 1, 0]);
  });

  it('takes its time from the request; none at all for zero', () => {
    const { bench, make, stat } = setUp({ delay: { delayMs: -1, percentage: ALL } });
    const stream = bench.stream(make()).request([['x-envoy-fault-delay-request', '40']]);
    expect(stream.upstream.headers).toBeNull();
    bench.advance(60);
    expect(stream.upstream.isComplete).toBe(true);
    expect(bench.stream(make()).request([['x-envoy-fault-delay-request', '0']]).upstream.isComplete).toBe(true);
    expect(bench.stream(make()).request().upstream.isComplete).toBe(true);
    expect(stat('delays_injected')).toBe(1);
  });

  it('ends with the stream: a client that leaves frees its fault, and the filter serves the next stream', () => {
    const { bench, make, stat } = setUp({ delay: DELAY });
    const filter = make();
    bench.stream(filter).request().destroy();
    expect(stat('active_faults')).toBe(0);
    bench.advance(200);
    const next = bench.stream(filter).request();
    bench.advance(120);
    expect(next.upstream.isComplete).toBe(true);
  });
});

describe('which requests', () => {
  it('only those of the cluster, of the nodes and with the headers', () => {
    const { bench, make } = setUp({
      abort: ABORT, upstreamCluster: 'a', downstreamNodes: ['n1', 'n2'],
      headers: [{ name: 'x-fault', invert: false, treatMissingAsEmpty: false, kind: 'present', present: true }],
    });
    const status = (cluster: string, node: string, header: string) =>
      bench.stream(make(), new FakeRoute([], cluster)).request([['x-envoy-downstream-service-node', node], [header, '1']]).downstream.status;
    expect(status('a', 'n2', 'x-fault')).toBe(503);
    expect(status('b', 'n2', 'x-fault')).toBe(0);
    expect(status('a', 'n3', 'x-fault')).toBe(0);
    expect(status('a', 'n1', 'x-other')).toBe(0);
    expect(bench.stream(make(), null).request([['x-fault', '1'], ['x-envoy-downstream-service-node', 'n1']]).downstream.status).toBe(0);
  });

  it('those of a route as the route says', () => {
    const { bench, make, routeSettings } = setUp({ abort: ABORT });
    const route = new FakeRoute([routeSettings({ abort: { ...ABORT, httpStatus: 429 } })]);
    expect(bench.stream(make(), route).request().downstream.status).toBe(429);
    expect(bench.stream(make(), new FakeRoute([routeSettings({})])).request().downstream.status).toBe(0);
  });

  it('no more than max_active_faults at a time', () => {
    const { bench, make, stat } = setUp({ delay: DELAY, maxActiveFaults: 1 });
    const first = bench.stream(make()).request();
    expect(bench.stream(make()).request().upstream.isComplete).toBe(true);
    expect(stat('faults_overflow')).toBe(1);
    first.destroy();
    expect(bench.stream(make()).request().upstream.headers).toBeNull();
  });

  it('of which those of other workers count', () => {
    const { bench, make, stat } = setUp({ delay: DELAY, maxActiveFaults: 2 });
    const others = bench.server.otherWorkersCount('http.test.fault.active_faults');
    others.add(1);
    const first = bench.stream(make()).request();
    expect([others.total(), stat('active_faults')]).toEqual([2, 1]);
    expect(bench.stream(make()).request().upstream.isComplete).toBe(true);
    first.destroy();
    expect(others.total()).toBe(1);
    others.add(-1);
    expect([bench.stream(make()).request(), bench.stream(make()).request()].map((stream) => stream.upstream.headers)).toEqual([null, null]);
    expect(bench.stream(make()).request().upstream.isComplete).toBe(true);
    expect(stat('faults_overflow')).toBe(2);
  });
});

describe('runtime', () => {
  it('overrides percentages, duration, status and the number of active faults', () => {
    const { bench, make } = setUp({ delay: DELAY, abort: { ...ABORT, percentage: NEVER } }, {
      'fault.http.delay.fixed_duration_ms': 300, 'fault.http.abort.abort_percent': 100, 'fault.http.abort.http_status': 418,
    });
    const stream = bench.stream(make()).request();
    bench.advance(250);
    expect(stream.downstream.headers).toBeNull();
    bench.advance(70);
    expect(stream.downstream.status).toBe(418);
    const none = setUp({ abort: ABORT }, { 'fault.http.max_active_faults': 0 });
    expect(none.bench.stream(none.make()).request().downstream.status).toBe(0);
  });

  it('asks the keys of the downstream cluster, which stand in for the general percentage keys', () => {
    const { bench, make, stat } = setUp({ abort: ABORT }, {
      'fault.http.abort.abort_percent': 0, 'fault.http.quiet.abort.abort_percent': 0, 'fault.http.odd.abort.http_status': 444,
    });
    const status = (cluster: string) => bench.stream(make()).request([['x-envoy-downstream-service-cluster', cluster]]).downstream.status;
    expect(bench.stream(make()).request().downstream.status).toBe(0);
    expect([status('quiet'), status('odd'), status('other')]).toEqual([0, 444, 503]);
    expect([stat('odd.aborts_injected'), stat('other.aborts_injected'), stat('quiet.aborts_injected')]).toEqual([1, 1, undefined]);
  });

  it('does not look at the downstream cluster when its stats are disabled', () => {
    const { bench, make, stat } = setUp({ abort: ABORT, disableDownstreamClusterStats: true }, { 'fault.http.c.abort.http_status': 444 });
    expect(bench.stream(make()).request([['x-envoy-downstream-service-cluster', 'c']]).downstream.status).toBe(503);
    expect(stat('c.aborts_injected')).toBeUndefined();
  });
});

describe('response rate limit', () => {
  const LIMIT = { responseRateLimit: { limitKbps: 1, percentage: ALL } };

  it('lets a slice of 50 ms go at once and the rest at the rate', () => {
    const { bench, make, stat } = setUp(LIMIT);
    const stream = bench.stream(make()).request().response([], false).responseBody('x'.repeat(1024), true);
    bench.advance(10);
    expect(stream.downstream.body.length).toBe(51);
    bench.advance(500);
    expect(stream.downstream.body.length).toBeGreaterThanOrEqual(510);
    expect(stream.downstream.body.length).toBeLessThanOrEqual(600);
    expect(stream.downstream.isComplete).toBe(false);
    bench.advance(600);
    expect(stream.downstream).toMatchObject({ body: 'x'.repeat(1024), isComplete: true });
    expect([stat('response_rl_injected'), stat('active_faults')]).toEqual([1, 0]);
  });

  it('keeps trailers behind the body', () => {
    const { bench, make } = setUp(LIMIT);
    const stream = bench.stream(make()).request().response([], false).responseBody('x'.repeat(100)).responseTrailersOf([['x-t', '1']]);
    expect(stream.downstream.trailers).toBeNull();
    bench.advance(200);
    expect(stream.downstream).toMatchObject({ body: 'x'.repeat(100), trailers: [['x-t', '1']], isComplete: true });
  });

  it('lets a response without a body through', () => {
    const { bench, make } = setUp(LIMIT);
    expect(bench.stream(make()).request().response().downstream.isComplete).toBe(true);
  });

  it('stops the upstream while too much is kept, and keeps the data whole over a long body', () => {
    const { bench, make } = setUp({ responseRateLimit: { limitKbps: 1024, percentage: ALL } });
    const stream = bench.stream(make()).request();
    stream.handle.setEncoderBufferLimit(200_000);
    stream.response([], false);
    let sent = '';
    for (let i = 0; i < 40; i++) {
      const piece = String.fromCharCode(97 + (i % 26)).repeat(10_000);
      sent += piece;
      stream.responseBody(piece, i === 39);
    }
    expect(stream.isUpstreamPaused).toBe(true);
    bench.advance(330);
    expect(stream.downstream.isComplete).toBe(false);
    expect(stream.isUpstreamPaused).toBe(false);
    bench.advance(1000);
    expect(stream.downstream.body === sent).toBe(true);
  });

  it('takes its rate from the request, and none from one that asks for nothing', () => {
    const { bench, make } = setUp({ responseRateLimit: { limitKbps: -1, percentage: ALL } });
    const slow = bench.stream(make()).request([['x-envoy-fault-throughput-response', '1']]).response([], false).responseBody('x'.repeat(200), true);
    expect(slow.downstream.body).toBe('');
    const filter = make();
    const fast = bench.stream(filter).request().response([], false).responseBody('x'.repeat(200), true);
    expect(fast.downstream.isComplete).toBe(true);
  });

  it('gives up with the stream and serves the next one', () => {
    const { bench, make } = setUp(LIMIT);
    const filter = make();
    bench.stream(filter).request().response([], false).responseBody('x'.repeat(4000), true).destroy();
    const next = bench.stream(filter).request().response([], false).responseBody('next', true);
    bench.advance(20);
    expect(next.downstream.body).toBe('next');
  });
});
