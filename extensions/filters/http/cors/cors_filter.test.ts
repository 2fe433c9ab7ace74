import { describe, expect, it } from 'vitest';
import { RouteKind } from '../../../../core/route/route_entry.ts';
import { FakeRoute, FilterBench } from '../../../../test/support/filter_harness.ts';
import type { CorsPolicyConfig } from './cors_config.ts';
import { CorsFilter, CorsShared } from './cors_filter.ts';

const NEVER = { defaultValue: { numerator: 0, denominator: 100 }, runtimeKey: '' } as const;
const ALWAYS = { defaultValue: { numerator: 100, denominator: 100 }, runtimeKey: '' } as const;
const ORIGIN = ['origin', 'http://a'] as const;
const PREFLIGHT = [[':method', 'OPTIONS'], ORIGIN, ['access-control-request-method', 'PUT'], ['access-control-request-headers', 'x-q']] as const;

function policy(overrides: Partial<CorsPolicyConfig> = {}): CorsPolicyConfig {
  return {
    allowOrigins: [], allowMethods: '', allowHeaders: '', exposeHeaders: '', maxAge: '', allowCredentials: null, allowPrivateNetworkAccess: null,
    forwardNotMatchingPreflights: null, filterEnabled: null, shadowEnabled: null, ...overrides,
  };
}

const BASE = policy({
  allowOrigins: [{ kind: 'exact', value: 'http://a', ignoreCase: false }], allowMethods: 'GET,POST', allowHeaders: 'x-a', exposeHeaders: 'x-e', maxAge: '600', allowCredentials: true,
});

function setUp() {
  const bench = new FilterBench();
  const shared = new CorsShared(bench.context);
  return {
    bench,
    stream: (levels: readonly CorsPolicyConfig[], kind: RouteKind = RouteKind.route) => bench.stream(new CorsFilter(shared), new FakeRoute(levels, 'c', kind)),
    counts: () => [bench.stats.value('http.test.cors.origin_valid'), bench.stats.value('http.test.cors.origin_invalid')],
  };
}

describe('preflight requests', () => {
  it('are answered with what the policy allows', () => {
    const { stream, counts } = setUp();
    const { upstream, downstream, info } = stream([BASE]).request(PREFLIGHT);
    expect(upstream.headers).toBeNull();
    expect(downstream.status).toBe(200);
    expect(downstream.headers).toEqual([
      ['access-control-allow-origin', 'http://a'], ['access-control-allow-credentials', 'true'], ['access-control-allow-methods', 'GET,POST'],
      ['access-control-allow-headers', 'x-a'], ['access-control-max-age', '600'], ['access-control-expose-headers', 'x-e'],
    ]);
    expect(info.responseCodeDetails).toBe('cors_response');
    expect(counts()).toEqual([1, 0]);
  });

  it('get back what they ask for where the policy says *', () => {
    const { stream } = setUp();
    const answered = stream([policy({ ...BASE, allowMethods: '*', allowHeaders: '*' })]).request(PREFLIGHT);
    expect(answered.downstreamHeader('access-control-allow-methods')).toBe('PUT');
    expect(answered.downstreamHeader('access-control-allow-headers')).toBe('x-q');
  });

  it('learn of private networks only if they ask and the policy allows', () => {
    const { stream } = setUp();
    const ask = [...PREFLIGHT, ['access-control-request-private-network', 'true']] as const;
    const name = 'access-control-allow-private-network';
    expect(stream([policy({ ...BASE, allowPrivateNetworkAccess: true })]).request(ask).downstreamHeader(name)).toBe('true');
    expect(stream([BASE]).request(ask).downstreamHeader(name)).toBeUndefined();
    expect(stream([policy({ ...BASE, allowPrivateNetworkAccess: true })]).request(PREFLIGHT).downstreamHeader(name)).toBeUndefined();
  });

  it('from other origins go on, or are answered without an origin if the policy does not want that', () => {
    const { stream, counts } = setUp();
    const other = [[':method', 'OPTIONS'], ['origin', 'http://b'], ['access-control-request-method', 'PUT']] as const;
    expect(stream([BASE]).request(other).upstream.isComplete).toBe(true);
    const answered = stream([policy({ ...BASE, forwardNotMatchingPreflights: false })]).request(other);
    expect(answered.downstream.headers).toEqual([
      ['access-control-allow-credentials', 'true'], ['access-control-allow-methods', 'GET,POST'], ['access-control-allow-headers', 'x-a'], ['access-control-max-age', '600'],
    ]);
    expect(counts()).toEqual([0, 2]);
  });

  it('without access-control-request-method are ordinary requests', () => {
    expect(setUp().stream([BASE]).request([[':method', 'OPTIONS'], ORIGIN]).upstream.isComplete).toBe(true);
  });
});

