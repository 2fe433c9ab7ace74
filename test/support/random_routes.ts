/** Route tables and requests at random, from a seed: small alphabets, so that requests hit, nearly hit and miss. */

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface RandomRequest {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly random: number;
}

const SEGMENTS = ['a', 'b', 'ab', 'A', 'users', '42', 'x%2Fy', '..', '.', ''];
const HOSTS = ['a.com', 'b.com', 'www.a.com', 'x.www.a.com', 'a.org', 'api.b.com'];
const DOMAINS = ['a.com', 'A.com', 'b.com', '*.a.com', '*.com', 'a.*', 'api.*', '*', 'www.a.com', '*a.com'];

/** Clusters `c0` to `c3`, one host each, at port 9000 and up of the loopback. */
export const CLUSTER_COUNT = 4;

/** Makes tables and requests. */
export class RouteGenerator {
  private readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** A bootstrap with one HTTP listener on port 10000. */
  bootstrap(): object {
    const domains = [...DOMAINS].filter((domain) => domain !== 'A.com' && this.chance(0.6));
    const hosts: object[] = [];
    while (domains.length > 0) hosts.push(this.virtualHost(hosts.length, domains.splice(0, 1 + this.below(2))));
    if (hosts.length === 0) hosts.push(this.virtualHost(0, ['*']));
    const manager = {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
      stat_prefix: 'h', generate_request_id: false, use_remote_address: this.chance(0.5), merge_slashes: this.chance(0.3), normalize_path: this.chance(0.3),
      ...(this.chance(0.3) ? { strip_any_host_port: true } : {}),
      path_with_escaped_slashes_action: this.pick(['KEEP_UNCHANGED', 'KEEP_UNCHANGED', 'UNESCAPE_AND_REDIRECT', 'UNESCAPE_AND_FORWARD', 'REJECT_REQUEST']),
      http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } }],
      route_config: {
        name: 'table', virtual_hosts: hosts, ignore_port_in_host_matching: this.chance(0.5), validate_clusters: false,
        request_headers_to_add: [{ header: { key: 'x-route', value: '%ROUTE_NAME%' } }],
        response_headers_to_add: [{ header: { key: 'x-route', value: '%ROUTE_NAME%' } }],
      },
    };
    const clusters = Array.from({ length: CLUSTER_COUNT }, (_, i) => ({
      name: `c${i}`, type: 'STATIC',
      load_assignment: { cluster_name: `c${i}`, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 9000 + i } } } }] }] },
    }));
    return {
      static_resources: {
        clusters,
        listeners: [{
          name: 'l', address: { socket_address: { address: '127.0.0.1', port_value: 10000 } },
          filter_chains: [{ filters: [{ name: 'hcm', typed_config: manager }] }],
        }],
      },
    };
  }

  request(): RandomRequest {
    const headers: (readonly [string, string])[] = [];
    if (this.chance(0.5)) headers.push(['x-a', this.pick(['1', '2', 'one', '7'])]);
    if (this.chance(0.2)) headers.push(['x-b', '']);
    if (this.chance(0.2)) headers.push(['content-type', this.pick(['application/grpc', 'text/plain'])]);
    if (this.chance(0.1)) headers.push(['x-forwarded-proto', this.pick(['http', 'https'])]);
    if (this.chance(0.1)) headers.push(['x-forwarded-for', this.pick(['10.0.0.1', '203.0.113.1, 10.0.0.1'])]);
    const query = this.chance(0.4) ? `?${this.pick(['q', 'q=1', 'q=2&r', 'r=1&q=1'])}` : '';
    return {
      method: this.pick(['GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'DELETE']),
      target: this.chance(0.02) ? this.pick(['*', 'a', '/a#b', 'http://b.com/a', 'ftp://b.com/a']) : this.path() + query,
      host: this.pick(HOSTS) + (this.chance(0.3) ? ':10000' : ''),
      headers, random: this.below(1000),
    };
  }

  private virtualHost(index: number, domains: string[]): object {
    const routes = Array.from({ length: 1 + this.below(12) }, (_, i) => this.route(`v${index}r${i}`));
    return { name: `v${index}`, domains, routes, ...(this.chance(0.1) ? { require_tls: this.pick(['ALL', 'EXTERNAL_ONLY']) } : {}) };
  }

  private route(name: string): object {
    return { name, match: this.match(), ...this.action() };
  }

  private match(): object {
    const path = this.path();
    const plain = path.replace(/\/+$/, '') || '/a';
    const specifier = this.pick([
      { prefix: path }, { prefix: '/' }, { path }, { path_separated_prefix: plain },
      { safe_regex: { regex: this.pick(['/[a-z]+', '/.*b', '/users/[0-9]+', '.*']) } }, { prefix: path, case_sensitive: false },
    ]);
    return {
      ...specifier,
      ...(this.chance(0.25) ? { headers: [this.pick([
        { name: 'x-a', string_match: { exact: '1' } }, { name: 'x-a', range_match: { start: 2, end: 8 } }, { name: 'x-b', present_match: true },
        { name: 'x-a', string_match: { prefix: 'o' }, invert_match: true }, { name: ':method', string_match: { exact: 'GET' } }, { name: 'x-a', present_match: false },
      ])] } : {}),
      ...(this.chance(0.15) ? { query_parameters: [this.pick([{ name: 'q', string_match: { exact: '1' } }, { name: 'r', present_match: true }])] } : {}),
      ...(this.chance(0.05) ? { grpc: {} } : {}),
      ...(this.chance(0.1) ? { runtime_fraction: { default_value: { numerator: this.below(100) } } } : {}),
    };
  }

  private action(): object {
    if (this.chance(0.15)) {
      return { redirect: this.pick<object>([
        { https_redirect: true }, { path_redirect: '/moved', response_code: 'FOUND' }, { host_redirect: 'new.com', strip_query: true },
        { prefix_rewrite: '/p', port_redirect: 8443 }, { regex_rewrite: { pattern: { regex: '[ab]+' }, substitution: 'z' } },
      ]) };
    }
    if (this.chance(0.15)) return { direct_response: { status: this.pick([200, 404, 302, 201]), body: { inline_string: this.pick(['', 'text']) } } };
    const target = this.pick<object>([
      { cluster: `c${this.below(CLUSTER_COUNT)}` }, { cluster: `c${this.below(CLUSTER_COUNT)}` }, { cluster: 'missing' }, { cluster_header: 'x-a' },
      { weighted_clusters: { clusters: [{ name: 'c0', weight: 30 }, { name: 'c1', weight: 0 }, { name: 'c2', weight: 70 }] } },
    ]);
    return { route: { ...target, ...this.pick<object>([{}, { prefix_rewrite: '/new' }, { regex_rewrite: { pattern: { regex: '/([a-z]+)' }, substitution: '/<\\1>' } }, { host_rewrite_literal: 'other.com' }]) } };
  }

  private path(): string {
    const count = 1 + this.below(3);
    return `/${Array.from({ length: count }, () => this.pick(SEGMENTS)).join('/')}`;
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  private below(n: number): number {
    return Math.floor(this.random() * n);
  }

  private chance(p: number): boolean {
    return this.random() < p;
  }
}
