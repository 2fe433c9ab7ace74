import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerMap, headerPairs } from '../../test/support/header_map.ts';
import { compileContext, matchInput, prefix, redirect, routeAction, routeConfig, routeEntry, routeMatch, virtualHost } from '../../test/support/route_config.ts';
import { LogContext } from '../access_log/access_log.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderNames } from '../headers/header_names.ts';
import type { FilterRoute } from '../http/filter.ts';
import type { RuntimeValues } from '../runtime/runtime_snapshot.ts';
import type { RouteInfo } from '../stream_info/stream_info.ts';
import type { PathMatcherConfig, RouteConfig, RouteEntryConfig } from './route_config.ts';
import { RouteKind, type RouteEntry } from './route_entry.ts';
import { RouteTable } from './route_table.ts';

const names = new HeaderNames();

function compile(config: RouteConfig, runtime: RuntimeValues = {}): RouteTable {
  return RouteTable.compile(config, compileContext(names, runtime));
}

function request(path: string, extra: [string, string][] = [], method = 'GET'): HeaderMap {
  const pairs: [string, string][] = [[':method', method], ...(path === '' ? [] : [[':path', path] as [string, string]]), [':authority', 'host.com']];
  return headerMap(names, [...pairs, ...extra]);
}

function routesOf(...routes: RouteEntryConfig[]): RouteTable {
  return compile(routeConfig({ virtualHosts: [virtualHost({ routes })] }));
}

function only(route: Partial<RouteEntryConfig>): RouteEntry {
  const entry = routesOf(routeEntry(route)).virtualHosts[0]?.routes[0];
  if (entry === undefined) throw new Error('no route');
  return entry;
}

