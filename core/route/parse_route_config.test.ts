import { describe, expect, it } from 'vitest';
import { configRegistry, parseOnly } from '../../test/support/config_registry.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import type { RouteConfiguration } from '../api/gen/envoy/config/route/v3/route_pb.d.ts';
import { parseRouteConfig } from './parse_route_config.ts';
import { DEFAULT_ROUTE_TIMEOUTS } from './route_timeouts.ts';
import type { RouteConfig, RouteEntryConfig } from './route_config.ts';

function parse(yaml: string): { config: RouteConfig; errors: string[]; warnings: () => string[] } {
  const registry = configRegistry();
  registry.register(parseOnly('envoy.filters.http.per_route', 'f', 'google.protobuf.Struct', () => ({ from: 'struct' })));
  const parsed = parseYamlMessage(yaml, 'envoy.config.route.v3.RouteConfiguration', registry);
  parsed.context.clusterNames = new Set(['c', 'd']);
  parsed.context.readFile = (path) => {
    if (path === '/present') return Buffer.from('from file');
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  const config = parseRouteConfig(parsed.message as RouteConfiguration, true, parsed.context);
  return { config, errors: parsed.errors(), warnings: parsed.warnings };
}

/** A configuration whose only route is given, in flow style. */
function parseRoute(route: string, table = ''): ReturnType<typeof parse> & { route: RouteEntryConfig } {
  const parsed = parse(`{name: rc, ${table} virtual_hosts: [{name: v, domains: ["*"], routes: [${route}]}]}`);
  const first = parsed.config.virtualHosts[0]?.routes[0];
  if (first === undefined) throw new Error('no route');
  return { ...parsed, route: first };
}

function template(text: string): string {
  return `{path_match_policy: {name: t, typed_config: {"@type": type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig, path_template: "${text}"}}}`;
}

function rewrite(text: string): string {
  return `path_rewrite_policy: {name: r, typed_config: {"@type": type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig, path_template_rewrite: "${text}"}}`;
}

const HEADER = 'envoy.type.matcher.v3.HttpRequestHeaderMatchInput, header_name: x';
const DIRECT = 'envoy.config.route.v3.Route, match: {prefix: /}, direct_response: {status: 200}';

function any(name: string, config: string): string {
  return `{name: ${name}, typed_config: {"@type": type.googleapis.com/${config}}}`;
}

/** A tree with a matcher of one header's value. */
function custom(matcher: string): string {
  return `{matcher_list: {matchers: [{predicate: {single_predicate: {input: ${any('i', HEADER)}, custom_match: ${any('m', matcher)}}}, on_match: {action: ${any('a', DIRECT)}}}]}}`;
}

function tree(input: string, action: string = DIRECT, extra = ''): string {
  return `{matcher_tree: {input: ${any('i', input)}, exact_match_map: {map: {k: {${extra}action: ${any('a', action)}}}}}}`;
}

function domains(list: string): string {
  const matcher = `xds.type.matcher.v3.ServerNameMatcher, domain_matchers: [{domains: [${list}], on_match: {action: ${any('a', DIRECT)}}}]`;
  return `{matcher_tree: {input: ${any('i', HEADER)}, custom_match: ${any('d', matcher)}}}`;
}

describe('parseRouteConfig', () => {
  it('gives plain frozen-able data with defaults', () => {
    const { route, errors } = parseRoute('{match: {prefix: /}, route: {cluster: c}}');
    expect(errors).toEqual([]);
    expect(structuredClone(route)).toEqual(route);
    expect(route.action).toEqual({
      kind: 'route', cluster: { kind: 'cluster', name: 'c' }, clusterNotFoundResponseCode: 503, prefixRewrite: '', regexRewrite: null,
      templateRewrite: '', hostRewriteLiteral: '', hostRewriteHeader: '', hostRewritePathRegex: null, autoHostRewrite: false, appendForwardedHost: false,
      ...DEFAULT_ROUTE_TIMEOUTS, pathRewriteFormat: '', hostRewriteFormat: '', priority: 'default', upgrades: [], connect: null,
      hashPolicies: [], mirrorPolicies: [], internalRedirect: null, retries: null, rateLimits: [], includesVirtualHostRateLimits: false,
    });
    expect(route.position).toMatchObject({ file: 'test.yaml', line: 1 });
  });

  it.each<[string, object]>([
    ['{prefix: /a, case_sensitive: false}', { kind: 'prefix', value: '/a', caseSensitive: false }],
    ['{path: /a}', { kind: 'path', value: '/a', caseSensitive: true }],
    ['{path_separated_prefix: /a}', { kind: 'path_separated_prefix', value: '/a', caseSensitive: true }],
    ['{safe_regex: {google_re2: {}, regex: "/a.*"}}', { kind: 'regex', regex: '/a.*' }],
    ['{connect_matcher: {}}', { kind: 'connect' }],
  ])('path %s', (match, path) => {
    const { route, errors, warnings } = parseRoute(`{match: ${match}, route: {cluster: c}}`);
    expect([errors, warnings().filter((text) => !text.startsWith('Deprecated')), route.match.path]).toEqual([[], [], path]);
  });

  it('reads header and query matchers, runtime fraction and gRPC', () => {
    const { route, errors } = parseRoute(`{match: {prefix: /, grpc: {}, runtime_fraction: {runtime_key: k, default_value: {numerator: 5, denominator: TEN_THOUSAND}},
      headers: [{name: X-A, string_match: {prefix: p, ignore_case: true}}, {name: b, range_match: {start: -5, end: 10}, invert_match: true}, {name: c},
        {name: d, present_match: false, treat_missing_header_as_empty: true}, {name: e, exact_match: v}, {name: f, exact_match: ""}],
      query_parameters: [{name: q, string_match: {exact: v}}, {name: r}, {name: s, present_match: false}]}, route: {cluster: c}}`);
    const base = { invert: false, treatMissingAsEmpty: false };
    expect(errors).toEqual([]);
    expect(route.match).toMatchObject({
      grpc: true,
      runtimeFraction: { runtimeKey: 'k', defaultValue: { numerator: 5, denominator: 10000 } },
      headers: [
        { ...base, name: 'x-a', kind: 'string', matcher: { kind: 'prefix', value: 'p', ignoreCase: true } },
        { ...base, name: 'b', kind: 'range', start: -5, end: 10, invert: true },
        { ...base, name: 'c', kind: 'present', present: true },
        { ...base, name: 'd', kind: 'present', present: false, treatMissingAsEmpty: true },
        { ...base, name: 'e', kind: 'string', matcher: { kind: 'exact', value: 'v', ignoreCase: false } },
        { ...base, name: 'f', kind: 'present', present: true },
      ],
      queryParameters: [{ name: 'q', matcher: { kind: 'exact', value: 'v', ignoreCase: false }, present: true }, { name: 'r', matcher: null, present: true }, { name: 's', matcher: null, present: false }],
    });
  });

  it('reads cookie, TLS, metadata and filter state matchers', () => {
    const { route, errors, warnings } = parseRoute(`{match: {prefix: /, cookies: [{name: s, string_match: {exact: v}, invert_match: true}], tls_context: {presented: true},
      dynamic_metadata: [{filter: f, path: [{key: a}, {key: b}], value: {or_match: {value_matchers: [{null_match: {}}, {double_match: {range: {start: 1, end: 2}}}]}}, invert: true},
        {filter: f, path: [{key: a}], value: {list_match: {one_of: {bool_match: false}}}}],
      filter_state: [{key: k, string_match: {suffix: x}}, {key: l, address_match: {ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}}]}, route: {cluster: c}}`);
    expect([errors, warnings()]).toEqual([[], []]);
    expect(route.match).toMatchObject({
      cookies: [{ name: 's', matcher: { kind: 'exact', value: 'v', ignoreCase: false }, invert: true }],
      tlsContext: { presented: true, validated: null },
      dynamicMetadata: [
        { filter: 'f', path: ['a', 'b'], value: { kind: 'or', matchers: [{ kind: 'null' }, { kind: 'range', start: 1, end: 2 }] }, invert: true },
        { filter: 'f', path: ['a'], value: { kind: 'list', oneOf: { kind: 'bool', value: false } }, invert: false },
      ],
      filterState: [{ key: 'k', matcher: { kind: 'string', matcher: { kind: 'suffix', value: 'x', ignoreCase: false } } }, { key: 'l', matcher: { kind: 'address', ranges: ['10.0.0.0/8'] } }],
    });
  });

  it('reads weighted clusters', () => {
    const { route, errors } = parseRoute(`{match: {prefix: /}, route: {weighted_clusters: {runtime_key_prefix: k, clusters: [
      {name: c, weight: 1, host_rewrite_literal: h, request_headers_to_add: {header: {key: X, value: "1"}}}, {name: d, weight: 2}]}}}`);
    expect(errors).toEqual([]);
    expect(route.action).toMatchObject({ cluster: { kind: 'weighted', totalWeight: 3, runtimeKeyPrefix: 'k', clusters: [
      { name: 'c', weight: 1, hostRewrite: 'h', requestHeaders: { add: [{ name: 'x', value: '1', action: 'append_if_exists_or_add', keepEmptyValue: false }], remove: [] } },
      { name: 'd', weight: 2, hostRewrite: '' },
    ] } });
  });

  it('reads rewrites, timeouts and priority', () => {
    const { route, errors } = parseRoute('{match: {prefix: /}, route: {cluster_header: X-C, cluster_not_found_response_code: NOT_FOUND, timeout: 0s, idle_timeout: 1.5s, max_stream_duration: {max_stream_duration: 3s}, priority: HIGH, auto_host_rewrite: true, append_x_forwarded_host: true, regex_rewrite: {pattern: {regex: "a(b)"}, substitution: "\\\\1"}}}');
    expect(errors).toEqual([]);
    expect(route.action).toMatchObject({ cluster: { kind: 'cluster_header', header: 'x-c' }, clusterNotFoundResponseCode: 404, timeoutMs: 0, idleTimeoutMs: 1500, maxStreamDurationMs: 3000, priority: 'high', autoHostRewrite: true, appendForwardedHost: true, regexRewrite: { regex: 'a(b)', substitution: '\\1' } });
  });

  it('reads upgrades, and CONNECT that ends here', () => {
    const forwarded = parseRoute('{match: {connect_matcher: {}}, route: {cluster: c, upgrade_configs: [{upgrade_type: WebSocket}, {upgrade_type: other, enabled: false}, {upgrade_type: CONNECT}]}}');
    expect(forwarded.errors).toEqual([]);
    expect(forwarded.route.action).toMatchObject({ upgrades: [{ type: 'websocket', enabled: true }, { type: 'other', enabled: false }, { type: 'connect', enabled: true }], connect: null });
    const ended = parseRoute('{match: {connect_matcher: {}}, route: {cluster: c, upgrade_configs: [{upgrade_type: connect, connect_config: {allow_post: true}}]}}');
    expect([ended.errors, ended.warnings()]).toEqual([[], []]);
    expect(ended.route.action).toMatchObject({ connect: { allowPost: true } });
  });

  it('reads redirects and direct responses', () => {
    const redirect = parseRoute('{match: {prefix: /}, redirect: {https_redirect: true, host_redirect: h, port_redirect: 8443, path_redirect: /p, response_code: PERMANENT_REDIRECT, strip_query: true}}');
    expect(redirect.route.action).toEqual({ kind: 'redirect', httpsRedirect: true, scheme: '', host: 'h', port: 8443, path: '/p', prefixRewrite: '', regexRewrite: null, responseCode: 308, stripQuery: true });
    const direct = parseRoute('{match: {prefix: /}, direct_response: {status: 201, body: {filename: /present}}}');
    expect(direct.route.action).toEqual({ kind: 'direct_response', status: 201, body: new Uint8Array(Buffer.from('from file')), bodyFormat: null });
  });

  it('reads per-filter configs, disabled ones and wrapped ones', () => {
    const struct = '{"@type": type.googleapis.com/google.protobuf.Struct, value: {}}';
    const wrapped = `{"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, config: ${struct}}`;
    const disabled = '{"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}';
    const { route, errors } = parseRoute(`{match: {prefix: /}, route: {cluster: c}, typed_per_filter_config: {a: ${struct}, b: ${wrapped}, d: ${disabled}}}`);
    const extension = (name: string) => ({ name, typeName: 'google.protobuf.Struct', config: { from: 'struct' } });
    expect(errors).toEqual([]);
    expect(route.perFilterConfig).toEqual({ a: { disabled: false, extension: extension('a') }, b: { disabled: false, extension: extension('b') }, d: { disabled: true, extension: null } });
  });

  it('takes mirrors, body limits and times of an attempt from the nearest level that says something', () => {
    const { config, errors } = parse(`{name: rc, request_mirror_policies: [{cluster: c}], virtual_hosts: [
      {name: a, domains: [a], routes: [{match: {prefix: /}, route: {cluster: c}}]},
      {name: b, domains: [b], request_mirror_policies: [{cluster: d}], per_request_buffer_limit_bytes: 5, retry_policy: {per_try_timeout: 1s}, routes: [
        {match: {prefix: /own}, request_body_buffer_limit: 7, route: {cluster: c, retry_policy: {per_try_idle_timeout: 2s}, request_mirror_policies: [{cluster_header: X-M, disable_shadow_host_suffix_append: true}]}},
        {match: {prefix: /}, route: {cluster: c}}]}]}`);
    expect(errors).toEqual([]);
    const [plain, own, inherited] = config.virtualHosts.flatMap((host) => host.routes);
    expect(plain).toMatchObject({ bodyBufferLimit: { bytes: -1, perRequestBytes: -1 }, action: { mirrorPolicies: [{ cluster: 'c' }], perTryTimeoutMs: 0 } });
    expect(own).toMatchObject({ bodyBufferLimit: { bytes: 7, perRequestBytes: -1 }, action: { mirrorPolicies: [{ clusterHeader: 'x-m', appendsShadowSuffix: false }], perTryTimeoutMs: 0, perTryIdleTimeoutMs: 2000 } });
    expect(inherited).toMatchObject({ bodyBufferLimit: { bytes: -1, perRequestBytes: 5 }, action: { mirrorPolicies: [{ cluster: 'd' }], perTryTimeoutMs: 1000, perTryIdleTimeoutMs: 0 } });
  });

  it('takes metadata and header mutations of every level', () => {
    const { config, errors } = parse(`{name: rc, request_headers_to_remove: [X-A], most_specific_header_mutations_wins: true, ignore_port_in_host_matching: true, internal_only_headers: [X-I],
      virtual_hosts: [{name: v, domains: [A.com], require_tls: EXTERNAL_ONLY, include_request_attempt_count: true, response_headers_to_add: [{header: {key: b, value: v}, append_action: ADD_IF_ABSENT, keep_empty_value: true}],
        routes: [{name: r, match: {prefix: /}, route: {cluster: c}, metadata: {filter_metadata: {ns: {k: [1, a]}}}, stat_prefix: s}]}]}`);
    expect(errors).toEqual([]);
    expect(config).toMatchObject({
      requestHeaders: { add: [], remove: ['x-a'] }, mostSpecificHeaderMutationsWins: true, ignorePortInHostMatching: true, internalOnlyHeaders: ['x-i'],
      virtualHosts: [{ domains: ['A.com'], requireTls: 'external_only', includeRequestAttemptCount: true, includeAttemptCountInResponse: false,
        responseHeaders: { add: [{ name: 'b', value: 'v', action: 'add_if_absent', keepEmptyValue: true }] },
        routes: [{ name: 'r', metadata: { ns: { k: [1, 'a'] } }, statPrefix: 's' }] }],
    });
  });
});

describe('errors of a route configuration', () => {
  const hosts = (list: string): string[] => parse(`{name: rc, virtual_hosts: [${list}]}`).errors;
  it.each([
    ['{name: v, domains: [a.com]}, {name: w, domains: [A.com]}', 'Only unique values for domains are permitted. Duplicate entry of domain a.com in route rc'],
    ['{name: v, domains: ["*"]}, {name: w, domains: ["*"]}', 'Only a single wildcard domain is permitted in route rc'],
    ['{name: v, domains: ["*"], virtual_clusters: [{name: c}]}', "virtual clusters must define 'headers'"],
    ['{name: v, domains: ["*"], matcher: {}, routes: [{match: {prefix: /}, direct_response: {status: 200}}]}', 'cannot set both matcher and routes on virtual host'],
    [`{name: v, domains: ["*"], matcher: ${tree('envoy.type.matcher.v3.HttpRequestQueryParamMatchInput, query_param: q')}}`, 'Route table can only match on request headers, saw type.googleapis.com/envoy.type.matcher.v3.HttpRequestQueryParamMatchInput'],
    [`{name: v, domains: ["*"], matcher: ${tree('google.protobuf.Struct, value: {}')}}`, expect.stringContaining("Didn't find a registered implementation for 'i' with type URL: 'google.protobuf.Struct'; there are: envoy.type.matcher.v3.HttpRequestHeaderMatchInput, ")],
    [`{name: v, domains: ["*"], matcher: ${tree(HEADER, 'google.protobuf.Struct, value: {}')}}`, expect.stringContaining("Didn't find a registered implementation for 'a' with type URL: 'google.protobuf.Struct'; there are: envoy.config.route.v3.Route, envoy.config.route.v3.RouteList")],
    [`{name: v, domains: ["*"], matcher: ${tree('xds.type.matcher.v3.HttpAttributesCelMatchInput')}}`, 'Route table can only match on request headers, saw type.googleapis.com/xds.type.matcher.v3.HttpAttributesCelMatchInput'],
    [`{name: v, domains: ["*"], matcher: ${custom('xds.type.matcher.v3.CelMatcher, expr_match: {parsed_expr: {expr: {id: 1, const_expr: {bool_value: true}}}}')}}`, 'Unsupported data input type: string. The matcher supports input type: cel_data_input'],
    [`{name: v, domains: ["*"], matcher: ${custom('envoy.extensions.matching.input_matchers.consistent_hashing.v3.ConsistentHashing, threshold: 9, modulo: 7')}}`, 'threshold cannot be greater than modulo: 9 > 7'],
    [`{name: v, domains: ["*"], matcher: ${tree(HEADER, DIRECT, 'keep_matching: true, ')}}`, 'keep_matching is not supported in this context'],
    [`{name: v, domains: ["*"], matcher: ${domains('"a.com", "a.com"')}}`, 'Duplicate domain in ServerNameMatcher: a.com'],
    [`{name: v, domains: ["*"], matcher: ${domains('"a*.com"')}}`, "Invalid wildcard domain format: a*.com. Only '*' and '*.domain' patterns are supported"],
    [`{name: v, domains: ["*"], matcher: ${domains('"*.*.com"')}}`, 'Invalid wildcard domain format: *.*.com. Multiple wildcards are not supported'],
    [`{name: v, domains: ["*"], matcher: ${tree(HEADER, 'envoy.config.route.v3.Route, match: {safe_regex: {regex: "("}}, direct_response: {status: 200}')}}`, expect.stringContaining('missing')],
  ])('%s', (list, text) => {
    expect(hosts(list)).toEqual([text]);
  });

  it.each([
    ['{match: {prefix: /}, route: {cluster: nope}}', "route: unknown cluster 'nope'"],
    ['{match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: nope, weight: 1}]}}}', "route: unknown weighted cluster 'nope'"],
    ['{match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: c, weight: 0}]}}}', 'Sum of weights in the weighted_cluster must be greater than 0.'],
    ['{match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: c, cluster_header: x, weight: 1}]}}}', 'Only one of name or cluster_header can be specified'],
    ['{match: {prefix: /}, route: {cluster: c, prefix_rewrite: /x, regex_rewrite: {pattern: {regex: a}, substitution: b}}}', 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy'],
    ['{match: {prefix: /}, route: {cluster: c, prefix_rewrite: /x, path_rewrite: /y}}', 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy'],
    ['{match: {prefix: /}, route: {cluster: c, path_rewrite: "%NOPE%"}}', expect.stringContaining('NOPE')],
    ['{match: {prefix: /}, route: {cluster: c, host_rewrite: "%NOPE%"}}', expect.stringContaining('NOPE')],
    ['{match: {prefix: /}, direct_response: {status: 200, body_format: {text_format_source: {inline_string: "%NOPE%"}}}}', expect.stringContaining('NOPE')],
    ['{match: {prefix: /}, route: {cluster: c, request_mirror_policies: [{cluster: x}]}}', "route: unknown shadow cluster 'x'"],
    ['{match: {prefix: /}, route: {cluster: c, request_mirror_policies: [{cluster: c, cluster_header: h}]}}', "Only one of cluster 'c' or cluster_header 'h' in request mirror policy can be specified"],
    ['{match: {prefix: /}, route: {cluster: c, request_mirror_policies: [{}]}}', 'Exactly one of cluster or cluster_header in request mirror policy need to be specified'],
    ['{match: {prefix: /}, route: {cluster: c, request_mirror_policies: [{cluster: c, request_headers_mutations: [{remove_on_match: {key_matcher: {prefix: x}}}, {remove: Host}]}]}}', ':-prefixed or host headers may not be removed'],
    ['{match: {prefix: /}, route: {cluster: c, internal_redirect_policy: {response_headers_to_copy: [":path"]}}}', ':-prefixed headers or Hosts may not be specified here.'],
    ['{match: {prefix: /}, route: {cluster_specifier_plugin: p}}', 'feature not supported: cluster specifier plugins'],
    [`{match: ${template('/{a')}, route: {cluster: c}}`, 'path_match_policy.path_template /{a is invalid: Unmatched variable bracket in "{a"'],
    [`{match: ${template('/***')}, route: {cluster: c}}`, expect.stringContaining('/*** is invalid')],
    [`{match: ${template('/{a}')}, route: {cluster: c, prefix_rewrite: /x}}`, 'Cannot use prefix_rewrite with matcher extension'],
    [`{match: ${template('/{a}')}, route: {cluster: c, ${rewrite('/{b}')}}}`, 'mismatch between variables in path_match_policy /{a} and path_rewrite_policy /{b}'],
    [`{match: ${template('/{a}')}, route: {cluster: c, ${rewrite('x')}}}`, 'path_rewrite_policy.path_template_rewrite x is invalid: Invalid rewrite variable placement'],
    [`{match: {prefix: /}, route: {cluster: c, ${rewrite('/x')}}}`, expect.stringContaining('unable to use envoy.path.rewrite.uri_template.uri_template_rewriter extension without')],
    ['{match: {path_match_policy: {name: p, typed_config: {"@type": type.googleapis.com/google.protobuf.Struct, value: {}}}}, route: {cluster: c}}', expect.stringContaining("Didn't find a registered implementation for 'p' with type URL: 'google.protobuf.Struct'")],
    ['{match: {prefix: /, filter_state: [{key: k, address_match: {ranges: [{address_prefix: nope, prefix_len: 8}]}}]}, route: {cluster: c}}', "invalid ip/mask combo 'nope/8' (format is <ip>/<# mask bits>)"],
    ['{match: {prefix: /}, route: {cluster: c, upgrade_configs: [{upgrade_type: a}, {upgrade_type: A}]}}', 'Duplicate upgrade A'],
    ['{match: {prefix: /}, route: {cluster: c, upgrade_configs: [{upgrade_type: a, connect_config: {}}]}}', 'Non-CONNECT upgrade type a has ConnectConfig'],
    ['{match: {prefix: /}, route: {cluster: c, upgrade_configs: [{upgrade_type: CONNECT, connect_config: {proxy_protocol_config: {}}}]}}', 'feature not supported: the PROXY protocol to upstreams'],
    ['{match: {prefix: /}, route: {cluster: c, upgrade_configs: [{upgrade_type: CONNECT-UDP, connect_config: {}}]}}', 'feature not supported: CONNECT-UDP'],
    [`{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: "${'a'.repeat(4097)}"}}}`, 'response body size is 4097 bytes; maximum is 4096'],
    ['{match: {prefix: /}, direct_response: {status: 200, body: {filename: /absent}}}', 'file /absent does not exist'],
    ['{match: {safe_regex: {regex: "("}}, route: {cluster: c}}', expect.stringContaining('missing')],
    ['{match: {prefix: /}, route: {cluster: c}, request_headers_to_add: [{header: {key: host, value: x}}]}', ':-prefixed or host headers may not be modified'],
    ['{match: {prefix: /}, route: {cluster: c}, response_headers_to_remove: [":status"]}', ':-prefixed or host headers may not be removed'],
    ['{match: {prefix: /}, route: {cluster: c}, request_headers_to_add: [{header: {key: x, value: "%NOPE%"}}]}', expect.stringContaining('NOPE')],
    ['{match: {prefix: /}, route: {cluster: c}, request_headers_to_add: [{header: {key: x, value: v}, append: true, append_action: ADD_IF_ABSENT}]}', "Both append and append_action are set and it's not allowed"],
    ['{match: {prefix: /}, route: {cluster: c}, typed_per_filter_config: {f: {"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig}}}', 'Empty route/virtual host per filter configuration for f filter'],
  ])('%s', (route, text) => {
    expect(parseRoute(route).errors).toEqual([text]);
  });

  it('does not check clusters where told not to', () => {
    expect(parseRoute('{match: {prefix: /}, route: {cluster: nope}}', 'validate_clusters: false,').errors).toEqual([]);
  });

  it('allows larger bodies where told to', () => {
    expect(parseRoute(`{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: "${'a'.repeat(4097)}"}}}`, 'max_direct_response_body_size_bytes: 5000,').errors).toEqual([]);
  });

  it('finds all errors in one run', () => {
    expect(parseRoute('{match: {safe_regex: {regex: "("}}, route: {cluster: nope}}').errors).toHaveLength(2);
  });

  it('warns of what has no effect, and of substitutions that do nothing', () => {
    const { errors, warnings } = parseRoute('{match: {prefix: /}, route: {cluster: c, hedge_policy: {additional_request_chance: {numerator: 1}}, regex_rewrite: {pattern: {regex: a}, substitution: "\\\\1"}}}');
    expect(errors).toEqual([]);
    expect(warnings().sort()).toEqual([expect.stringContaining('nothing will be replaced'), expect.stringContaining('hedge_policy')]);
  });
});
