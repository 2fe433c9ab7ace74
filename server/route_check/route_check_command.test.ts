import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { registerAllExtensions } from '../../extensions/all_extensions.ts';
import { CASES_DIR } from '../../test/support/load_case.ts';
import { testDescriptors } from '../../test/support/parse_yaml.ts';
import { runRouteCheck } from './route_check_command.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'envoyts-route-check-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

const registry = new FactoryRegistry();
registerAllExtensions(registry);

function run(...argv: string[]): { code: number; out: string; err: string } {
  let out = '';
  let err = '';
  const code = runRouteCheck(argv, {
    registry, loadDescriptors: testDescriptors, nowMs: () => 0,
    writeFile: (path, content) => writeFileSync(path, content),
    writeStdout: (text) => {
      out += text;
    },
    writeStderr: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

function file(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

const ROUTES = `
virtual_hosts:
- name: shop
  domains: ["shop.com"]
  routes:
  - name: cart
    match: { prefix: /cart }
    route: { cluster: carts, prefix_rewrite: /c, host_rewrite_literal: inner, timeout: 3s }
    request_headers_to_add: [{ header: { key: x-from, value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" } }]
    response_headers_to_add: [{ header: { key: x-a, value: "1" } }]
  - match: { prefix: /old }
    redirect: { path_redirect: /new, response_code: FOUND }
  - match: { prefix: /ping }
    direct_response: { status: 200, body: { inline_string: pong } }
  - match: { prefix: / }
    route: { weighted_clusters: { clusters: [{ name: a, weight: 30 }, { name: b, weight: 70 }] } }
`;

function test(name: string, path: string, validate: string, more = ''): string {
  return `- test_name: ${name}\n  input: { authority: shop.com, path: ${path}, method: GET${more} }\n  validate: ${validate}\n`;
}

const PASSING = `tests:
${test('forwards', '/cart/7?q', '{ cluster_name: carts, virtual_host_name: shop, path_rewrite: "/c/7?q", host_rewrite: inner, path_redirect: "", timeout: 3s }')}
${test('headers', '/cart', '{ request_header_matches: [{ name: x-from, string_match: { exact: 127.0.0.1 } }, { name: x-envoy-original-path, string_match: { exact: /cart } }], response_header_matches: [{ name: x-a, present_match: true }, { name: x-b, string_match: { prefix: v } }] }', ', additional_response_headers: [{ key: x-b, value: value }]')}
${test('redirects', '/old/x?q', '{ cluster_name: "", path_redirect: "http://shop.com/new?q", code_redirect: 302 }')}
${test('redirects to https', '/old', '{ path_redirect: "https://shop.com/new" }', ', ssl: true')}
${test('answers', '/ping', '{ path_redirect: "http://shop.com/ping", response_header_matches: [{ name: ":status", string_match: { exact: "200" } }, { name: content-length, range_match: { start: 4, end: 5 } }] }')}
${test('weighs', '/x', '{ cluster_name: b }', ', random_value: 30')}
${test('deprecated fields', '/cart', '{ request_header_fields: [{ key: ":path", value: /c }], response_header_fields: [{ key: x-a, value: "1" }] }')}
`;

describe('router-check', () => {
  it('passes what is as expected, and measures coverage', () => {
    const routes = file('routes.yaml', ROUTES);
    const { code, out, err } = run('-c', routes, '-t', file('pass.yaml', PASSING), '--details');
    expect(err).toBe('');
    expect(out).toBe('PASS forwards\nPASS headers\nPASS redirects\nPASS redirects to https\nPASS answers\nPASS weighs\nPASS deprecated fields\n'
      + '7 tests, 7 passed, 0 failed\nCurrent route coverage: 80%\n');
    expect(code).toBe(0);
  });

  it('names every field that differs, and the route that answered', () => {
    const routes = file('routes.yaml', ROUTES);
    const tests = file('fail.yaml', `tests:\n${test('wrong', '/cart', '{ cluster_name: other, path_rewrite: /x, request_header_matches: [{ name: x-from, string_match: { exact: nobody } }, { name: x-no, present_match: true }] }')}${test('fine', '/cart', '{ cluster_name: carts }')}`);
    const { code, out } = run('--config-path', routes, '--test-path', tests);
    expect(out).toBe(`FAIL wrong
     expected: [other], actual: [carts], test type: cluster_name
     expected: [/x], actual: [/c], test type: path_rewrite
     expected: [x-from: nobody], actual: [x-from: 127.0.0.1], test type: request_header_matches.string_match.exact
     expected: [has(x-no):true], actual: [has(x-no):false], test type: request_header_matches.present_match
     matched route 'cart' of virtual host 'shop' at ${routes}:6:5
2 tests, 1 passed, 1 failed
`);
    expect(code).toBe(1);
  });

  it('fails below a coverage; --covall counts every field and names what has no test', () => {
    const routes = file('routes.yaml', ROUTES);
    const tests = file('some.yaml', `tests:\n${test('a', '/cart', '{ cluster_name: carts }')}`);
    const below = run('-c', routes, '-t', tests, '-f', '50');
    expect([below.code, below.out, below.err]).toEqual([1, '1 tests, 1 passed, 0 failed\nCurrent route coverage: 20%\n', 'Failed to meet coverage requirement: 50%\n']);
    expect(run('-c', routes, '-t', tests, '-f', '20').code).toBe(0);
    expect(run('-c', routes, '-t', tests, '--covall').out).toContain('Current route coverage: 4%');
    expect(run('-c', routes, '-t', tests, '--detailed-coverage').out).toContain(`Missing test for host: shop, route name:  (${routes}:11:5)`);
  });

  it('reads tests as JSON and text proto, and a bootstrap by listener or route configuration', () => {
    const routes = file('routes.yaml', ROUTES);
    const json = file('tests.json', '{"tests": [{"test_name": "j", "input": {"authority": "shop.com", "path": "/cart", "method": "GET"}, "validate": {"cluster_name": "carts"}},]}');
    expect(run('-c', routes, '-t', json).code).toBe(0);
    const text = file('tests.pb_text', 'tests { test_name: "t" input { authority: "shop.com" path: "/cart" method: "GET" } validate { cluster_name { value: "carts" } } }');
    expect(run('-c', routes, '-t', text).code).toBe(0);
    const manager = (name: string): string => `
    filter_chains: [{ filters: [{ name: h, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: h,
      http_filters: [{ name: r, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }],
      route_config: { name: ${name}, virtual_hosts: [{ name: v, domains: ["*"], routes: [{ match: { prefix: / }, direct_response: { status: 200 } }] }] } } }] }]`;
    const bootstrap = file('bootstrap.yaml', `static_resources:\n  listeners:\n${['one', 'two'].map((name, i) => `  - name: ${name}\n    address: { socket_address: { address: 127.0.0.1, port_value: ${10 + i} } }${manager(`routes_${name}`)}`).join('\n')}\n`);
    const tests = file('b.yaml', `tests:\n${test('b', '/', '{ code_redirect: 200 }')}`);
    expect(run('-c', bootstrap, '-t', tests).err).toContain("several route tables fit; there are\n  --listener 'one' --route-config 'routes_one'");
    expect(run('-c', bootstrap, '-t', tests, '--listener', 'two').code).toBe(0);
    expect(run('-c', bootstrap, '-t', tests, '--route-config', 'routes_one').code).toBe(0);
  });

  it('writes results as JSON and as a binary proto', () => {
    const routes = file('routes.yaml', ROUTES);
    const tests = file('two.yaml', `tests:\n${test('good', '/cart', '{ cluster_name: carts }')}${test('bad', '/cart', '{ cluster_name: x, response_header_matches: [{ name: x-a, string_match: { exact: "2" } }] }')}`);
    const expected = { test_results: [
      { test_name: 'good', test_passed: true },
      { test_name: 'bad', failure: { expected_cluster_name: 'x', actual_cluster_name: 'carts', response_header_match_failures: [{ header_matcher: { name: 'x-a', string_match: { exact: '2' } }, actual_header_value: '1' }] } },
    ] };
    run('-c', routes, '-t', tests, '-o', join(dir, 'out.json'));
    expect(JSON.parse(readFileSync(join(dir, 'out.json'), 'utf8'))).toEqual(expected);
    run('-c', routes, '-t', tests, '-o', join(dir, 'out.pb'), '--only-show-failures');
    const desc = testDescriptors().requireMessage('envoy.RouterCheckToolSchema.ValidationResult');
    const decoded = fromBinary(desc, readFileSync(join(dir, 'out.pb'))) as unknown as { testResults: { testName: string; failure: { responseHeaderMatchFailures: unknown[] } }[] };
    expect(decoded.testResults.map((result) => result.testName)).toEqual(['bad']);
    expect(decoded.testResults[0].failure.responseHeaderMatchFailures).toMatchObject([{ headerMatcher: { name: 'x-a', headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern: { case: 'exact', value: '2' } } } } }]);
  });

  it.each<[string, string[], string]>([
    ['no files', [], 'Both --config-path/c and --test-path/t are mandatory'],
    ['an unknown flag', ['--detail'], 'Did you mean --details?'],
    ['a file that is not there', ['-c', '/no/such.yaml', '-t', 'x'], 'unable to read file: /no/such.yaml'],
    ['a coverage that is none', ['-c', 'a', '-t', 'b', '-f', 'x'], '--fail-under wants a percentage'],
  ])('refuses %s', (_, argv, text) => {
    const { code, err } = run(...argv);
    expect([code, err]).toEqual([1, expect.stringContaining(text)]);
  });

  it('shows mistakes in a test file where they stand', () => {
    const routes = file('routes.yaml', ROUTES);
    const { code, err } = run('-c', routes, '-t', file('typo.yaml', `tests:\n${test('a', '/', '{ cluster_nam: x }')}`));
    expect([code, err]).toEqual([1, expect.stringContaining('typo.yaml:4:15')]);
    expect(err).toContain('did you mean "cluster_name"'.replaceAll('"', "'"));
  });

  it('takes a runtime fraction of 0 for 1, and a key that is on', () => {
    const fraction = (numerator: number): string => `{ runtime_key: k, default_value: { numerator: ${numerator}, denominator: HUNDRED } }`;
    const routes = file('runtime.yaml', `virtual_hosts:\n- name: v\n  domains: ["*"]\n  routes:\n  - { match: { prefix: /, runtime_fraction: ${fraction(0)} }, route: { cluster: new } }\n  - { match: { prefix: / }, route: { cluster: old } }\n`);
    const tests = file('runtime_tests.yaml', `tests:\n${test('within', '/', '{ cluster_name: new }', ', runtime: k')}${test('outside', '/', '{ cluster_name: old }', ', runtime: k, random_value: 1')}${test('key is off', '/', '{ cluster_name: old }')}`);
    expect(run('-c', routes, '-t', tests).out).toContain('3 tests, 3 passed');
  });
});

const CASES = join(CASES_DIR, 'router-check');
const SUITES = ['ContentType', 'DynamicMetadata', 'Redirect4', 'Runtime', 'TestRoutes', 'Weighted'];

describe.skipIf(!existsSync(CASES))("Envoy's own suites (skipped where the collection of cases is not there)", () => {
  it.each(SUITES.map((suite) => [suite]))('%s passes', (suite) => {
    expect(run('-c', join(CASES, `${suite}.yaml`), '-t', join(CASES, `${suite}.golden.proto.json`))).toMatchObject({ code: 0, out: expect.stringContaining(' 0 failed') });
  });

  it.each([['yaml'], ['pb_text']])('Weighted passes from %s', (format) => {
    expect(run('-c', join(CASES, 'Weighted.yaml'), '-t', join(CASES, `Weighted.golden.proto.${format}`)).code).toBe(0);
  });

  it('TestRoutesFailures fails in every field', () => {
    const { code, out } = run('-c', join(CASES, 'TestRoutes.yaml'), '-t', join(CASES, 'TestRoutesFailures.golden.proto.json'));
    expect(code).toBe(1);
    expect(out.match(/test type/g)).toHaveLength(5);
  });
});