describe('RouteTable.match', () => {
  it.each<[PathMatcherConfig, string, boolean]>([
    [prefix('/a'), '/ab', true],
    [prefix('/a'), '/A', false],
    [{ ...prefix('/A'), caseSensitive: false } as PathMatcherConfig, '/aB', true],
    [prefix('/a?b'), '/a?b', false],
    [{ kind: 'path', value: '/a', caseSensitive: true }, '/a', true],
    [{ kind: 'path', value: '/a', caseSensitive: true }, '/a?q', true],
    [{ kind: 'path', value: '/a', caseSensitive: true }, '/a#f', true],
    [{ kind: 'path', value: '/a', caseSensitive: true }, '/a/', false],
    [{ kind: 'path_separated_prefix', value: '/a', caseSensitive: true }, '/a', true],
    [{ kind: 'path_separated_prefix', value: '/a', caseSensitive: true }, '/a/b', true],
    [{ kind: 'path_separated_prefix', value: '/a', caseSensitive: true }, '/a?b', true],
    [{ kind: 'path_separated_prefix', value: '/a', caseSensitive: true }, '/ab', false],
    [{ kind: 'regex', regex: '/[a-z]+' }, '/abc?1', true],
    [{ kind: 'regex', regex: '/[a-z]+' }, '/abc1', false],
    [{ kind: 'connect' }, '/a', false],
  ])('%j against %s: %s', (path, requestPath, expected) => {
    expect(routesOf(routeEntry({ match: routeMatch({ path }) })).match(matchInput(request(requestPath))) !== null).toBe(expected);
  });

  it('gives a CONNECT without path to connect routes only', () => {
    const table = routesOf(routeEntry({ name: 'any' }), routeEntry({ name: 'connect', match: routeMatch({ path: { kind: 'connect' } }) }));
    expect(table.match(matchInput(request('', [], 'CONNECT')))?.routeName).toBe('connect');
    expect(table.match(matchInput(request('/x', [], 'CONNECT')))?.routeName).toBe('any');
  });

  it('takes the first match in order', () => {
    const table = routesOf(routeEntry({ name: '1', match: routeMatch({ path: prefix('/a/b') }) }), routeEntry({ name: '2', match: routeMatch({ path: prefix('/a') }) }), routeEntry({ name: '3', match: routeMatch({ path: prefix('/a/c') }) }));
    expect(table.match(matchInput(request('/a/b/c')))?.routeName).toBe('1');
    expect(table.match(matchInput(request('/a/c')))?.routeName).toBe('2');
    expect(table.match(matchInput(request('/b')))).toBeNull();
  });

  it('needs headers, query parameters and gRPC content type to match', () => {
    const match = routeMatch({
      headers: [{ name: 'x-a', invert: false, treatMissingAsEmpty: false, kind: 'present', present: true }],
      queryParameters: [{ name: 'q', matcher: null, present: true }],
      grpc: true,
    });
    const table = routesOf(routeEntry({ match }));
    const all: [string, string][] = [['x-a', '1'], ['content-type', 'application/grpc+proto']];
    expect(table.match(matchInput(request('/?q', all)))).not.toBeNull();
    expect(table.match(matchInput(request('/?p', all)))).toBeNull();
    expect(table.match(matchInput(request('/?q', all.slice(1))))).toBeNull();
    expect(table.match(matchInput(request('/?q', [['x-a', '1'], ['content-type', 'application/grpc-web']])))).toBeNull();
  });

  it('takes part of the streams by runtime fraction', () => {
    const match = routeMatch({ runtimeFraction: { defaultValue: { numerator: 30, denominator: 100 }, runtimeKey: 'key' } });
    const routes = [routeEntry({ name: 'part', match }), routeEntry({ name: 'rest' })];
    const config = routeConfig({ virtualHosts: [virtualHost({ routes })] });
    const share = (table: RouteTable): number => {
      let hits = 0;
      for (let random = 0; random < 100; random++) if (table.match(matchInput(request('/'), { random }))?.routeName === 'part') hits++;
      return hits;
    };
    expect(share(compile(config))).toBe(30);
    expect(share(compile(config, { key: 70 }))).toBe(70);
  });

  it('agrees with a naive model', () => {
    const value = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 3 }).map((s) => `/${s}`);
    const path = fc.record({ kind: fc.constantFrom('prefix' as const, 'path' as const, 'path_separated_prefix' as const), value, caseSensitive: fc.boolean() });
    const requestPath = fc.string({ unit: fc.constantFrom('a', 'A', 'b', '/', '?'), maxLength: 5 }).map((s) => `/${s}`);
    fc.assert(fc.property(fc.array(path, { minLength: 1, maxLength: 5 }), requestPath, (paths, full) => {
      const table = routesOf(...paths.map((p, i) => routeEntry({ name: String(i), match: routeMatch({ path: p }) })));
      const bare = full.split('?')[0] ?? '';
      const expected = paths.findIndex((p) => {
        const subject = p.caseSensitive ? bare : bare.toLowerCase();
        const wanted = p.caseSensitive ? p.value : p.value.toLowerCase();
        if (p.kind === 'path') return subject === wanted;
        return subject.startsWith(wanted) && (p.kind === 'prefix' || subject.length === wanted.length || subject[wanted.length] === '/');
      });
      expect(table.match(matchInput(request(full)))?.routeName ?? '-1').toBe(String(expected));
    }), { numRuns: 2000, seed: 5 });
  });
});

describe('require_tls', () => {
  const table = (requireTls: 'all' | 'external_only'): RouteTable => compile(routeConfig({ virtualHosts: [virtualHost({ requireTls })] }));

  it('redirects plain requests, keeping host, port and query', () => {
    const headers = headerMap(names, [[':method', 'GET'], [':path', '/a?b'], [':authority', 'host.com:80'], ['x-forwarded-proto', 'http']]);
    const route = table('all').match(matchInput(headers, { isInternal: true }));
    expect([route?.kind, route?.responseCode, route?.redirectLocation(headers, true)]).toEqual([RouteKind.redirect, 301, 'https://host.com:80/a?b']);
    expect(table('all').match(matchInput(headers, { isHttps: true }))?.kind).toBe(RouteKind.route);
  });

  it('external_only spares internal requests', () => {
    expect(table('external_only').match(matchInput(request('/'), { isInternal: true }))?.kind).toBe(RouteKind.route);
    expect(table('external_only').match(matchInput(request('/')))?.kind).toBe(RouteKind.redirect);
  });
});