describe('other cross-origin requests', () => {
  it('have the response opened to their origin, whatever the upstream said', () => {
    const answered = setUp().stream([BASE]).request([ORIGIN]).response([['access-control-allow-origin', '*']]);
    expect(answered.downstream.headers).toEqual([
      ['access-control-allow-origin', 'http://a'], ['access-control-allow-credentials', 'true'], ['access-control-expose-headers', 'x-e'],
    ]);
  });

  it('from other origins, or without an origin, pass untouched', () => {
    const { stream, counts } = setUp();
    expect(stream([BASE]).request([['origin', 'http://b']]).response().downstream.headers).toEqual([]);
    expect(stream([BASE]).request([['origin', '']]).response().downstream.headers).toEqual([]);
    expect(stream([BASE]).request().response().downstream.headers).toEqual([]);
    expect(counts()).toEqual([0, 1]);
  });

  it('pass untouched where there is no policy or the route does not forward', () => {
    const { stream, counts } = setUp();
    expect(stream([]).request([ORIGIN]).response().downstream.headers).toEqual([]);
    expect(stream([BASE], RouteKind.directResponse).request([ORIGIN]).response().downstream.headers).toEqual([]);
    expect(counts()).toEqual([0, 0]);
  });

  it('are only counted in the shadow, and not even that when the filter is off', () => {
    const { stream, counts } = setUp();
    const shadow = stream([policy({ ...BASE, filterEnabled: NEVER, shadowEnabled: ALWAYS })]).request([ORIGIN]).response();
    expect(shadow.downstream.headers).toEqual([]);
    expect(counts()).toEqual([1, 0]);
    stream([policy({ ...BASE, filterEnabled: NEVER })]).request([ORIGIN]).response();
    expect(counts()).toEqual([1, 0]);
  });
});

describe('levels', () => {
  it('give each field from the most specific one that sets it', () => {
    const route = policy({ allowMethods: 'PUT', allowCredentials: false });
    const answered = setUp().stream([BASE, route]).request(PREFLIGHT);
    expect(answered.downstreamHeader('access-control-allow-methods')).toBe('PUT');
    expect(answered.downstreamHeader('access-control-allow-headers')).toBe('x-a');
    expect(answered.downstreamHeader('access-control-allow-credentials')).toBeUndefined();
  });

  it('are switched on and off by the most specific one alone', () => {
    const off = policy({ ...BASE, filterEnabled: NEVER });
    expect(setUp().stream([off, policy()]).request([ORIGIN]).response().downstreamHeader('access-control-allow-origin')).toBe('http://a');
    expect(setUp().stream([BASE, policy({ filterEnabled: NEVER })]).request([ORIGIN]).response().downstream.headers).toEqual([]);
  });

  it('leave nothing behind for the next stream of the filter', () => {
    const bench = new FilterBench();
    const filter = new CorsFilter(new CorsShared(bench.context));
    const route = new FakeRoute([BASE]);
    bench.stream(filter, route).request([ORIGIN]).response();
    expect(bench.stream(filter, route).request().response().downstream.headers).toEqual([]);
  });
});
