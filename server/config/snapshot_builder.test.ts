import { describe, expect, it } from 'vitest';
import { configRegistry } from '../../test/support/config_registry.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import { tlsFile } from '../../test/support/tls/certificates.ts';
import type { Bootstrap } from '../../core/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.d.ts';
import { DEFAULT_WATCHDOG } from '../watchdog/guarddog.ts';
import type { ServerConfig } from './server_config.ts';
import { buildConfig } from './snapshot_builder.ts';

function build(yaml: string): { config: ServerConfig; errors: string[]; warnings: () => string[] } {
  const parsed = parseYamlMessage(yaml, 'envoy.config.bootstrap.v3.Bootstrap', configRegistry());
  const config = buildConfig(parsed.message as Bootstrap, [], parsed.context);
  return { config, errors: parsed.errors(), warnings: parsed.warnings };
}

const listener = (name: string, port: number, cluster = 'c'): string => `
  - name: ${name}
    address: {socket_address: {address: 127.0.0.1, port_value: ${port}}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ingress
          route_config:
            virtual_hosts: [{name: v, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: ${cluster}}}]}]
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]`;
const CLUSTERS = `
  clusters:
  - {name: c, load_assignment: {cluster_name: c, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 1}}}}]}]}}`;

describe('buildConfig', () => {
  it('knows the static secrets that clusters refer to; of others it says that nobody does', () => {
    const secret = (name: string, file: string) => `{name: ${name}, validation_context: {trusted_ca: {inline_string: ${JSON.stringify(tlsFile(file))}}}}`;
    const socket = '{name: tls, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, common_tls_context: {validation_context_sds_secret_config: {name: used}}}}';
    const { config, errors, warnings } = build(`static_resources: {secrets: [${secret('used', 'ca.pem')}, ${secret('unused', 'other_ca.pem')}], clusters: [{name: c, transport_socket: ${socket}}]}`);
    expect(errors).toEqual([]);
    expect(config.clusters[0].config.transportSocket?.config).toMatchObject({ client: { trust: { trustedCa: tlsFile('ca.pem') } }, certificates: { authority: { name: 'used' } } });
    expect(warnings().some((text) => text.startsWith('static_resources.secrets[1].') && text.includes('has no effect'))).toBe(true);
    expect(warnings().some((text) => text.startsWith('static_resources.secrets[0].'))).toBe(false);
  });

  it('takes the deprecated access_log_path of the admin interface for one more log', () => {
    const { config, errors, warnings } = build('admin: {access_log_path: /dev/null}');
    expect([errors, warnings().filter((text) => text.includes('has no effect'))]).toEqual([[], []]);
    expect(config.admin.accessLogs.map(({ filter, extension }) => [filter, extension.name])).toEqual([[null, 'envoy.access_loggers.file']]);
    expect(config.admin.accessLogs[0].extension.config).toMatchObject({ destination: '/dev/null', format: { kind: 'text', text: expect.stringContaining('[%START_TIME%]') as string } });
  });

  it('turns an empty bootstrap into defaults', () => {
    const { config, errors, warnings } = build('{}');
    expect([errors, warnings()]).toEqual([[], []]);
    expect(config).toMatchObject({
      node: { id: '', cluster: '', zone: '' }, admin: { address: null }, listeners: [], clusters: [], runtime: {}, mainWatchdog: DEFAULT_WATCHDOG, workerWatchdog: DEFAULT_WATCHDOG,
      stats: { flushIntervalMs: 5000, flushOnAdmin: false },
    });
  });

  it('builds listeners and clusters as data that crosses threads', () => {
    const { config, errors, warnings } = build(`
node: {id: i, cluster: nc, locality: {zone: z}}
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}
stats_flush_interval: 2s
watchdogs: {worker_watchdog: {miss_timeout: 1s}}
layered_runtime: {layers: [{name: a, static_layer: {x: {y: 1, z: true}, f: {numerator: 3, denominator: TEN_THOUSAND}, s: "on"}}, {name: b, static_layer: {x.y: 2}}, {name: admin, admin_layer: {}}]}
static_resources:
  listeners: ${listener('l', 10000)}${CLUSTERS}`);
    expect([errors, warnings()]).toEqual([[], []]);
    expect(config).toMatchObject({
      node: { id: 'i', cluster: 'nc', zone: 'z' }, admin: { address: { address: '127.0.0.1', port: 9901 } }, stats: { flushIntervalMs: 2000 },
      mainWatchdog: DEFAULT_WATCHDOG, workerWatchdog: { ...DEFAULT_WATCHDOG, missMs: 1000 },
      runtime: { 'x.y': 2, 'x.z': true, f: { numerator: 3, denominator: 10000 }, s: 'on' },
      runtimeLayers: [{ name: 'a' }, { name: 'b', values: { 'x.y': 2 } }, { name: 'admin', values: {} }],
      listeners: [{ name: 'l', filterChains: [{ filters: [{ config: { statPrefix: 'ingress' } }] }] }], clusters: [{ config: { name: 'c' }, discovery: { kind: 'static' } }],
    });
    expect(structuredClone(config)).toEqual(config);
  });

  it('clusters inherit the resolver and the bind address of the bootstrap', () => {
    const { config, errors } = build(`
typed_dns_resolver_config: {name: c, typed_config: {"@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig, resolvers: [{socket_address: {address: 8.8.8.8, port_value: 53}}]}}
cluster_manager: {local_cluster_name: c, upstream_bind_config: {source_address: {address: 127.0.0.9, port_value: 0}}}
static_resources: {clusters: [{name: c, type: STRICT_DNS}]}`);
    expect(errors).toEqual([]);
    expect(config.clusters[0]).toMatchObject({ config: { bindAddress: { address: '127.0.0.9' } }, discovery: { dns: { resolvers: ['8.8.8.8:53'] } } });
    expect(config.localClusterName).toBe('c');
  });

  it.each<[string, string[]]>([
    ['dynamic_resources: {cds_config: {ads: {}}}', ['feature not supported: xDS (dynamic_resources)']],
    ['static_resources: {clusters: [{name: c}, {name: c}]}', ["cluster manager: duplicate cluster 'c'"]],
    [`static_resources:\n  listeners: ${listener('l', 1, 'nope')}`, ["route: unknown cluster 'nope'"]],
    [`static_resources:\n  listeners: ${listener('l', 1)}${listener('m', 1)}${CLUSTERS}`, ["error adding listener: 'm' has duplicate address '127.0.0.1:1' as existing listener 'l'"]],
    ['stats_flush_interval: 5s\nstats_flush_on_admin: true', ['Only one of stats_flush_interval or stats_flush_on_admin should be set!']],
    ['watchdog: {}\nwatchdogs: {}', ['Only one of watchdog or watchdogs should be set!']],
    ['admin: {address: {socket_address: {address: localhost, port_value: 1}}}', ['malformed IP address: localhost']],
    ['layered_runtime: {layers: [{name: a, static_layer: {}}, {name: a, static_layer: {}}]}', ['Duplicate layer name: a']],
    ['layered_runtime: {layers: [{name: a, admin_layer: {}}, {name: b, admin_layer: {}}]}', ['Too many admin layers specified in LayeredRuntime, at most one may be specified']],
    ['layered_runtime: {layers: [{name: a, static_layer: {a: {c: [1]}}}]}', ['Invalid runtime entry value for a.c']],
    ['layered_runtime: {layers: [{name: a, rtds_layer: {rtds_config: {ads: {}}}}]}', ['feature not supported: xDS (runtime discovery)']],
    ['cluster_manager: {local_cluster_name: x}', ["local cluster 'x' must be defined"]],
    [`cluster_manager: {local_cluster_name: c}
static_resources: {clusters: [{name: c, load_assignment: {cluster_name: c, endpoints: [{priority: 1, lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 1}}}}]}]}}]}`,
      ["Unexpected non-zero priority for local cluster 'c'."]],
    ['header_prefix: x-foo', ['feature not supported: renaming the x-envoy- headers']],
  ])('refuses %s', (yaml, expected) => {
    expect(build(yaml).errors).toEqual(expected);
  });

  it('lets a listener replace an earlier one of its name, with a warning', () => {
    const { config, errors, warnings } = build(`static_resources:\n  listeners: ${listener('l', 1)}${listener('l', 2)}${CLUSTERS}`);
    expect([errors, warnings()]).toEqual([[], ["this listener replaces the earlier one of the name 'l'"]]);
    expect(config.listeners).toMatchObject([{ addresses: [{ port: 2 }] }]);
  });
});
