import { describe, expect, it } from 'vitest';
import { headerMap } from '../../test/support/header_map.ts';
import { compileContext, matchInput, prefix, routeConfig, routeEntry, routeMatch, virtualHost } from '../../test/support/route_config.ts';
import type { MatchInput } from '../matcher/match_input.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { failedField } from './match_failure.ts';
import type { RouteMatchConfig, VirtualHostConfig } from './route_config.ts';
import { RouteTable } from './route_table.ts';

const names = new HeaderNames();
const present = (name: string) => ({ name, invert: false, treatMissingAsEmpty: false, kind: 'present' as const, present: true });

function input(path: string, extra: [string, string][] = []): MatchInput {
  return matchInput(headerMap(names, [[':method', 'GET'], [':path', path], ...extra]));
}

function explain(matches: Partial<RouteMatchConfig>[], request: MatchInput, host: Partial<VirtualHostConfig> = {}) {
  const routes = matches.map((match, i) => routeEntry({ name: String(i), match: routeMatch(match) }));
  const table = RouteTable.compile(routeConfig({ virtualHosts: [virtualHost({ routes, ...host })] }), compileContext(names));
  const found = table.virtualHosts[0]?.explain(request);
  if (found === undefined) throw new Error('no virtual host');
  expect(found.route).toBe(table.match(request));
  return found;
}

describe('VirtualHost.explain', () => {
  it.each<[Partial<RouteMatchConfig>, string, string]>([
    [{ path: prefix('/b') }, '/a', 'prefix'],
    [{ path: { kind: 'path', value: '/b', caseSensitive: true } }, '/a', 'path'],
    [{ path: { kind: 'regex', regex: '/b' } }, '/a', 'safe_regex'],
    [{ path: { kind: 'connect' } }, '/a', 'connect_matcher'],
    [{ runtimeFraction: { defaultValue: { numerator: 0, denominator: 100 }, runtimeKey: '' } }, '/a', 'runtime_fraction'],
    [{ grpc: true }, '/a', 'grpc'],
    [{ headers: [present('x-a'), present('x-b'), present('x-c')] }, '/a', 'headers[1]'],
    [{ queryParameters: [{ name: 'q', matcher: null, present: true }, { name: 'r', matcher: null, present: true }] }, '/a?q', 'query_parameters[1]'],
    [{}, '/a', ''],
  ])('%j against %s fails at "%s"', (match, path, field) => {
    const { tried } = explain([match], input(path, [['x-a', '1']]));
    expect(tried.map(({ route, failure }) => failedField(failure, route.config.match.path.kind))).toEqual([field]);
  });

  it('lists the routes asked up to the one that matches', () => {
    const found = explain([{ path: prefix('/b') }, { grpc: true }, {}, {}], input('/a'));
    expect(found.tried.map(({ route, failure }) => [route.routeName, failedField(failure, route.config.match.path.kind)])).toEqual([['0', 'prefix'], ['1', 'grpc'], ['2', '']]);
    expect(found.route?.routeName).toBe('2');
  });

  it('asks no route when TLS is required', () => {
    const found = explain([{}], input('/a'), { requireTls: 'all' });
    expect([found.redirectsToTls, found.tried, found.route?.responseCode]).toEqual([true, [], 301]);
  });
});
