import { describe, expect, it } from 'vitest';
import { HTTP_FILTER_CATEGORY } from '../../../../core/http/filter.ts';
import { FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { parseYamlMessage } from '../../../../test/support/parse_yaml.ts';
import { register } from './config.ts';

const TYPE = 'envoy.extensions.filters.http.health_check.v3.HealthCheck';

function parse(yaml: string) {
  const registry = new FactoryRegistry();
  register(registry);
  const parsed = parseYamlMessage(yaml, TYPE);
  return { config: registry.get(HTTP_FILTER_CATEGORY, TYPE)?.parse(parsed.message, parsed.context), parsed };
}

describe('health check configuration', () => {
  it('takes every field, percentages in whole percent', () => {
    const { config, parsed } = parse(`
      pass_through_mode: false
      cluster_min_healthy_percentages: { a: { value: 12.9 }, b: { value: 50 } }
      headers: [{ name: ":path", string_match: { exact: /healthz } }]
    `);
    expect(parsed.errors()).toEqual([]);
    expect(parsed.warnings()).toEqual([]);
    expect(config).toEqual({
      passThrough: false, cacheTimeMs: 0, cacheName: expect.stringMatching(/^health_check ./), clusters: [{ name: 'a', minPercent: 12 }, { name: 'b', minPercent: 50 }],
      headers: [{ name: ':path', invert: false, treatMissingAsEmpty: false, kind: 'string', matcher: { kind: 'exact', value: '/healthz', ignoreCase: false } }],
    });
  });

  it('takes a cache time in pass-through mode only', () => {
    expect(parse('{ pass_through_mode: true, cache_time: 2.5s }').config).toMatchObject({ passThrough: true, cacheTimeMs: 2500 });
    expect(parse('{ pass_through_mode: false, cache_time: 1s }').parsed.errors()).toHaveLength(1);
  });

  it('wants to know the mode, and says when cluster percentages do nothing', () => {
    expect(parse('{}').parsed.errors()).toHaveLength(1);
    expect(parse('{ pass_through_mode: true, cluster_min_healthy_percentages: { a: { value: 1 } } }').parsed.warnings()).toHaveLength(1);
  });
});
