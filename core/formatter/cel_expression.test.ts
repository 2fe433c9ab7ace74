/** CEL beyond what test/oracle/cases/cel.yaml records: mistakes in Envoy's words, what is switched on, streams that are not whole. */
import { describe, expect, it } from 'vitest';
import { testStream } from '../../test/support/log_context.ts';
import { CEL_FEATURES_OFF, type CelFeatures, type CelExpression, compileCel } from './cel_expression.ts';
import { celJson, celText } from './cel_text.ts';
import type { FormatContext } from './format_context.ts';

function compiled(text: string, features: CelFeatures = CEL_FEATURES_OFF): CelExpression {
  const expression = compileCel(text, features);
  if (typeof expression === 'string') throw new Error(expression);
  return expression;
}

function textOf(text: string, context: FormatContext = testStream().context, features: CelFeatures = CEL_FEATURES_OFF): string | undefined {
  const value = compiled(text, features).evaluate(context);
  return value === undefined ? undefined : celText(value);
}

const EVERYTHING: CelFeatures = { stringConversion: true, stringConcat: true, stringFunctions: true };

describe('compileCel', () => {
  it.each([
    ['request.path ==', 'Not able to parse expression: '],
    ['', 'Not able to parse expression: '],
    ['request.path[', 'Not able to parse expression: '],
    ['[1, 2].exists(x, x > 1)', 'failed to create an expression: Comprehension support is disabled'],
    ['[1].map(x, x)', 'failed to create an expression: Comprehension support is disabled'],
    ['1 == 1 && foo(1)', 'failed to create an expression: No overload found in reference resolve step for foo'],
    ['string(1)', 'failed to create an expression: No overload found in reference resolve step for string'],
    ["{'a': [lowerAscii('x')]}", 'failed to create an expression: No overload found in reference resolve step for lowerAscii'],
    ["'a'.split(',')", 'failed to create an expression: No overload found in reference resolve step for split'],
  ])('refuses %s', (text, expected) => {
    expect(compileCel(text)).toContain(expected);
  });

  it('knows what an expression reads', () => {
    const read = (text: string) => [compiled(text).readsRequest, compiled(text).readsResponse];
    expect([read('1'), read("request.headers['a']"), read('{1: [response.code]}'), read('has(request.path) ? response.size : 1')]).toEqual([[false, false], [true, false], [false, true], [true, true]]);
  });

  it('has the functions of strings where they are switched on', () => {
    expect(textOf("string(1) + 'a'", undefined, EVERYTHING)).toBe('1a');
    expect(textOf("request.path.lowerAscii().split('?')[0].replace('/', '') + '!'", undefined, EVERYTHING)).toBe('a!');
    expect(textOf("'a' + 'b'")).toBeUndefined();
    expect(compileCel('lowerAscii()', { ...EVERYTHING, stringFunctions: false })).toContain('No overload');
  });
});

describe('an expression', () => {
  it('is evaluated for one stream after the other', () => {
    const path = compiled('request.path');
    const other = testStream({ request: [[':method', 'GET'], [':path', '/other']] });
    expect([path.evaluate(testStream().context), path.evaluate(other.context), path.evaluate(testStream().context)]).toEqual(['/a?x=1', '/other', '/a?x=1']);
  });

  it('has no value where a part of the stream is missing', () => {
    const { context } = testStream({ request: null, response: null });
    for (const text of ['request.path', "request.headers['a']", 'request.headers', 'response.headers', 'request.query', 'nope', 'request.nope']) expect(textOf(text, context)).toBeUndefined();
    expect(textOf('has(request.path)', context)).toBe('false');
    const nothing: FormatContext = { requestHeaders: null, responseHeaders: null, responseTrailers: null, info: null, logType: 0 };
    for (const root of ['request', 'response', 'source', 'destination', 'connection', 'upstream', 'xds']) {
      for (const name of ['time', 'size', 'duration', 'code', 'address', 'port', 'id', 'cluster_name', 'backend_latency', 'locality', 'total_size']) {
        expect(textOf(`${root}.${name}`, nothing)).toBeUndefined();
      }
    }
  });

  it('does not see what objects have by birth', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      expect(textOf(`request.${name}`)).toBeUndefined();
      expect(textOf(name)).toBeUndefined();
      expect(textOf(`request.headers['${name}']`)).toBeUndefined();
    }
  });

  it('sees what filters left for others', () => {
    const { context, info } = testStream();
    expect(textOf("'k' in filter_state", context)).toBe('false');
    info.filterState = new Map<string, unknown>([['k', 'v'], ['n', 5], ['o', {}]]);
    expect(["filter_state['k']", 'filter_state.n', "has(filter_state.o)", "filter_state['nope']"].map((text) => textOf(text, context))).toEqual(['v', '5', 'false', undefined]);
  });

  it('takes time in proportion to its text for any pattern', () => {
    const { context } = testStream({ request: [[':method', 'GET'], [':path', `/${'a'.repeat(30000)}`]] });
    expect(textOf("request.path.matches('^/(a|aa)+$b')", context)).toBe('false');
  });
});

describe('text and JSON of values', () => {
  it.each([
    ['0.0', '0', 0],
    ['-0.5', '-0.5', -0.5],
    ['1e-7', '1e-07', 1e-7],
    ['999999.5', '1e+06', 999999.5],
    ["duration('-90.5s')", '-1m30.5s', '-90.500s'],
    ["duration('1us')", '1us', '0.000001s'],
    ["timestamp('1969-12-31T23:59:59.5Z')", '1969-12-31T23:59:59.5+00:00', '1969-12-31T23:59:59.500Z'],
    ['18446744073709551615u', '18446744073709551615', 18446744073709552000],
    ["b'\\xff\\x00'", '�\u0000', '/wA='],
    ["[duration('1s'), null, b'a']", 'CelList value', ['1s', null, 'YQ==']],
    ["{'a': {'b': [1u]}}", 'CelMap value', { a: { b: [1] } }],
  ])('%s', (text, expected, json) => {
    const value = compiled(text).evaluate(testStream().context);
    if (value === undefined) throw new Error('no value');
    expect([celText(value), celJson(value)]).toEqual([expected, json]);
  });
});
