/**
 * What choosing a route costs by the number of routes of a virtual host, for each kind of path specifier; beside it, asking one
 * route after the other. The request matches the last route but one (the last is a catch-all). CPU time of this process.
 * Budget: 10,000 routes cost at most 1.5 times what 10 do. Run: node bench/micro/route_match.ts
 */
import type { HeaderMap } from '../../core/headers/header_map.ts';
import { HeaderNames } from '../../core/headers/header_names.ts';
import type { MatchInput } from '../../core/matcher/match_input.ts';
import type { PathMatcherConfig } from '../../core/route/route_config.ts';
import type { RouteEntry } from '../../core/route/route_entry.ts';
import { RouteTable } from '../../core/route/route_table.ts';
import { headerMap, turnBuffer } from '../../test/support/header_map.ts';
import { matchLinearly } from '../../test/support/linear_match.ts';
import { compileContext, matchInput, prefix, routeConfig, routeEntry, routeMatch, virtualHost } from '../../test/support/route_config.ts';

const SIZES = [1, 2, 4, 6, 8, 10, 100, 1000, 10_000];
const RUN_MS = 150;
const ROUNDS = 5;

/** Routes are numbered from the highest down, so that the request for number 0 is the same at every size. */
const KINDS: Record<string, { path: (n: number) => PathMatcherConfig; request: string }> = {
  prefix: { path: (n) => prefix(`/api/v1/service-${n}/`), request: '/api/v1/service-0/items/42?full=1' },
  path: { path: (n) => ({ kind: 'path', value: `/api/v1/service-${n}/items`, caseSensitive: true }), request: '/api/v1/service-0/items?full=1' },
  path_separated_prefix: { path: (n) => ({ kind: 'path_separated_prefix', value: `/api/v1/service-${n}`, caseSensitive: true }), request: '/api/v1/service-0/items/42' },
  'prefix, any case': { path: (n) => ({ kind: 'prefix', value: `/Api/v1/Service-${n}/`, caseSensitive: false }), request: '/api/v1/service-0/items/42?full=1' },
  'regex by its beginning': { path: (n) => ({ kind: 'regex', regex: `/api/v1/service-${n}/.*` }), request: '/api/v1/service-0/items/42' },
  'regex by a later segment': { path: (n) => ({ kind: 'regex', regex: `/api/[^/]+/service-${n}/items/\\d+` }), request: '/api/v1/service-0/items/42' },
  'regex by its middle': { path: (n) => ({ kind: 'regex', regex: `/api/.*/service-${n}/.*` }), request: '/api/v1/eu/service-0/items/42' },
  'regex, any case': { path: (n) => ({ kind: 'regex', regex: `(?i)/Api/v1/Service-${n}/.*` }), request: '/api/v1/service-0/items/42' },
  'regex, any case, by its middle': { path: (n) => ({ kind: 'regex', regex: `(?i)/Api/.*/Service-${n}/.*` }), request: '/api/v1/eu/service-0/items/42' },
  'regex by three bytes': { path: (n) => ({ kind: 'regex', regex: `/[a-z]+/[a-z]*[0-9]${n.toString(32).padStart(3, '0')}[0-9][a-z]*/.*` }), request: '/items/x00000y/42' },
  'regex by its end': { path: (n) => ({ kind: 'regex', regex: `.*/service-${n}\\.html` }), request: '/api/v1/service-0.html' },
};

const names = new HeaderNames();
const turn = turnBuffer();

function table(kind: string, size: number): RouteTable {
  const { path } = KINDS[kind];
  const routes = Array.from({ length: size }, (_, i) => routeEntry({ name: String(size - 1 - i), match: routeMatch({ path: path(size - 1 - i) }) }));
  const config = routeConfig({ virtualHosts: [virtualHost({ routes: [...routes, routeEntry({ name: 'rest' })] })] });
  return RouteTable.compile(config, compileContext(names));
}

function nsPerMatch(match: (input: MatchInput) => RouteEntry | null, input: MatchInput): number {
  let best = Infinity;
  let count = 16;
  for (let round = 0; round < ROUNDS; round++) {
    for (;;) {
      const before = process.cpuUsage();
      for (let i = 0; i < count; i++) if (match(input)?.routeName !== '0') throw new Error('wrong route');
      const spent = process.cpuUsage(before);
      const ns = (spent.user + spent.system) * 1000;
      if (ns > (RUN_MS / ROUNDS) * 1e6) {
        best = Math.min(best, ns / count);
        break;
      }
      count *= 2;
    }
  }
  return best;
}

for (const kind of Object.keys(KINDS)) {
  console.log(`\n${kind}\n${'routes'.padStart(8)}${'compiled'.padStart(12)}${'linear'.padStart(12)}${'build'.padStart(12)}`);
  const costs = new Map<number, number>();
  for (const size of SIZES) {
    const before = performance.now();
    const routes = table(kind, size);
    const buildMs = performance.now() - before;
    const host = routes.virtualHosts[0];
    const headers: HeaderMap = headerMap(names, [[':method', 'GET'], [':path', KINDS[kind].request], [':authority', 'shop.example.com']], turn);
    const input = matchInput(headers);
    const compiled = nsPerMatch((one) => host.match(one), input);
    const linear = nsPerMatch((one) => matchLinearly(host, one), input);
    costs.set(size, compiled);
    console.log(`${String(size).padStart(8)}${`${compiled.toFixed(0)} ns`.padStart(12)}${`${linear.toFixed(0)} ns`.padStart(12)}${`${buildMs.toFixed(1)} ms`.padStart(12)}`);
    turn.reset();
  }
  console.log(`  10,000 routes cost ${((costs.get(10_000) ?? NaN) / (costs.get(10) ?? NaN)).toFixed(2)} times what 10 do`);
}