describe('weighted clusters', () => {
  const cluster = (name: string, weight: number) =>
    ({ name, clusterHeader: '', weight, requestHeaders: { add: [], remove: [] }, responseHeaders: { add: [], remove: [] }, hostRewrite: name === 'b' ? 'b.com' : '', perFilterConfig: name === 'b' ? { f: { disabled: false, extension: { name: 'f', typeName: 't', config: 'of b' } } } : {} });
  const config = routeConfig({ virtualHosts: [virtualHost({ routes: [routeEntry({ name: 'w', action: routeAction({ cluster: { kind: 'weighted', clusters: [cluster('a', 20), cluster('b', 0), cluster('c', 80)], totalWeight: 100, runtimeKeyPrefix: 'w', headerName: '', usesHashPolicy: false } }) })] })] });

  it.each([[0, 'a'], [19, 'a'], [20, 'c'], [99, 'c'], [100, 'a']])('random %d goes to %s', (random, expected) => {
    const route = compile(config).match(matchInput(request('/'), { random }));
    expect([route?.clusterName, route?.routeName]).toEqual([expected, 'w']);
  });

  it('takes weights from the runtime', () => {
    const table = compile(config, { 'w.a': 0, 'w.b': 10, 'w.c': 0 });
    const route = table.match(matchInput(request('/'), { random: 99 }));
    expect([route?.clusterName, route?.perFilterConfig('f')]).toEqual(['b', 'of b']);
    const headers = request('/');
    route?.finalizeHost(headers);
    expect([headers.getByName('host'), headers.getByName('x-envoy-original-host')]).toEqual(['b.com', undefined]);
  });
});

