import { describe, expect, it } from 'vitest';
import { testStream } from '../../../test/support/log_context.ts';
import { parseYamlMessage } from '../../../test/support/parse_yaml.ts';
import { FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import type { DescriptorProducer } from '../../../core/route/rate_limit_action.ts';
import { RATE_LIMIT_DESCRIPTOR_CATEGORY } from '../../../core/route/rate_limit_config.ts';
import { register } from './config.ts';

const TYPE = 'envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor';

function parse(yaml: string) {
  const registry = new FactoryRegistry();
  register(registry);
  const factory = registry.get(RATE_LIMIT_DESCRIPTOR_CATEGORY, TYPE);
  const parsed = parseYamlMessage(yaml, TYPE, registry);
  const config = factory?.parse(parsed.message, parsed.context);
  return { errors: parsed.errors(), warnings: parsed.warnings(), producer: () => factory?.createFactory(config, undefined) as DescriptorProducer };
}

describe('the expr descriptor', () => {
  const value = (yaml: string) => {
    const { context, info } = testStream();
    if (context.requestHeaders === null) throw new Error('no request');
    const { errors, warnings, producer } = parse(yaml);
    expect([errors, warnings]).toEqual([[], []]);
    return [producer().key, producer().value(context.requestHeaders, info)];
  };

  it('gives the value of an expression over the request', () => {
    expect(value("{descriptor_key: k, text: \"request.method == 'GET' ? request.url_path : 'other'\"}")).toEqual(['k', '/a']);
    expect(value('{descriptor_key: k, text: size(request.path)}')).toEqual(['k', '6']);
  });

  it('drops the descriptor where it fails, or only its entry', () => {
    expect(value("{descriptor_key: k, text: \"request.headers['nope']\"}")).toEqual(['k', null]);
    expect(value("{descriptor_key: k, skip_if_error: true, text: \"request.headers['nope']\"}")).toEqual(['k', '']);
  });

  it.each([
    ['{descriptor_key: k}', 'expression specifier is not set'],
    ['{descriptor_key: k, text: "1 +"}', 'Not able to parse expression'],
    ['{descriptor_key: k, parsed: {const_expr: {bool_value: true}}}', 'parsed already'],
  ])('refuses %s', (yaml, expected) => {
    expect(parse(yaml).errors.join()).toContain(expected);
  });
});
