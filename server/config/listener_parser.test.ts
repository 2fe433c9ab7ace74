import { describe, expect, it } from 'vitest';
import { configRegistry, parseOnly } from '../../test/support/config_registry.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import { register as registerOriginalDst } from '../../extensions/filters/listener/original_dst/config.ts';
import type { Listener } from '../../core/api/gen/envoy/config/listener/v3/listener_pb.d.ts';
import type { ListenerConfig } from '../../core/network/listener/listener_config.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { parseListener } from './listener_parser.ts';

const HCM = '{name: hcm, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: p, route_config: {}, http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}}';
const CHAIN = `filters: [${HCM}]`;
const ADDRESS = 'address: {socket_address: {address: 127.0.0.1, port_value: 8080}}';

function parse(fields: string, register: (registry: FactoryRegistry) => void = registerOriginalDst): { config: ListenerConfig | undefined; errors: string[]; warnings: () => string[] } {
  const registry = configRegistry();
  registry.register(parseOnly('envoy.filters.listener', 'tls_inspector', 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', () => ({})));
  register(registry);
  registry.register(parseOnly('envoy.filters.network', 'echo', 'envoy.extensions.filters.network.echo.v3.Echo', () => ({})));
  const parsed = parseYamlMessage(`{name: l, ${fields}}`, 'envoy.config.listener.v3.Listener', registry);
  const config = parseListener(parsed.message as Listener, parsed.context);
  return { config, errors: parsed.errors(), warnings: parsed.warnings };
}

const withChains = (...matches: string[]): string => `${ADDRESS}, filter_chains: [${matches.map((match) => `{${match === '' ? '' : `filter_chain_match: {${match}}, `}${CHAIN}}`).join(', ')}]`;

describe('parseListener', () => {
  it('has the documented defaults', () => {
    const { config, errors, warnings } = parse(withChains(''));
    expect([errors, warnings()]).toEqual([[], []]);
    expect(config).toMatchObject({
      name: 'l', statPrefix: '127.0.0.1_8080', addresses: [{ address: '127.0.0.1', port: 8080 }], bindToPort: true, handsOff: false, reusePort: true, backlog: 0, transparent: false,
      freebind: false, tcpFastOpenQueueLength: 0, perConnectionBufferLimitBytes: 1 << 20, maxConnectionsToAcceptPerSocketEvent: 0, listenerFilters: [],
      listenerFiltersTimeoutMs: 15_000, continueOnListenerFiltersTimeout: false, defaultFilterChain: null, trafficDirection: 'unspecified', drainType: 'default', accessLogs: [],
    });
    expect(config?.filterChains).toMatchObject([{ name: '', transportSocket: null, transportSocketConnectTimeoutMs: 0, match: { destinationPort: 0, sourceType: 'any' }, filters: [{ name: 'hcm' }] }]);
    expect(structuredClone(config)).toEqual(config);
    expect([Object.isFrozen(config), Object.isFrozen(config?.filterChains[0]?.match)]).toEqual([true, true]);
  });

  it('reads every criterion of a filter chain', () => {
    const { config, errors } = parse(withChains('destination_port: 1, prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}], server_names: [a.com, "*.b.com"], transport_protocol: tls, application_protocols: [h2], direct_source_prefix_ranges: [{address_prefix: 1.2.3.4, prefix_len: 40}], source_type: EXTERNAL, source_prefix_ranges: [{address_prefix: 1.1.1.1}], source_ports: [7]'));
    expect(errors).toEqual([]);
    expect(config?.filterChains[0]?.match).toEqual({
      destinationPort: 1, prefixRanges: ['10.0.0.0/8'], serverNames: ['a.com', '*.b.com'], transportProtocol: 'tls', applicationProtocols: ['h2'],
      directSourcePrefixRanges: ['1.2.3.4/32'], sourceType: 'external', sourcePrefixRanges: ['1.1.1.1/0'], sourcePorts: [7],
    });
  });

  it.each<[string, object]>([
    [`address: {pipe: {path: /tmp/s}}, default_filter_chain: {${CHAIN}}`, { addresses: [{ address: '/tmp/s', port: 0 }], statPrefix: '/tmp/s', filterChains: [], defaultFilterChain: { name: '' } }],
    [`address: {socket_address: {address: "::1", port_value: 80}}, additional_addresses: [${`{${ADDRESS}}`}], default_filter_chain: {${CHAIN}}`, { statPrefix: '[__1]_80', addresses: [{ address: '::1', port: 80 }, { address: '127.0.0.1', port: 8080 }] }],
    [`${withChains('')}, stat_prefix: s, bind_to_port: false, enable_reuse_port: false, tcp_backlog_size: 5, transparent: true, freebind: true, tcp_fast_open_queue_length: 3`,
      { statPrefix: 's', bindToPort: false, reusePort: false, backlog: 5, transparent: true, freebind: true, tcpFastOpenQueueLength: 3 }],
    [`${withChains('')}, per_connection_buffer_limit_bytes: 9, max_connections_to_accept_per_socket_event: 2, listener_filters_timeout: 0s, continue_on_listener_filters_timeout: true, traffic_direction: OUTBOUND, drain_type: MODIFY_ONLY`,
      { perConnectionBufferLimitBytes: 9, maxConnectionsToAcceptPerSocketEvent: 2, listenerFiltersTimeoutMs: 0, continueOnListenerFiltersTimeout: true, trafficDirection: 'outbound', drainType: 'modify_only' }],
    [`${withChains('')}, listener_filters: [{name: t, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}]`, { listenerFilters: [{ name: 't', config: {} }] }],
    [`${withChains('')}, use_original_dst: true`, { handsOff: true, listenerFilters: [{ typeName: 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst' }] }],
    [`${withChains('')}, use_original_dst: false`, { handsOff: false, listenerFilters: [] }],
  ])('%s', (fields, expected) => {
    const { config, errors, warnings } = parse(fields);
    expect([errors, warnings()]).toEqual([[], []]);
    expect(config).toMatchObject(expected);
  });

  it('needs the filter that use_original_dst brings', () => {
    const { errors } = parse(`${withChains('')}, use_original_dst: true`, () => {});
    expect(errors).toEqual(["Didn't find a registered implementation for name: 'envoy.filters.listener.original_dst'"]);
  });

  it('invents a name for a listener without one', () => {
    const nameless = (): string | undefined => {
      const parsed = parseYamlMessage(`{${ADDRESS}, default_filter_chain: {${CHAIN}}}`, 'envoy.config.listener.v3.Listener', configRegistry());
      return parseListener(parsed.message as Listener, parsed.context)?.name;
    };
    expect(nameless()).toMatch(/^[0-9a-f-]{36}$/);
    expect(nameless()).not.toBe(nameless());
  });

  it.each<[string, string[]]>([
    [`filter_chains: [{${CHAIN}}]`, ["error adding listener named 'l': address is necessary"]],
    [`${ADDRESS}`, ["error adding listener '127.0.0.1:8080': no filter chains specified"]],
    [withChains('', ''), ["error adding listener '127.0.0.1:8080': filter chain '' has the same matching rules defined as ''"]],
    [withChains('server_names: [a.com, b.com]', 'server_names: [b.com]'), ["error adding listener '127.0.0.1:8080': multiple filter chains with overlapping matching rules are defined"]],
    [withChains('prefix_ranges: [{address_prefix: 1.2.3.4, prefix_len: 8}]', 'prefix_ranges: [{address_prefix: 1.9.9.9, prefix_len: 8}]'), ["error adding listener '127.0.0.1:8080': multiple filter chains with overlapping matching rules are defined"]],
    [withChains('prefix_ranges: [{address_prefix: 1.2.3.4, prefix_len: 9}]', 'prefix_ranges: [{address_prefix: 1.129.3.4, prefix_len: 9}]', 'destination_port: 5', 'transport_protocol: tls', 'source_ports: [1, 2]'), []],
    [withChains('server_names: ["*w.foo"]'), ["error adding listener '127.0.0.1:8080': partial wildcards are not supported in \"server_names\""]],
    [withChains('address_suffix: a'), ["error adding listener '127.0.0.1:8080': filter chain '' contains unimplemented fields"]],
    [`address: {socket_address: {address: localhost, port_value: 1}}, default_filter_chain: {${CHAIN}}`, ['malformed IP address: localhost']],
    [`address: {socket_address: {protocol: UDP, address: 127.0.0.1, port_value: 1}}, udp_listener_config: {}`, ['feature not supported: UDP listeners', 'feature not supported: UDP listeners']],
    [`address: {pipe: {path: /${'a'.repeat(120)}}}, default_filter_chain: {${CHAIN}}`, [`Path "/${'a'.repeat(120)}" exceeds maximum UNIX domain socket path size of 108.`]],
    [`${ADDRESS}, filter_chains: [{filters: [{name: x}]}]`, ["Didn't find a registered implementation for 'x' with type URL: ''"]],
    [`${ADDRESS}, filter_chains: [{filters: [{name: e, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}}]}]`, ['Error: non-terminal filter named e of type envoy.extensions.filters.network.echo.v3.Echo is the last filter in a network filter chain.']],
    [`${ADDRESS}, filter_chains: [{filters: [${HCM}, ${HCM}]}]`, ['Error: terminal filter named hcm of type envoy.filters.network.http_connection_manager must be the last filter in a network filter chain.']],
    [`${ADDRESS}, filter_chains: [{}]`, ['feature not supported: filter chains without network filters']],
  ])('%s', (fields, expected) => {
    expect(parse(fields).errors).toEqual(expected);
  });

  it('warns of what has no effect', () => {
    const { errors, warnings } = parse(`${withChains('')}, socket_options: [{level: 1, name: 2, int_value: 3, state: STATE_PREBIND}], connection_balance_config: {exact_balance: {}}`);
    expect(errors).toEqual([]);
    expect(warnings()).toEqual([expect.stringContaining('socket_options'), expect.stringContaining('connection_balance_config')]);
  });
});
