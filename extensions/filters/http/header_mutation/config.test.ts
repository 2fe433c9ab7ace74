import { describe, expect, it } from 'vitest';
import { HTTP_FILTER_CATEGORY } from '../../../../core/http/filter.ts';
import { HTTP_FILTER_ROUTE_CATEGORY } from '../../../../core/http/filter_context.ts';
import { FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { parseYamlMessage } from '../../../../test/support/parse_yaml.ts';
import { register } from './config.ts';

function parse(yaml: string, category: string = HTTP_FILTER_CATEGORY, name = 'HeaderMutation') {
  const registry = new FactoryRegistry();
  register(registry);
  const type = `envoy.extensions.filters.http.header_mutation.v3.${name}`;
  const parsed = parseYamlMessage(yaml, type);
  return { config: registry.get(category, type)?.parse(parsed.message, parsed.context), parsed };
}

describe('header mutation configuration', () => {
  it('takes every kind of mutation in order', () => {
    const { config, parsed } = parse(`
      mutations:
        request_mutations:
          - remove: X-Gone
          - append: { header: { key: X-New, value: "%PROTOCOL%" }, append_action: ADD_IF_ABSENT, keep_empty_value: true }
          - remove_on_match: { key_matcher: { prefix: x-p } }
        response_trailers_mutations: [{ remove: x-t }]
        query_parameter_mutations:
          - remove: gone
          - append: { record: { key: a, value: "%REQ(x-a)%" }, action: OVERWRITE_IF_EXISTS }
      most_specific_header_mutations_wins: true
    `);
    expect(parsed.errors()).toEqual([]);
    expect(parsed.warnings()).toEqual([]);
    expect(config).toEqual({
      mostSpecificWins: true,
      mutations: {
        request: [
          { kind: 'remove', name: 'x-gone' },
          { kind: 'append', add: { name: 'x-new', value: '%PROTOCOL%', action: 'add_if_absent', keepEmptyValue: true } },
          { kind: 'remove_on_match', matcher: { kind: 'prefix', value: 'x-p', ignoreCase: false } },
        ],
        response: [], requestTrailers: [], responseTrailers: [{ kind: 'remove', name: 'x-t' }],
        query: [{ kind: 'remove', key: 'gone' }, { kind: 'append', key: 'a', value: '%REQ(x-a)%', action: 'overwrite_if_exists' }],
      },
    });
    expect(structuredClone(config)).toEqual(config);
  });

  it('takes those of a route, and none at all', () => {
    expect(parse('mutations: { request_mutations: [{ remove: x }] }', HTTP_FILTER_ROUTE_CATEGORY, 'HeaderMutationPerRoute').config).toMatchObject({ request: [{ kind: 'remove', name: 'x' }] });
    expect(parse('{}').config).toMatchObject({ mutations: { request: [], query: [] }, mostSpecificWins: false });
  });

  it.each([
    ['request_mutations: [{ append: { header: { key: ":path", value: x } } }]'],
    ['response_mutations: [{ append: { header: { key: host, value: x } } }]'],
    ['request_mutations: [{ append: { header: { key: x-a, value: "%NOPE%" } } }]'],
    ['request_mutations: [{}]'],
    ['query_parameter_mutations: [{}]'],
    ['query_parameter_mutations: [{ append: {} }]'],
    ['query_parameter_mutations: [{ append: { record: { key: a, value: 5 } } }]'],
    ['query_parameter_mutations: [{ append: { record: { key: a, value: "%NOPE%" } } }]'],
    ['query_parameter_mutations: [{ append: { record: { key: a, value: x } }, remove: b }]'],
  ])('refuses %s', (mutation) => {
    expect(parse(`mutations: { ${mutation} }`).parsed.errors()).toHaveLength(1);
  });

  it('warns that pseudo-headers stay', () => {
    expect(parse('mutations: { request_mutations: [{ remove: ":path" }] }').parsed.warnings()).toHaveLength(1);
  });
});
