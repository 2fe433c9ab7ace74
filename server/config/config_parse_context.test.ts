import { describe, expect, it } from 'vitest';
import type { Buffer as BufferConfig } from '../../core/api/gen/envoy/extensions/filters/http/buffer/v3/buffer_pb.d.ts';
import type { HttpConnectionManager } from '../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.d.ts';
import { type ExtensionFactory, FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { ExtensionConfig } from '../../core/registry/parse_context.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';

const HCM = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const BUFFER = 'envoy.extensions.filters.http.buffer.v3.Buffer';

const bufferFactory: ExtensionFactory<object, undefined, undefined> = {
  category: 'envoy.filters.http',
  name: 'envoy.filters.http.buffer',
  typeName: BUFFER,
  parse(message, context) {
    const bytes = (message as BufferConfig).maxRequestBytes ?? 0;
    if (bytes === 13) context.error(message, 'max_request_bytes', 'must not be 13');
    return Object.freeze({ bytes });
  },
  createFactory: () => undefined,
};

/** Parses an HCM with these HTTP filters; returns the extension configs and the reports. */
function filters(yaml: string): { configs: (ExtensionConfig | undefined)[]; errors: string[]; hints: string[]; warnings: string[] } {
  const registry = new FactoryRegistry();
  registry.register(bufferFactory);
  const text = `stat_prefix: a\nroute_config: {}\nhttp_filters:\n${yaml}`;
  const parsed = parseYamlMessage(text, HCM, registry);
  const message = parsed.message as HttpConnectionManager;
  void message.statPrefix;
  void message.routeSpecifier.case;
  const configs = message.httpFilters.map((filter) => {
    const any = filter.configType.case === 'typedConfig' ? filter.configType.value : undefined;
    return parsed.context.parseExtension('envoy.filters.http', filter.name, any, filter, 'typed_config');
  });
  const errors = parsed.errors();
  return { configs, errors, hints: parsed.config.problems.errors().flatMap((p) => p.hints), warnings: parsed.warnings() };
}

describe('parseExtension', () => {
  it('runs the parse of the registered factory', () => {
    const { configs, errors, warnings } = filters(`- name: label\n  typed_config: {"@type": type.googleapis.com/${BUFFER}, max_request_bytes: 7}`);
    expect(errors).toEqual([]);
    expect(warnings).toEqual([]);
    expect(configs).toEqual([{ name: 'label', typeName: BUFFER, config: { bytes: 7 } }]);
  });
  it('collects what a parse reports, with position', () => {
    const { errors } = filters(`- name: label\n  typed_config: {"@type": type.googleapis.com/${BUFFER}, max_request_bytes: 13}`);
    expect(errors).toEqual(['must not be 13']);
  });
  it('names the extensions that exist, and says when the type is valid Envoy', () => {
    const { errors, hints } = filters('- name: x\n  typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua}');
    expect(errors).toEqual(["Didn't find a registered implementation for 'x' with type URL: 'envoy.extensions.filters.http.lua.v3.Lua'"]);
    expect(hints).toEqual(['this is a valid Envoy extension which is not supported here', `extensions of envoy.filters.http: ${BUFFER} (envoy.filters.http.buffer)`]);
  });
  it('names the nearest type for one that does not exist', () => {
    const { hints } = filters('- name: x\n  typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.bufer.v3.Buffer}');
    expect(hints[0]).toBe(`did you mean 'type.googleapis.com/${BUFFER}'?`);
  });
  it('refuses a name without configuration, as Envoy does, and says what to write', () => {
    const { errors, hints } = filters('- name: envoy.filters.http.buffer');
    expect(errors).toEqual(["Didn't find a registered implementation for 'envoy.filters.http.buffer' with type URL: ''"]);
    expect(hints[0]).toContain(`"@type": type.googleapis.com/${BUFFER}`);
  });
  it('reports every filter that is wrong', () => {
    expect(filters('- {name: a}\n- {name: b}').errors).toHaveLength(2);
  });
});

describe('reports', () => {
  it('point at the element that is meant', () => {
    const parsed = parseYamlMessage('name: v\ndomains:\n- a\n- b\ntyped_per_filter_config:\n  k: {}\n', 'envoy.config.route.v3.VirtualHost');
    expect(parsed.context.position(parsed.message, 'domains[1]')).toEqual({ file: 'test.yaml', line: 4, column: 3, path: 'domains[1]' });
    expect(parsed.context.position(parsed.message, 'typed_per_filter_config["k"]')?.line).toBe(6);
    expect(parsed.context.position(parsed.message, 'routes')).toMatchObject({ line: 1, path: 'routes' });
    expect(parsed.context.position({})).toBeUndefined();
  });
  it('on a field take its subtree as dealt with', () => {
    const parsed = parseYamlMessage('{name: v, domains: ["*"], cors: {allow_methods: x}, retry_policy: {retry_on: x}}', 'envoy.config.route.v3.VirtualHost');
    const message = parsed.message as { name: string; domains: string[]; cors: object };
    void [message.name, message.domains];
    parsed.context.warn(message.cors, undefined, 'cors here is ignored');
    void message.cors;
    parsed.context.warn(message, 'retry_policy', 'retries come later');
    expect(parsed.warnings()).toEqual([
      expect.stringContaining('Deprecated field'),
      'cors here is ignored',
      'retries come later',
    ]);
  });
  it('refuse with the feature that is missing', () => {
    const parsed = parseYamlMessage('{name: v, domains: ["*"], rate_limits: [{actions: [{remote_address: {}}]}]}', 'envoy.config.route.v3.VirtualHost');
    parsed.context.refuse(parsed.message, 'rate_limits', 'global rate limits');
    expect(parsed.errors()).toEqual(['feature not supported: global rate limits']);
  });
});
