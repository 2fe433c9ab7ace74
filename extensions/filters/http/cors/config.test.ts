import { describe, expect, it } from 'vitest';
import { HTTP_FILTER_ROUTE_CATEGORY } from '../../../../core/http/filter_context.ts';
import { FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { parseYamlMessage } from '../../../../test/support/parse_yaml.ts';
import { register } from './config.ts';

const TYPE = 'envoy.extensions.filters.http.cors.v3.CorsPolicy';

function parse(yaml: string) {
  const registry = new FactoryRegistry();
  register(registry);
  const factory = registry.get(HTTP_FILTER_ROUTE_CATEGORY, TYPE);
  if (factory === undefined) throw new Error('the policy is not registered');
  const parsed = parseYamlMessage(yaml, TYPE);
  return { config: factory.parse(parsed.message, parsed.context), parsed };
}

describe('CORS policy configuration', () => {
  it('takes every field', () => {
    const { config, parsed } = parse(`
      allow_origin_string_match: [{ exact: "http://a" }, { safe_regex: { regex: ".*" } }]
      allow_methods: GET
      allow_headers: x-a
      expose_headers: x-b
      max_age: "600"
      allow_credentials: true
      filter_enabled: { default_value: { numerator: 50 }, runtime_key: cors.on }
      shadow_enabled: { default_value: { numerator: 10 } }
      allow_private_network_access: true
      forward_not_matching_preflights: false
    `);
    expect(parsed.errors()).toEqual([]);
    expect(parsed.warnings()).toEqual([]);
    expect(config).toEqual({
      allowOrigins: [{ kind: 'exact', value: 'http://a', ignoreCase: false }, { kind: 'regex', regex: '.*' }], allowMethods: 'GET', allowHeaders: 'x-a',
      exposeHeaders: 'x-b', maxAge: '600', allowCredentials: true, allowPrivateNetworkAccess: true, forwardNotMatchingPreflights: false,
      filterEnabled: { defaultValue: { numerator: 50, denominator: 100 }, runtimeKey: 'cors.on' },
      shadowEnabled: { defaultValue: { numerator: 10, denominator: 100 }, runtimeKey: '' },
    });
    expect(structuredClone(config)).toEqual(config);
  });

  it('tells unset fields from false ones', () => {
    expect(parse('allow_credentials: false').config).toMatchObject({ allowCredentials: false, allowPrivateNetworkAccess: null, filterEnabled: null });
  });
});