describe('RouteEntry', () => {
  it('names the cluster in a header', () => {
    const route = only({ action: routeAction({ cluster: { kind: 'cluster_header', header: 'x-cluster' } }) });
    expect(route.resolveClusterName(request('/', [['x-cluster', 'from-header']]))).toBe('from-header');
    expect(route.resolveClusterName(request('/'))).toBe('');
  });

  it.each<[PathMatcherConfig, string, string, string]>([
    [prefix('/a'), '/b', '/a/c?q', '/b/c?q'],
    [prefix('/a'), '/', '/abc', '/bc'],
    [prefix('/'), '/b', '/abc', '/babc'],
    [{ kind: 'path', value: '/a', caseSensitive: true }, '/b', '/a?q', '/b?q'],
    [{ kind: 'path_separated_prefix', value: '/a', caseSensitive: true }, '/b', '/a/c', '/b/c'],
    [{ kind: 'regex', regex: '/.*' }, '/b', '/a/c?q', '/b?q'],
    [{ ...prefix('/A'), caseSensitive: false } as PathMatcherConfig, '/b', '/a/c', '/b/c'],
  ])('%j with prefix_rewrite %s turns %s into %s', (path, prefixRewrite, from, to) => {
    const headers = request(from);
    only({ match: routeMatch({ path }), action: routeAction({ prefixRewrite }) }).finalizePath(headers, true);
    expect([headers.getByName(':path'), headers.getByName('x-envoy-original-path')]).toEqual([to, from]);
  });

  it('rewrites by regex, leaving the query alone', () => {
    const headers = request('/one/one?one');
    only({ action: routeAction({ regexRewrite: { regex: 'one', substitution: 'two' } }) }).finalizePath(headers, false);
    expect([headers.getByName(':path'), headers.getByName('x-envoy-original-path')]).toEqual(['/two/two?one', undefined]);
  });

  it('rewrites the host from a literal or a header', () => {
    const literal = request('/');
    only({ action: routeAction({ hostRewriteLiteral: 'new.com', appendForwardedHost: true }) }).finalizeHost(literal);
    expect([literal.getByName('host'), literal.getByName('x-forwarded-host'), literal.getByName('x-envoy-original-host')]).toEqual(['new.com', 'host.com', 'host.com']);
    const header = request('/', [['x-host', 'h.com']]);
    only({ action: routeAction({ hostRewriteHeader: 'x-host' }) }).finalizeHost(header);
    expect(header.getByName('host')).toBe('h.com');
    const missing = request('/');
    only({ action: routeAction({ hostRewriteHeader: 'x-host' }) }).finalizeHost(missing);
    expect(missing.getByName('host')).toBe('host.com');
  });

  it('appends the old host to x-forwarded-host unless it is the last there', () => {
    const route = only({ action: routeAction({ hostRewriteLiteral: 'new.com', appendForwardedHost: true }) });
    const other = request('/', [['x-forwarded-host', 'a,b']]);
    route.finalizeHost(other);
    expect(other.getByName('x-forwarded-host')).toBe('a,b,host.com');
    const same = request('/', [['x-forwarded-host', 'a,host.com']]);
    route.finalizeHost(same);
    expect(same.getByName('x-forwarded-host')).toBe('a,host.com');
  });

  it('applies header mutations weighted cluster, route, virtual host, table; or the other way round', () => {
    const level = (value: string) => ({ add: [{ name: 'x', value, action: 'append_if_exists_or_add' as const, keepEmptyValue: false }], remove: [] });
    const run = (mostSpecificHeaderMutationsWins: boolean): [string, string][] => {
      const table = compile(routeConfig({
        mostSpecificHeaderMutationsWins, requestHeaders: level('table'),
        virtualHosts: [virtualHost({ requestHeaders: level('vhost'), routes: [routeEntry({ requestHeaders: level('route') })] })],
      }));
      const headers = headerMap(names, [[':method', 'GET'], [':path', '/']]);
      table.match(matchInput(headers))?.requestHeaders.evaluate(headers, new LogContext());
      return headerPairs(headers);
    };
    expect(run(false)).toEqual([['x', 'route'], ['x', 'vhost'], ['x', 'table']]);
    expect(run(true)).toEqual([['x', 'table'], ['x', 'vhost'], ['x', 'route']]);
  });

  it('gives the most specific per-filter config, all levels, and what disables a filter', () => {
    const of = (config: string, disabled = false) => ({ disabled, extension: { name: 'f', typeName: 't', config } });
    const table = compile(routeConfig({
      perFilterConfig: { f: of('table'), g: of('table g') },
      virtualHosts: [virtualHost({ perFilterConfig: { f: of('vhost'), d: { disabled: true, extension: null } }, routes: [routeEntry({ perFilterConfig: { f: of('route') } }), routeEntry()] })],
    }));
    const [first, second] = table.virtualHosts[0]?.routes ?? [];
    expect([first?.perFilterConfig('f'), second?.perFilterConfig('f'), first?.perFilterConfig('g'), first?.perFilterConfig('none')]).toEqual(['route', 'vhost', 'table g', undefined]);
    expect(first?.perFilterConfigs('f')).toEqual(['table', 'vhost', 'route']);
    expect([first?.isFilterDisabled('d'), first?.isFilterDisabled('f'), first?.isFilterDisabled('none')]).toEqual([true, false, undefined]);
  });

  it('fits what filters and logs want of a route', () => {
    const route: FilterRoute & RouteInfo = only({ name: 'r' });
    expect([route.routeName, route.virtualHostName, route.clusterName]).toEqual(['r', 'v', 'c']);
  });
});

