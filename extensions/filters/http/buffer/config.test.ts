import { describe, expect, it } from 'vitest';
import { HTTP_FILTER_CATEGORY } from '../../../../core/http/filter.ts';
import { HTTP_FILTER_ROUTE_CATEGORY } from '../../../../core/http/filter_context.ts';
import { FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { parseYamlMessage } from '../../../../test/support/parse_yaml.ts';
import { register } from './config.ts';

function parse(yaml: string, category: string, name: string) {
  const registry = new FactoryRegistry();
  register(registry);
  const type = `envoy.extensions.filters.http.buffer.v3.${name}`;
  const parsed = parseYamlMessage(yaml, type);
  return { config: registry.get(category, type)?.parse(parsed.message, parsed.context), errors: parsed.errors(), warnings: parsed.errors().length === 0 ? parsed.warnings() : [] };
}

describe('buffer configuration', () => {
  it('takes the limit of the filter', () => {
    expect(parse('max_request_bytes: 10', HTTP_FILTER_CATEGORY, 'Buffer')).toEqual({ config: { maxRequestBytes: 10 }, errors: [], warnings: [] });
  });

  it('wants a limit above zero', () => {
    expect(parse('{}', HTTP_FILTER_CATEGORY, 'Buffer').errors).toHaveLength(1);
    expect(parse('max_request_bytes: 0', HTTP_FILTER_CATEGORY, 'Buffer').errors).toHaveLength(1);
  });

  it('takes another limit, or none, for a route', () => {
    expect(parse('buffer: { max_request_bytes: 5 }', HTTP_FILTER_ROUTE_CATEGORY, 'BufferPerRoute')).toEqual({ config: { maxRequestBytes: 5 }, errors: [], warnings: [] });
    expect(parse('disabled: true', HTTP_FILTER_ROUTE_CATEGORY, 'BufferPerRoute')).toEqual({ config: { maxRequestBytes: 0 }, errors: [], warnings: [] });
    expect(parse('disabled: false', HTTP_FILTER_ROUTE_CATEGORY, 'BufferPerRoute').errors).toHaveLength(1);
  });
});
