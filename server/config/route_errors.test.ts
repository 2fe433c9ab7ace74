/** Mistakes in route tables are errors of the configuration, at their place and with Envoy's reason. */
import { describe, expect, it } from 'vitest';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { registerAllExtensions } from '../../extensions/all_extensions.ts';
import { testDescriptors } from '../../test/support/parse_yaml.ts';
import { loadBootstrap } from '../bootstrap/load_bootstrap.ts';
import { problemPosition } from './config_error.ts';
import { buildConfig } from './snapshot_builder.ts';

const registry = new FactoryRegistry();
registerAllExtensions(registry);

/** Lines before the route configuration's own. */
const HEAD_LINES = 11;

function errorsOf(routeConfig: string): [place: string, text: string][] {
  const indented = routeConfig.trim().split('\n').map((line) => `            ${line}`).join('\n');
  const yaml = `static_resources:
  clusters: [{ name: known, type: STATIC }]
  listeners:
  - address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: h
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: h
          route_config:
${indented}
          http_filters: [{ name: r, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]
`;
  const loaded = loadBootstrap({ configPath: '', configYaml: yaml, allowUnknownStaticFields: false, skipDeprecatedLogs: true }, testDescriptors());
  if (!loaded.problems.hasErrors) buildConfig(loaded.message, [], loaded.context(registry));
  loaded.finish();
  return loaded.problems.errors().map((problem) => [problemPosition(problem).replace(/^--config-yaml:(\d+)/, (_, line) => String(Number(line) - HEAD_LINES)), problem.text]);
}

function route(match: string, action: string): string {
  return `virtual_hosts:\n- name: v\n  domains: ["*"]\n  routes:\n  - match: ${match}\n    ${action}`;
}

describe('route tables', () => {
  it.each<[string, number]>([
    ['"@type": type.googleapis.com/no.such.Type', 1],
    ['"@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: type.googleapis.com/no.such.Type', 0],
    ['"@type": type.googleapis.com/google.protobuf.Struct', 0],
  ])('skip an optional filter with %s, unless no such type can be written', (type, errors) => {
    const found = errorsOf(`typed_per_filter_config: { a: { "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, is_optional: true, config: { ${type} } } }`);
    expect(found.map(([, text]) => text)).toEqual(Array(errors).fill("Unable to parse JSON as proto (INVALID_ARGUMENT: could not find @type 'type.googleapis.com/no.such.Type')"));
  });

  it.each<[string, string, string, string]>([
    [
      'a domain twice', 'name: t\nvirtual_hosts:\n- { name: a, domains: [x.com] }\n- name: b\n  domains: [X.com]',
      '5:25', 'Only unique values for domains are permitted. Duplicate entry of domain x.com in route t',
    ],
    [
      'a second *', 'name: t\nvirtual_hosts:\n- { name: a, domains: ["*"] }\n- name: b\n  domains: [y.com, "*"]',
      '5:32', 'Only a single wildcard domain is permitted in route t',
    ],
    ['an unknown cluster', route('{ prefix: / }', 'route: { cluster: unknown }'), '6:35', "route: unknown cluster 'unknown'"],
    [
      'an unknown weighted cluster', route('{ prefix: / }', 'route: { weighted_clusters: { clusters: [{ name: known, weight: 1 }, { name: nope, weight: 1 }] } }'),
      '6:94', "route: unknown weighted cluster 'nope'",
    ],
    ['a regex that is none', route('{ safe_regex: { regex: "(" } }', 'route: { cluster: known }'), '5:47', 'missing'],
    [
      'a regex beyond the size limit', route('{ safe_regex: { regex: "(a{1,300}){1,3}" } }', 'route: { cluster: known }'),
      '5:47', '> max program size of 100 set for the error level threshold',
    ],
    ['a body over the limit', route('{ prefix: / }', `direct_response: { status: 200, body: { inline_string: "${'x'.repeat(4097)}" } }`), '6:49', 'response body size is 4097 bytes; maximum is 4096'],
    [
      'two path rewrites of a redirect', route('{ prefix: / }', 'redirect: { path_redirect: /a, prefix_rewrite: /b }'),
      '6:48', "'prefix_rewrite' has already been set (either directly or as part of a oneof)",
    ],
    ['two actions', route('{ prefix: / }', 'route: { cluster: known }\n    redirect: {}'), '7:17', "'redirect' has already been set (either directly or as part of a oneof)"],
    ['no domains', 'virtual_hosts:\n- name: v\n  domains: []', '3:15', 'Domains'],
  ])('%s', (_, yaml, place, reason) => {
    expect(errorsOf(yaml)).toEqual([[place, expect.stringContaining(reason)]]);
  });

  it('does not check clusters when validate_clusters says so', () => {
    expect(errorsOf(`validate_clusters: false\n${route('{ prefix: / }', 'route: { cluster: unknown }')}`)).toEqual([]);
  });
});