describe('other kinds of route', () => {
  it.each([[201, 'http://host.com/p?q'], [302, 'http://host.com/p?q'], [200, ''], [404, '']])('a direct response with status %d has Location %j', (status, expected) => {
    const route = only({ action: { kind: 'direct_response', status, body: new Uint8Array(0), bodyFormat: null } });
    expect([route.kind, route.responseCode, route.redirectLocation(request('/p?q'), true)]).toEqual([RouteKind.directResponse, status, expected]);
  });

  it('a non-forwarding route is one without a cluster', () => {
    const route = only({ action: { kind: 'non_forwarding' } });
    expect([route.kind, route.resolveClusterName(request('/')), route.clusterNotFoundResponseCode]).toEqual([RouteKind.route, '', 503]);
  });

  it('rewrites the host from the path', () => {
    const headers = request('/tenant/x?y');
    only({ action: routeAction({ hostRewritePathRegex: { regex: '^/([^/]+)/.*$', substitution: '\\1.com' } }) }).finalizeHost(headers);
    expect(headers.getByName('host')).toBe('tenant.com');
  });
});

describe('redirects', () => {
  const locate = (config: Parameters<typeof redirect>[0], path: string, extra: [string, string][] = [], route: Partial<RouteEntryConfig> = {}): string =>
    only({ ...route, action: redirect(config) }).redirectLocation(request(path, extra), false);
  const withHost = (config: Parameters<typeof redirect>[0], host: string, proto: string): string => {
    const headers = headerMap(names, [[':method', 'GET'], [':path', '/p'], [':scheme', proto], [':authority', host], ['x-forwarded-proto', proto]]);
    return only({ action: redirect(config) }).redirectLocation(headers, false);
  };

  it.each<[Parameters<typeof redirect>[0], string, string]>([
    [{}, '/a?b', 'http://host.com/a?b'],
    [{ httpsRedirect: true }, '/a?b', 'https://host.com/a?b'],
    [{ scheme: 'ws' }, '/a', 'ws://host.com/a'],
    [{ host: 'new.com' }, '/a', 'http://new.com/a'],
    [{ port: 8080 }, '/a', 'http://host.com:8080/a'],
    [{ path: '/new' }, '/a?b', 'http://host.com/new?b'],
    [{ path: '/new?c' }, '/a?b', 'http://host.com/new?c'],
    [{ path: '/new?c', stripQuery: true }, '/a?b', 'http://host.com/new?c'],
    [{ path: '/new', stripQuery: true }, '/a?b', 'http://host.com/new'],
    [{ stripQuery: true }, '/a?b', 'http://host.com/a'],
    [{ prefixRewrite: '/new/' }, '/a?b', 'http://host.com/new/a?b'],
    [{ regexRewrite: { regex: 'a', substitution: 'x' } }, '/a?a', 'http://host.com/x?a'],
  ])('%j of %s goes to %s', (config, path, expected) => {
    expect(locate(config, path)).toBe(expected);
  });

  it.each<[Parameters<typeof redirect>[0], string, string, string]>([
    [{ httpsRedirect: true }, 'h:80', 'http', 'https://h/p'],
    [{ httpsRedirect: true }, 'h:8080', 'http', 'https://h:8080/p'],
    [{ httpsRedirect: true }, 'h:443', 'https', 'https://h:443/p'],
    [{ scheme: 'http' }, 'h:443', 'https', 'http://h/p'],
    [{ httpsRedirect: true }, '[::1]:80', 'http', 'https://[::1]/p'],
    [{ httpsRedirect: true }, '[::1]', 'http', 'https://[::1]/p'],
    [{ port: 8443, httpsRedirect: true }, 'h:80', 'http', 'https://h:8443/p'],
    [{ port: 8443 }, 'h:1', 'http', 'http://h:8443/p'],
  ])('%j of host %s over %s goes to %s', (config, host, proto, expected) => {
    expect(withHost(config, host, proto)).toBe(expected);
  });
});
