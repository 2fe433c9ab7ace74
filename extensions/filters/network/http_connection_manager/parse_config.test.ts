import { describe, expect, it } from 'vitest';
import { configRegistry, parseOnly } from '../../../../test/support/config_registry.ts';
import { parseYamlMessage } from '../../../../test/support/parse_yaml.ts';
import type { HttpConnectionManager } from '../../../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.d.ts';
import type { ConnectionManagerConfig } from '../../../../core/http/connection_manager/config.ts';
import { register as registerXff } from '../../../http/original_ip_detection/xff/config.ts';
import { HTTP_CONNECTION_MANAGER_TYPE, parseHttpConnectionManager } from './parse_config.ts';

const ROUTER = '{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}';
const XFF = '{name: a, typed_config: {"@type": type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig}}';
const BUFFER = '{name: buf, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bytes: 5}}';

function parse(fields: string, filters = `[${ROUTER}]`): { config: ConnectionManagerConfig; errors: string[]; warnings: () => string[] } {
  const registry = configRegistry();
  registry.register(parseOnly('envoy.filters.http', 'envoy.filters.http.buffer', 'envoy.extensions.filters.http.buffer.v3.Buffer', (message) => ({ max: (message as { maxRequestBytes: number }).maxRequestBytes })));
  registerXff(registry);
  const routes = /^(rds|scoped_routes):/.test(fields) ? '' : 'route_config: {name: rc},';
  const parsed = parseYamlMessage(`{stat_prefix: p, ${routes} ${fields === '' ? '' : `${fields},`} http_filters: ${filters}}`, HTTP_CONNECTION_MANAGER_TYPE, registry);
  const config = parseHttpConnectionManager(parsed.message as HttpConnectionManager, parsed.context);
  return { config, errors: parsed.errors(), warnings: parsed.warnings };
}

