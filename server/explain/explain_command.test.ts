import { describe, expect, it } from 'vitest';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { registerAllExtensions } from '../../extensions/all_extensions.ts';
import { testDescriptors } from '../../test/support/parse_yaml.ts';
import { createDryRun } from '../../workers/worker/dry_run.ts';
import { runExplain } from './explain_command.ts';
import type { Explanation } from './explanation.ts';

const registry = new FactoryRegistry();
registerAllExtensions(registry);

const BOOTSTRAP = `
static_resources:
  listeners:
  - name: ingress
    address: { socket_address: { address: 0.0.0.0, port_value: 10000 } }
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: http
          use_remote_address: true
          merge_slashes: true
          internal_address_config: { cidr_ranges: [{ address_prefix: 10.0.0.0, prefix_len: 8 }] }
          route_config:
            name: main
            virtual_hosts:
            - name: api
              domains: ["*.example.com"]
              response_headers_to_remove: [x-inner]
              routes:
              - name: canary
                match: { prefix: /v1/, headers: [{ name: x-canary, string_match: { exact: "1" } }] }
                route: { cluster: gone }
              - name: users
                match: { prefix: /v1/users }
                route:
                  prefix_rewrite: /users
                  timeout: 5s
                  retry_policy: { retry_on: 5xx, num_retries: 2, per_try_timeout: 1s }
                  hedge_policy: { hedge_on_per_try_timeout: true, additional_request_chance: { numerator: 1 } }
                  weighted_clusters: { clusters: [{ name: one, weight: 80 }, { name: two, weight: 20 }] }
                request_headers_to_add: [{ header: { key: x-route, value: users } }]
                typed_per_filter_config: { cors: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }
              - match: { path: /slow }
                direct_response: { status: 200, body: { inline_string: late } }
                typed_per_filter_config: { fault: { "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, delay: { fixed_delay: 2s, percentage: { numerator: 100 } } } }
              - { match: { prefix: /all }, route: { cluster: all } }
              - { match: { prefix: /there }, route: { cluster: there } }
              - match: { prefix: /old }
                redirect: { path_redirect: /new }
            validate_clusters: false
            ignore_port_in_host_matching: true
          http_filters:
          - { name: cors, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors } }
          - { name: fault, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault } }
          - { name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }
  clusters:
  - { name: one, type: STATIC, load_assignment: { cluster_name: one, endpoints: [{ lb_endpoints: [{ health_status: UNHEALTHY, endpoint: { address: { socket_address: { address: 10.0.0.1, port_value: 80 } } } }, { endpoint: { address: { socket_address: { address: 10.0.0.2, port_value: 80 } } } }] }] } }
  - { name: two, type: STRICT_DNS, typed_extension_protocol_options: { envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http_protocol_options: {} }, retry_policy: { retry_on: reset, num_retries: 5 }, http_filters: [{ name: mutate, disabled: true, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation } }, { name: codec, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec } }] } }, load_assignment: { cluster_name: two, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: two.svc, port_value: 81 } } } }] }] }, transport_socket: { name: tls, typed_config: { "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext } } }
  - { name: there, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED, original_dst_lb_config: { use_http_header: true } }
  - { name: all, lb_policy: CLUSTER_PROVIDED, cluster_type: { name: envoy.clusters.aggregate, typed_config: { "@type": type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig, clusters: [two, one] } } }
`;

function run(...argv: string[]): { code: number; out: string; err: string } {
  let out = '';
  let err = '';
  const code = runExplain(['--config-yaml', BOOTSTRAP, ...argv], {
    registry, loadDescriptors: testDescriptors, nowMs: () => 0, writeFile: () => {},
    writeStdout: (text) => {
      out += text;
    },
    writeStderr: (text) => {
      err += text;
    },
  }, createDryRun(registry));
  return { code, out, err };
}

function explained(...argv: string[]): Explanation {
  const { code, out, err } = run(...argv, '--json');
  expect([code, err]).toEqual([0, '']);
  const explanation = JSON.parse(out) as Explanation;
  expect(explanation.bugs).toEqual([]);
  return explanation;
}

