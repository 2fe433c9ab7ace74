import { describe, expect, it } from 'vitest';
import { ResponseFlag } from '../../../../core/stream_info/response_flags.ts';
import { FilterBench } from '../../../../test/support/filter_harness.ts';
import type { HealthCheckConfig } from './health_check_config.ts';
import { HealthCheckFilter, HealthCheckShared } from './health_check_filter.ts';

const PATH = [[':path', '/healthz']] as const;

function setUp(overrides: Partial<HealthCheckConfig> = {}) {
  const bench = new FilterBench();
  const shared = new HealthCheckShared({
    passThrough: false, cacheTimeMs: 0, cacheName: 'cache', clusters: [],
    headers: [{ name: ':path', invert: false, treatMissingAsEmpty: false, kind: 'string', matcher: { kind: 'exact', value: '/healthz', ignoreCase: false } }],
    ...overrides,
  }, bench.context);
  const filter = new HealthCheckFilter(shared);
  return { bench, shared, stream: () => bench.stream(filter), stat: (name: string) => bench.stats.value(`http.test.health_check.${name}`) };
}

describe('answering by itself', () => {
  it('says 200 and whose health it is, and marks the stream', () => {
    const { stream, stat } = setUp();
    const { downstream, upstream, info } = stream().request(PATH);
    expect(upstream.headers).toBeNull();
    expect(downstream).toMatchObject({ status: 200, headers: [['x-envoy-upstream-healthchecked-cluster', 'node-cluster']], body: '' });
    expect([info.isHealthCheck, info.responseCodeDetails]).toEqual([true, 'health_check_ok']);
    expect([stat('request_total'), stat('ok'), stat('failed')]).toEqual([1, 1, 0]);
  });

  it('waits for the end of a body and drops it', () => {
    const { stream } = setUp();
    const posted = stream().request([[':method', 'POST'], ...PATH], false).requestBody('abc');
    expect(posted.downstream.headers).toBeNull();
    posted.requestBody('def', true);
    expect([posted.downstream.status, posted.upstream.headers]).toEqual([200, null]);
    const withTrailers = stream().request([[':method', 'POST'], ...PATH], false).requestBody('abc').requestTrailersOf([['x-t', '1']]);
    expect(withTrailers.downstream.status).toBe(200);
  });

  it('leaves other requests alone', () => {
    const { stream } = setUp();
    const other = stream().request([[':path', '/x']]).response();
    expect([other.upstream.isComplete, other.info.isHealthCheck, other.downstream.headers]).toEqual([true, false, []]);
  });
});

describe('once the server was told to fail', () => {
  it.each([[false], [true]])('answers 503 with flag LH, pass-through mode %s', (passThrough) => {
    const { bench, stream, stat } = setUp({ passThrough });
    bench.server.healthCheckFailed = true;
    const { downstream, info } = stream().request(PATH);
    expect(downstream.status).toBe(503);
    expect(downstream.headers).toEqual([['x-envoy-upstream-healthchecked-cluster', 'node-cluster'], ['x-envoy-immediate-health-check-fail', 'true']]);
    expect([info.hasFlag(ResponseFlag.failedLocalHealthCheck), info.responseCodeDetails]).toEqual([true, 'health_check_failed']);
    expect(stat('failed')).toBe(1);
  });

  it('tells the health checkers with every response', () => {
    const { bench, stream } = setUp();
    bench.server.healthCheckFailed = true;
    expect(stream().request([[':path', '/x']]).response().downstream.headers).toEqual([['x-envoy-immediate-health-check-fail', 'true']]);
  });
});

