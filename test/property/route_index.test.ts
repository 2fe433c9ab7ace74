import { expect, it } from 'vitest';
import { RE2JS } from 're2js';
import { headerMap, turnBuffer } from '../support/header_map.ts';
import { matchLinearly } from '../support/linear_match.ts';
import { compileContext, matchInput, routeConfig, routeEntry, routeMatch, virtualHost } from '../support/route_config.ts';
import { HeaderNames } from '../../core/headers/header_names.ts';
import type { PathMatcherConfig, RouteEntryConfig } from '../../core/route/route_config.ts';
import { RouteTable } from '../../core/route/route_table.ts';

const TABLES = 2000;
const REQUESTS = 50;

/** mulberry32: the same tables and requests on every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;
const pick = (random: Random, of: readonly string[]): string => of[random(of.length)] ?? '';
const repeat = (random: Random, max: number, make: () => string): string => Array.from({ length: random(max + 1) }, make).join('');

// RE2 takes U+017F for s and U+212A for k where case is ignored.
const LITERALS = ['a', 'b', 'A', 's', 'K', '\u017f', '\u212a', 'sk/', 'ab', 'ba', '/', '/', '/a', '/b', '.', '-', 'é', '/ab/', 'aé', 'b-ab'];
/** Around a literal, such that neither end of the pattern says much. */
const AROUND = ['.*', '.*', '.+', '[ab]*', '\\w*', '[^/]*', '/.*', '/[^/]+', '.*a', 'b.*', '.*(a|b)', '/ab/.*', '.?'];
const ATOMS = [
  'a', 'b', '/', '/', '/a', 'ab', '\\.', '\\/', '-', '.', '[^/]', '[a-z]', '[^a]', '[+-9]', '[]a]', '\\d', '\\w', '\\W', '\\S', 'é', '(?i)a', '(?i:sb)', '(?i-s:K)', '(?i)', '(?-i)', '\\x61', '\\Qa\\E', '^', '$', '[[:alpha:]]',
];
const TEMPLATE_SEGMENTS = ['a', 'b', '*', 'ab', 'a.b', 'ba*'];
const QUANTIFIERS = ['', '', '', '', '*', '+', '?', '{2}', '{1,2}', '*?', '+?'];

function pattern(random: Random, depth: number): string {
  const part = (): string => {
    const kind = depth > 0 ? random(5) : 4;
    const atom = kind === 0 ? `(${pattern(random, depth - 1)}|${pattern(random, depth - 1)})` : kind === 1 ? `(?:${pattern(random, depth - 1)})` : kind === 2 && random(3) === 0 ? `(?P<n>${pattern(random, 0)})` : pick(random, ATOMS);
    return atom + pick(random, QUANTIFIERS);
  };
  const body = repeat(random, 5, part);
  return depth === 2 && random(4) > 0 ? `/${body}` : body;
}

function validPattern(random: Random): string {
  for (;;) {
    const within = () => `${pick(random, AROUND)}${repeat(random, 3, () => pick(random, LITERALS)).replace('.', '\\.')}${pick(random, AROUND)}`;
    const body = random(3) === 0 ? within() : pattern(random, 2);
    const regex = random(5) === 0 ? `(?i)${body}` : body;
    try {
      RE2JS.compile(regex);
      return regex;
    } catch {
      // Generated patterns need not be valid: another one.
    }
  }
}

function path(random: Random): PathMatcherConfig {
  const value = `/${repeat(random, 4, () => pick(random, LITERALS))}`;
  const caseSensitive = random(3) > 0;
  switch (random(9)) {
    case 0: case 1: return { kind: 'prefix', value, caseSensitive };
    case 2: return { kind: 'path', value, caseSensitive };
    case 3: return { kind: 'path_separated_prefix', value: value === '/' ? '/a' : value, caseSensitive };
    case 5: return { kind: 'uri_template', template: `/${repeat(random, 3, () => `${pick(random, TEMPLATE_SEGMENTS)}/`)}${pick(random, [...TEMPLATE_SEGMENTS, '**', '**.b', '*-'])}` };
    case 4: return random(4) === 0 ? { kind: 'connect' } : { kind: 'prefix', value: '', caseSensitive };
    default: return { kind: 'regex', regex: validPattern(random) };
  }
}

function route(random: Random, name: string): RouteEntryConfig {
  const header = { name: 'x-a', invert: false, treatMissingAsEmpty: false, kind: 'present' as const, present: random(2) === 0 };
  const match = { path: path(random), headers: random(3) === 0 ? [header] : [], queryParameters: random(8) === 0 ? [{ name: 'q', matcher: null, present: true }] : [] };
  return routeEntry({ name, match: routeMatch(match) });
}

it('finds the route that asking one after the other finds', { timeout: 120_000 }, () => {
  const random = generator(20261121);
  const names = new HeaderNames();
  const context = compileContext(names);
  const text = (s: string): string => Buffer.from(s).toString('latin1');
  const turn = turnBuffer();
  let matched = 0;
  for (let t = 0; t < TABLES; t++) {
    // Small tables are matched linearly, larger ones by index.
    const routes = Array.from({ length: 1 + random(24) }, (_, i) => route(random, String(i)));
    const table = RouteTable.compile(routeConfig({ virtualHosts: [virtualHost({ routes })] }), context);
    const host = table.virtualHosts[0];
    if (host === undefined) throw new Error('no virtual host');
    for (let r = 0; r < REQUESTS; r++) {
      const full = `/${repeat(random, 5, () => pick(random, LITERALS))}${random(4) === 0 ? '?q=/a' : ''}`;
      const isConnect = random(10) === 0;
      const pairs: [string, string][] = [[':method', isConnect ? 'CONNECT' : 'GET']];
      if (!isConnect || random(2) === 0) pairs.push([':path', text(full)]);
      if (random(2) === 0) pairs.push(['x-a', '1']);
      turn.reset();
      const input = matchInput(headerMap(names, pairs, turn));
      const found = table.match(input);
      const expected = matchLinearly(host, input);
      if (found !== expected) expect.fail(`${full} of ${JSON.stringify(routes.map((one) => one.match))}: ${found?.routeName} instead of ${expected?.routeName}`);
      if (found !== null) matched++;
    }
  }
  // Neither everything nor nothing matches, or the test says little.
  expect(matched).toBeGreaterThan(TABLES * REQUESTS * 0.2);
  expect(matched).toBeLessThan(TABLES * REQUESTS * 0.95);
});