describe('parseHttpConnectionManager', () => {
  it('has the documented defaults', () => {
    const { config, errors, warnings } = parse('');
    expect([errors, warnings()]).toEqual([[], []]);
    expect(config).toMatchObject({
      statPrefix: 'p', codecType: 'auto', accessLogs: [], idleTimeoutMs: 3_600_000, maxConnectionDurationMs: 0, maxStreamDurationMs: 0, maxHeadersCount: 0,
      maxRequestHeadersKb: 0, maxRequestsPerConnection: 0, headersWithUnderscores: 'allow', streamIdleTimeoutMs: 300_000, requestTimeoutMs: 0,
      requestHeadersTimeoutMs: 0, drainTimeoutMs: 5000, delayedCloseTimeoutMs: 1000, useRemoteAddress: false, xffNumTrustedHops: 0, skipXffAppend: false,
      via: '', serverName: 'envoy', serverHeaderTransformation: 'overwrite', schemeToOverwrite: '', schemeMatchesUpstream: false, generateRequestId: true, preserveExternalRequestId: false,
      alwaysSetRequestIdInResponse: false, normalizePath: false, mergeSlashes: false, pathWithEscapedSlashesAction: 'keep_unchanged', stripMatchingHostPort: false,
      stripAnyHostPort: false, stripTrailingHostDot: false, streamErrorOnInvalidHttpMessage: false, proxy100Continue: false, logsNewRequests: false, logsTunnels: false, appendForwardedPort: false,
      logFlushIntervalMs: 0, isMaxConnectionDurationSafe: false, originalIpDetection: [], earlyHeaderMutations: [], mapsIpv4ToIpv6: false, addUserAgent: false,
      keepsForwardedClientCert: false, proxyStatus: null, internalAddresses: null, localReply: null, upgrades: [],
      http1: { acceptHttp10: false, defaultHostForHttp10: '', allowAbsoluteUrl: true, enableTrailers: false, properCaseWords: false, allowChunkedLength: false, allowCustomMethods: false, ignoredUpgrades: [], preserveCase: null },
    });
    expect(structuredClone(config)).toEqual(config);
    expect([Object.isFrozen(config), Object.isFrozen(config.filters[0]), Object.isFrozen(config.routeConfig)]).toEqual([true, true, true]);
  });

  it.each<[string, Partial<ConnectionManagerConfig>]>([
    ['codec_type: HTTP1', { codecType: 'http1' }],
    ['common_http_protocol_options: {idle_timeout: 0s, max_connection_duration: 9s, max_stream_duration: 1.5s, max_headers_count: 7, headers_with_underscores_action: REJECT_REQUEST, max_requests_per_connection: 3}',
      { idleTimeoutMs: 0, maxConnectionDurationMs: 9000, maxStreamDurationMs: 1500, maxHeadersCount: 7, headersWithUnderscores: 'reject_request', maxRequestsPerConnection: 3 }],
    ['max_request_headers_kb: 96, stream_idle_timeout: 1s, request_timeout: 2s, request_headers_timeout: 3s, drain_timeout: 4s, delayed_close_timeout: 0s',
      { maxRequestHeadersKb: 96, streamIdleTimeoutMs: 1000, requestTimeoutMs: 2000, requestHeadersTimeoutMs: 3000, drainTimeoutMs: 4000, delayedCloseTimeoutMs: 0 }],
    ['use_remote_address: true, xff_num_trusted_hops: 2, skip_xff_append: true, via: v, server_name: s, server_header_transformation: PASS_THROUGH, append_x_forwarded_port: true',
      { useRemoteAddress: true, xffNumTrustedHops: 2, skipXffAppend: true, via: 'v', serverName: 's', serverHeaderTransformation: 'pass_through', appendForwardedPort: true }],
    ['scheme_header_transformation: {scheme_to_overwrite: https}, generate_request_id: false, preserve_external_request_id: true, always_set_request_id_in_response: true',
      { schemeToOverwrite: 'https', generateRequestId: false, preserveExternalRequestId: true, alwaysSetRequestIdInResponse: true }],
    ['normalize_path: true, merge_slashes: true, path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT, strip_any_host_port: true, strip_trailing_host_dot: true',
      { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: 'unescape_and_redirect', stripAnyHostPort: true, stripTrailingHostDot: true }],
    ['http_protocol_options: {accept_http_10: true, default_host_for_http_10: h, allow_absolute_url: false, enable_trailers: true, allow_chunked_length: true, allow_custom_methods: true, ignore_http_11_upgrade: [{prefix: TLS}], header_key_format: {proper_case_words: {}}}',
      { http1: { acceptHttp10: true, defaultHostForHttp10: 'h', allowAbsoluteUrl: false, enableTrailers: true, properCaseWords: true, allowChunkedLength: true, allowCustomMethods: true, preserveCase: null,
        ignoredUpgrades: [{ kind: 'prefix', value: 'TLS', ignoreCase: false }] } }],
    ['access_log_options: {flush_access_log_on_new_request: true}', { logsNewRequests: true }],
    ['access_log_options: {flush_log_on_tunnel_successfully_established: true}', { logsTunnels: true }],
    ['stream_error_on_invalid_http_message: true, proxy_100_continue: true', { streamErrorOnInvalidHttpMessage: true, proxy100Continue: true }],
    ['stream_error_on_invalid_http_message: true, http_protocol_options: {override_stream_error_on_invalid_http_message: false}', { streamErrorOnInvalidHttpMessage: false }],
    ['internal_address_config: {cidr_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}, {address_prefix: "fd00::", prefix_len: 8}]}', { internalAddresses: { cidrs: ['10.0.0.0/8', 'fd00::/8'], unixSockets: false } }],
    ['internal_address_config: {unix_sockets: true}, represent_ipv4_remote_address_as_ipv4_mapped_ipv6: true, add_user_agent: true, http1_safe_max_connection_duration: true',
      { internalAddresses: { cidrs: [], unixSockets: true }, mapsIpv4ToIpv6: true, addUserAgent: true, isMaxConnectionDurationSafe: true }],
    ['scheme_header_transformation: {match_upstream: true}', { schemeToOverwrite: '', schemeMatchesUpstream: true }],
    ['forward_client_cert_details: ALWAYS_FORWARD_ONLY', { keepsForwardedClientCert: true }],
    ['forward_client_cert_details: APPEND_FORWARD, set_current_client_cert_details: {subject: true}', { keepsForwardedClientCert: false }],
    ['proxy_status_config: {}', { proxyStatus: { name: { kind: 'server_name' }, hasDetails: true, hasTerminationDetails: true, hasResponseFlags: true, setsResponseCode: false } }],
    ['proxy_status_config: {literal_proxy_name: edge, remove_details: true, remove_response_flags: true, remove_connection_termination_details: true, set_recommended_response_code: true}',
      { proxyStatus: { name: { kind: 'literal', value: 'edge' }, hasDetails: false, hasTerminationDetails: false, hasResponseFlags: false, setsResponseCode: true } }],
    ['proxy_status_config: {use_node_id: true}', { proxyStatus: { name: { kind: 'node_id' } } as ConnectionManagerConfig['proxyStatus'] }],
    ['access_log_options: {access_log_flush_interval: 2s}', { logFlushIntervalMs: 2000 }],
    ['upgrade_configs: [{upgrade_type: WebSocket}, {upgrade_type: other, enabled: false}]', { upgrades: [{ type: 'websocket', enabled: true, filters: null }, { type: 'other', enabled: false, filters: null }] }],
  ])('%s', (fields, expected) => {
    const { config, errors, warnings } = parse(fields);
    expect([errors, warnings()]).toEqual([[], []]);
    expect(config).toMatchObject(expected);
  });

  it('parses filters in order with their names, and disabled ones', () => {
    const { config, errors } = parse('', `[${BUFFER.replace('name: buf', 'name: buf, disabled: true')}, ${ROUTER}]`);
    expect(errors).toEqual([]);
    expect(config.filters).toMatchObject([{ name: 'buf', disabled: true, extension: { config: { max: 5 } } }, { name: 'router', disabled: false }]);
  });

  it.each([['google.protobuf.Struct, value: {a: 1}'], ['xds.type.v3.TypedStruct, type_url: x/my.own.Filter, value: {a: 1}']])('leaves an optional filter out that nobody knows: %s', (type) => {
    const filter = (optional: boolean) => `[{name: odd, is_optional: ${optional}, typed_config: {"@type": type.googleapis.com/${type}}}, ${ROUTER}]`;
    const { config, errors, warnings } = parse('', filter(true));
    expect([errors, config.filters.map(({ name }) => name)]).toEqual([[], ['router']]);
    expect(warnings()).toEqual(["Didn't find a registered factory for the optional http filter odd"]);
    expect(parse('', filter(false)).errors).toEqual([expect.stringContaining("Didn't find a registered implementation for 'odd' with type URL")]);
  });

  it('leaves an optional filter out that has no configuration, whatever its name', () => {
    const { config, errors, warnings } = parse('', `[{name: envoy.filters.http.buffer, is_optional: true}, ${ROUTER}]`);
    expect([errors, config.filters.map(({ name }) => name)]).toEqual([[], ['router']]);
    expect(warnings()).toEqual(["Didn't find a registered factory for the optional http filter envoy.filters.http.buffer"]);
  });

  it('parses local replies', () => {
    const { config, errors } = parse(`local_reply_config: {body_format: {json_format: {code: "%RESPONSE_CODE%"}}, mappers: [
      {filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 404, runtime_key: k}}}}, status_code: 410, body: {inline_string: gone},
       body_format_override: {text_format_source: {inline_string: "%LOCAL_REPLY_BODY%"}}, headers_to_add: [{header: {key: X-A, value: "1"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]}]}`);
    expect(errors).toEqual([]);
    expect(config.localReply).toMatchObject({
      bodyFormat: { kind: 'json' },
      mappers: [{ filter: { kind: 'status_code', op: 'EQ', value: 404 }, statusCode: 410, body: 'gone', bodyFormat: { kind: 'text', text: '%LOCAL_REPLY_BODY%' }, headersToAdd: [{ name: 'x-a', value: '1', action: 'overwrite_if_exists_or_add', keepEmptyValue: false }] }],
    });
  });

  it('reads filter chains of upgrades, and checks them like its own', () => {
    const { config, errors } = parse(`upgrade_configs: [{upgrade_type: websocket, filters: [${ROUTER}]}]`);
    expect(errors).toEqual([]);
    expect(config.upgrades).toMatchObject([{ type: 'websocket', enabled: true, filters: [{ name: 'router', disabled: false }] }]);
    expect(parse(`upgrade_configs: [{upgrade_type: websocket, filters: [${BUFFER}]}]`).errors).toEqual([
      'Error: non-terminal filter named buf of type envoy.filters.http.buffer is the last filter in a http filter chain.',
    ]);
  });

  it.each<[string, string[]]>([
    ['rds: {route_config_name: r, config_source: {ads: {}}}', ['feature not supported: xDS (route discovery)']],
    ['scoped_routes: {name: s, scope_key_builder: {fragments: [{header_value_extractor: {name: x, index: 0}}]}, rds_config_source: {ads: {}}, scoped_rds: {scoped_rds_config_source: {ads: {}}}}', ['feature not supported: scoped routes']],
    ['codec_type: HTTP2', ['feature not supported: HTTP/2 from downstream']],
    ['codec_type: HTTP3', ['feature not supported: HTTP/3']],
    ['strip_matching_host_port: true, strip_any_host_port: true', ['Error: Only one of `strip_matching_host_port` or `strip_any_host_port` can be set.']],
    ['upgrade_configs: [{upgrade_type: a}, {upgrade_type: A}]', ["Error: multiple upgrade configs with the same name: 'A'"]],
    ['internal_address_config: {cidr_ranges: [{address_prefix: nope}]}', ['malformed IP address: nope']],
    [`use_remote_address: true, original_ip_detection_extensions: [${XFF}]`, ['Original IP detection extensions and use_remote_address may not be mixed']],
    [`xff_num_trusted_hops: 1, original_ip_detection_extensions: [${XFF}]`, ['Original IP detection extensions and xff_num_trusted_hops may not be mixed']],
    ['typed_header_validation_config: {name: v, typed_config: {"@type": type.googleapis.com/google.protobuf.Struct}}', ['feature not supported: header validators as extensions']],
    ['access_log_flush_interval: 1s, access_log_options: {}', ['Only one of access_log_flush_interval or access_log_options can be specified.']],
    ['flush_access_log_on_new_request: true, access_log_options: {}', ['Only one of flush_access_log_on_new_request or access_log_options can be specified.']],
    ['forward_client_cert_matcher: {}', ['feature not supported: choosing by a matcher what to do with client certificates']],
  ])('refuses %s', (fields, expected) => {
    expect(parse(fields).errors).toEqual(expected);
  });

  it.each([
    [`[${ROUTER}, ${BUFFER}]`, ['Error: terminal filter named router of type envoy.filters.http.router must be the last filter in a http filter chain.',
      'Error: non-terminal filter named buf of type envoy.filters.http.buffer is the last filter in a http filter chain.']],
    [`[${ROUTER.replace('name: router', 'name: router, disabled: true')}]`, ['Error: the last (terminal) filter (router) in the chain cannot be disabled by default.']],
    ['[{name: envoy.filters.http.router}]', ["Didn't find a registered implementation for 'envoy.filters.http.router' with type URL: ''"]],
    ['[]', [expect.stringContaining('no HTTP filters')]],
    [`[{name: d, config_discovery: {config_source: {ads: {}}, type_urls: [a/b]}}, ${ROUTER}]`, ['feature not supported: xDS (extension configuration discovery)']],
  ])('filters %s', (filters, expected) => {
    expect(parse('', filters).errors).toEqual(expected);
  });

  it('says once that rate limits need a filter', () => {
    const limits = 'rate_limits: [{actions: [{remote_address: {}}]}]';
    const registry = configRegistry();
    const routes = `route_config: {name: rc, virtual_hosts: [{name: v, domains: ["*"], ${limits}, routes: [{match: {prefix: /}, route: {cluster: c, ${limits}}}]}]}`;
    const parsed = parseYamlMessage(`{stat_prefix: p, ${routes}, http_filters: [${ROUTER}]}`, HTTP_CONNECTION_MANAGER_TYPE, registry);
    parseHttpConnectionManager(parsed.message as HttpConnectionManager, parsed.context);
    expect(parsed.errors()).toEqual([]);
    expect(parsed.warnings()).toEqual([expect.stringContaining('no rate limit filter is configured')]);
  });

  it('warns of what has no effect', () => {
    const { errors, warnings } = parse('tracing: {}, path_normalization_options: {forwarding_transformation: {}}, http2_protocol_options: {max_concurrent_streams: 5}');
    expect(errors).toEqual([]);
    expect(warnings()).toEqual(['tracing', 'path_normalization_options', 'http2_protocol_options'].map((field) => expect.stringContaining(field)));
  });
});