describe('passing through', () => {
  it('adds only the name of the cluster to the response', () => {
    const { stream, stat } = setUp({ passThrough: true });
    const { upstream, downstream, info } = stream().request(PATH).response([[':status', '500']]);
    expect([upstream.isComplete, downstream.status, info.isHealthCheck]).toEqual([true, 500, true]);
    expect(downstream.headers).toEqual([['x-envoy-upstream-healthchecked-cluster', 'node-cluster']]);
    expect(stat('request_total')).toBe(0);
  });

  it('answers from the cache, degraded or not, until the time is over', () => {
    const { bench, stream, stat } = setUp({ passThrough: true, cacheTimeMs: 1000 });
    bench.advance(1000 - (bench.wallMs % 1000));
    stream().request(PATH).response([['x-envoy-degraded', '1']]);
    bench.advance(900);
    const cached = stream().request(PATH);
    expect([cached.upstream.headers, cached.downstream.status, cached.info.responseCodeDetails]).toEqual([null, 200, 'health_check_cached']);
    expect(cached.downstreamHeader('x-envoy-degraded')).toBe('');
    bench.advance(200);
    const asked = stream().request(PATH);
    expect(asked.upstream.isComplete).toBe(true);
    asked.response([[':status', '503']]);
    const failed = stream().request(PATH);
    expect([failed.downstream.status, failed.downstreamHeader('x-envoy-degraded')]).toEqual([503, undefined]);
    expect(failed.info.hasFlag(ResponseFlag.failedLocalHealthCheck)).toBe(true);
    expect([stat('cached_response'), stat('ok'), stat('failed'), stat('degraded')]).toEqual([2, 1, 1, 1]);
  });
});

describe('the cache of the process', () => {
  const asked = (run: ReturnType<typeof setUp>, status = '200') => {
    const stream = run.stream().request(PATH);
    if (stream.upstream.isComplete) stream.response([[':status', status]]);
    return [stream.upstream.isComplete, stream.downstream.status];
  };

  it('answers with what another worker got, until the tick is over', () => {
    const run = setUp({ passThrough: true, cacheTimeMs: 1000 });
    run.bench.advance(1000 - (run.bench.wallMs % 1000));
    expect(asked(run, '503')).toEqual([true, 503]);
    const own = run.bench.server.processCount('cache').total();
    run.bench.server.processCount('cache').set(0);
    run.bench.server.otherWorkersCount('cache').set(own);
    expect(asked(run)).toEqual([false, 503]);
    run.bench.advance(999);
    expect(asked(run)).toEqual([false, 503]);
    run.bench.advance(1);
    expect([asked(run), asked(run)]).toEqual([[true, 200], [false, 200]]);
  });

  it('is not that of another filter, and holds our own answer, too, once the server was told to fail', () => {
    const run = setUp({ passThrough: true, cacheTimeMs: 1000 });
    expect(asked(run)).toEqual([true, 200]);
    run.bench.server.processCount('cache').set(0);
    run.bench.server.processCount('other').set(-1 >>> 1);
    expect(asked(run)).toEqual([true, 200]);
    run.bench.server.healthCheckFailed = true;
    expect(asked(run)).toEqual([false, 503]);
    run.bench.server.healthCheckFailed = false;
    expect(asked(run)).toEqual([false, 503]);
  });
});

describe('asking clusters', () => {
  const ask = (minPercent: number, facts: { healthy: number; degraded: number; total: number } | null) => {
    const { bench, stream, stat } = setUp({ clusters: [{ name: 'a', minPercent }] });
    if (facts !== null) bench.server.clusters.set('a', facts);
    const { downstream, info } = stream().request(PATH);
    return [downstream.status, info.responseCodeDetails, stat('failed_cluster_not_found'), stat('failed_cluster_empty'), stat('failed_cluster_unhealthy')];
  };

  it.each([
    ['enough healthy hosts', 50, { healthy: 1, degraded: 0, total: 2 }, [200, 'health_check_ok_cluster_healthy', 0, 0, 0]],
    ['enough with degraded ones', 100, { healthy: 1, degraded: 1, total: 2 }, [200, 'health_check_ok_cluster_healthy', 0, 0, 0]],
    ['thirds of them', 100, { healthy: 1, degraded: 2, total: 3 }, [200, 'health_check_ok_cluster_healthy', 0, 0, 0]],
    ['too few', 51, { healthy: 1, degraded: 0, total: 2 }, [503, 'health_check_failed_cluster_unhealthy', 0, 0, 1]],
    ['none at all', 1, { healthy: 0, degraded: 0, total: 0 }, [503, 'health_check_failed_cluster_empty', 0, 1, 0]],
    ['none, and none wanted', 0, { healthy: 0, degraded: 0, total: 0 }, [200, 'health_check_ok_cluster_healthy', 0, 0, 0]],
    ['no such cluster', 0, null, [503, 'health_check_failed_no_cluster_found', 1, 0, 0]],
  ] as const)('%s', (_name, minPercent, facts, expected) => {
    expect(ask(minPercent, facts)).toEqual(expected);
  });
});