const HOST = 'http://api.example.com:10000';

describe('explain', () => {
  it('follows a request to its cluster and says what was done to it', () => {
    const said = explained('GET', `${HOST}//v1/users/7?q`, '--random', '85', '--source-ip', '203.0.113.9');
    expect(said.verdict).toEqual({ kind: 'forwarded', cluster: 'two', endpoint: 'two.svc:81', method: 'GET', path: '/users/7?q', host: 'api.example.com:10000' });
    expect(said.connectionManager).toMatchObject({ statPrefix: 'http', clientAddress: '203.0.113.9:50000', isInternal: false });
    expect(said.connectionManager?.changes).toContainEqual({ what: 'path', before: '//v1/users/7?q', after: '/v1/users/7?q' });
    expect(said.connectionManager?.changes).toContainEqual({ what: 'header x-forwarded-for', after: '203.0.113.9' });
    expect(said.virtualHost).toEqual({ name: 'api', domain: '*.example.com', kind: 'suffix', at: '--config-yaml:18:15', requiresTls: false });
    expect(said.routes?.asked).toEqual([
      { number: 1, name: 'canary', path: 'prefix "/v1/"', at: '--config-yaml:22:17', failedField: 'headers[0]', reason: 'x-canary must be exact "1", is absent', isNearMiss: true, commonPathLength: 4 },
      { number: 2, name: 'users', path: 'prefix "/v1/users"', at: '--config-yaml:25:17', isNearMiss: false, commonPathLength: 9 },
    ]);
    expect(said.route).toMatchObject({ number: 2, choice: 'two by random number 85 (one 80 %, two 20 %)' });
    expect(said.rewrites).toEqual([{ what: 'path', before: '/v1/users/7?q', after: '/users/7?q' }]);
    expect(said.requestHeaders).toEqual([{ level: 'route', mutation: '+ x-route: users (append_if_exists_or_add)' }]);
    expect(said.responseHeaders).toEqual([{ level: 'virtual host', mutation: '- x-inner' }]);
    expect(said.upstreamRequest).toContain('x-route: users');
    expect(said.filters.find(({ name }) => name === 'cors')).toEqual({ name: 'cors', isOn: false, note: 'disabled by the route' });
    expect(said.upstreamFilters).toEqual([{ name: 'mutate', isOn: false, note: 'disabled in the filter chain' }]);
    expect(run(`${HOST}/v1/users`, '--random', '85').out).toMatch(/^upstream +filters mutate off \(disabled in the filter chain\)$/m);
    expect(explained(`${HOST}/v1/users`, '--random', '5').upstreamFilters).toEqual([]);
  });

  it('says where timeouts come from, and what has no effect', () => {
    const { settings, withoutEffect } = explained(`${HOST}/v1/users`);
    expect(settings.slice(0, 2)).toEqual([
      { name: 'timeout', value: '5s', from: 'route', at: '--config-yaml:29:28' }, { name: 'idle timeout', value: '300s', from: 'connection manager' },
    ]);
    expect(settings.at(-1)).toMatchObject({ name: 'retries', value: '2 on 5xx, and beside tries slower than 1s', from: 'route' });
    expect(explained(`${HOST}/v1/users`, '--random', '90').settings.at(-1)).toMatchObject({ value: '5 on reset, and beside tries slower than 1s', from: 'cluster two' });
    expect(withoutEffect).toEqual(['route.hedge_policy.additional_request_chance (--config-yaml:31:67)']);
    const [internal] = explained(`${HOST}/v1/users`, '--source-ip', '10.1.1.1', '-H', 'x-envoy-upstream-rq-timeout-ms: 700').settings;
    expect(internal).toEqual({ name: 'timeout', value: '0.7s', from: 'request header x-envoy-upstream-rq-timeout-ms' });
  });

  it('goes to a healthy endpoint, and marks it', () => {
    const said = explained(`${HOST}/v1/users`);
    expect(said.cluster?.endpoints.map(({ address, health, isChosen }) => [address, health, isChosen])).toEqual([['10.0.0.1:80', 'unhealthy', false], ['10.0.0.2:80', 'healthy', true]]);
  });

  it('knows clusters that choose their hosts themselves', () => {
    const all = explained(`${HOST}/all`);
    expect(all.verdict).toMatchObject({ cluster: 'all', endpoint: 'two.svc:81' });
    expect(all.cluster).toMatchObject({ type: 'aggregate of two, one', lbPolicy: 'chosen by the cluster', note: 'names are not resolved here' });
    expect(all.cluster?.endpoints.map(({ address, isChosen }) => [address, isChosen])).toEqual([['two.svc:81', true], ['10.0.0.1:80', false], ['10.0.0.2:80', false]]);
    const there = explained(`${HOST}/there`, '-H', 'x-envoy-original-dst-host: 10.5.6.7:89');
    expect(there.verdict).toMatchObject({ cluster: 'there', endpoint: '10.5.6.7:89' });
    expect(there.cluster).toMatchObject({ type: 'ORIGINAL_DST', endpoints: [], note: 'requests say theirs' });
  });

  it('gives answers made here as they go over the wire', () => {
    expect(explained(`${HOST}/old/x?q`).verdict).toMatchObject({ kind: 'answered', status: 301, location: `${HOST}/new?q` });
    expect(explained(`${HOST}/v1/x`, '-H', 'x-canary: 1').verdict).toMatchObject({ status: 503, details: 'cluster_not_found' });
    expect(explained('http://other:10000/').verdict).toMatchObject({ status: 404, details: 'route_not_found' });
    expect(explained(`${HOST}/a`, '-H', 'bad name: x').verdict).toMatchObject({ status: 400, details: 'http1.codec_error' });
    expect(explained('-X', 'PUT', `${HOST}/v1/users`, '-d', '100', '-H', 'Host: b.example.com').verdict).toMatchObject({ method: 'PUT', host: 'b.example.com' });
  });

  it('lets time pass for filters that hold the request', () => {
    const said = explained(`${HOST}/slow`);
    expect([said.verdict.kind, said.verdict.status, said.verdict.body, said.heldMs >= 2000 && said.heldMs < 2500]).toEqual(['answered', 200, 'late', true]);
  });

  it('--internal makes a request internal', () => {
    expect(explained(`${HOST}/v1/users`).connectionManager?.isInternal).toBe(false);
    expect(explained(`${HOST}/v1/users`, '--internal').upstreamRequest).toContain('x-envoy-internal: true');
  });

  it('fits one screen, with near misses only', () => {
    const { out } = run(`${HOST}/v1/users/1`);
    expect(out.split('\n').length).toBeLessThan(40);
    expect(out).toMatch(/^verdict {8}forwarded to cluster one at 10\.0\.0\.2:80 as GET \/users\/1 with host api\.example\.com:10000$/m);
    expect(out).toContain('1 \'canary\' prefix "/v1/": headers[0]: x-canary must be exact "1", is absent  --config-yaml:22:17');
    const far = run(`${HOST}/slow`).out;
    expect(far).toContain('2 more (--all shows them)');
    expect(run(`${HOST}/slow`, '--all').out).toContain('2 \'users\' prefix "/v1/users": prefix: the path is "/slow"');
  });

  it.each<[string, string[], string]>([
    ['no URL', [], 'a URL is wanted'],
    ['https', ['https://a/'], 'listeners here have no TLS'],
    ['an unknown listener', [`${HOST}/`, '--listener', 'x'], "there is no listener 'x'; there are 'ingress' (port 10000)"],
    ['a header that is none', [`${HOST}/`, '-H', 'x'], "'x' is no header"],
    ['a bad address', [`${HOST}/`, '--source-ip', 'x'], "'x' is no IP address"],
    ['an unknown flag', [`${HOST}/`, '--sorce-ip', 'x'], 'Did you mean --source-ip?'],
    ['three arguments', ['GET', `${HOST}/`, 'x'], 'not 3 arguments'],
  ])('refuses %s', (_, argv, text) => {
    const { code, err } = run(...argv);
    expect([code, err]).toEqual([1, expect.stringContaining(text)]);
  });
});
