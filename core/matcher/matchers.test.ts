import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerMap } from '../../test/support/header_map.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { HeaderMatcher, matchesAllHeaders } from './header_matcher.ts';
import type { HeaderMatcherConfig, StringMatcherConfig } from './matcher_config.ts';
import { QueryParameterMatcher } from './query_parameter_matcher.ts';
import { StringMatcher } from './string_matcher.ts';

function naive(config: StringMatcherConfig, text: string): boolean {
  if (config.kind === 'regex') return new RegExp(`^(?:${config.regex})$`).test(text);
  const subject = config.ignoreCase ? text.toLowerCase() : text;
  const value = config.ignoreCase ? config.value.toLowerCase() : config.value;
  switch (config.kind) {
    case 'exact': return subject === value;
    case 'prefix': return subject.startsWith(value);
    case 'suffix': return subject.endsWith(value);
    default: return subject.includes(value);
  }
}

const text = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'B', '-'), maxLength: 6 });

describe('StringMatcher', () => {
  it('agrees with string operations', () => {
    const config = fc.record({ kind: fc.constantFrom('exact' as const, 'prefix' as const, 'suffix' as const, 'contains' as const), value: text, ignoreCase: fc.boolean() });
    fc.assert(fc.property(config, text, (matcher, subject) => {
      expect(new StringMatcher(matcher).matchesText(subject)).toBe(naive(matcher, subject));
    }), { numRuns: 2000, seed: 1 });
  });

  it('compares UTF-8 bytes', () => {
    const matcher = new StringMatcher({ kind: 'exact', value: 'é', ignoreCase: false });
    expect(matcher.matchesText(Buffer.from('é').toString('latin1'))).toBe(true);
    expect(matcher.matchesText('é')).toBe(false);
  });
});

const base = { name: 'x-a', invert: false, treatMissingAsEmpty: false };
const exact = (value: string) => ({ kind: 'string' as const, matcher: { kind: 'exact' as const, value, ignoreCase: false } });

function matches(config: HeaderMatcherConfig, pairs: [string, string][]): boolean {
  const names = new HeaderNames();
  return new HeaderMatcher(config, names).matches(headerMap(names, pairs));
}

describe('HeaderMatcher', () => {
  it.each<[string, HeaderMatcherConfig, [string, string][], boolean]>([
    ['equal', { ...base, ...exact('1') }, [['x-a', '1']], true],
    ['different', { ...base, ...exact('1') }, [['x-a', '2']], false],
    ['different, inverted', { ...base, ...exact('1'), invert: true }, [['x-a', '2']], true],
    ['missing', { ...base, ...exact('1') }, [], false],
    ['missing, inverted', { ...base, ...exact('1'), invert: true }, [], false],
    ['missing as empty', { ...base, ...exact(''), treatMissingAsEmpty: true }, [], true],
    ['missing as empty, inverted', { ...base, ...exact('1'), treatMissingAsEmpty: true, invert: true }, [], true],
    ['repeated, joined', { ...base, ...exact('1,2') }, [['x-a', '1'], ['y', ''], ['x-a', '2']], true],
    ['present', { ...base, kind: 'present', present: true }, [['x-a', '']], true],
    ['present but must not be', { ...base, kind: 'present', present: false }, [['x-a', '']], false],
    ['absent as it must be', { ...base, kind: 'present', present: false }, [], true],
    ['absent, present inverted', { ...base, kind: 'present', present: true, invert: true }, [], true],
    ['absent, absence inverted', { ...base, kind: 'present', present: false, invert: true }, [], false],
    ['in range', { ...base, kind: 'range', start: -10, end: 10 }, [['x-a', '-10']], true],
    ['at the end of the range', { ...base, kind: 'range', start: -10, end: 10 }, [['x-a', '10']], false],
    ['not a number', { ...base, kind: 'range', start: -10, end: 10 }, [['x-a', '1x']], false],
    ['a fraction', { ...base, kind: 'range', start: -10, end: 10 }, [['x-a', '1.0']], false],
    ['just a sign', { ...base, kind: 'range', start: -10, end: 10 }, [['x-a', '-']], false],
    ['empty for a range', { ...base, kind: 'range', start: -10, end: 10 }, [['x-a', '']], false],
    [':method', { ...base, name: ':method', ...exact('GET') }, [[':method', 'GET']], true],
    [':path', { ...base, name: ':path', ...exact('/a?b') }, [[':path', '/a?b']], true],
    [':scheme', { ...base, name: ':scheme', ...exact('https') }, [[':method', 'GET'], [':scheme', 'https']], true],
    [':authority', { ...base, name: ':authority', ...exact('h') }, [['host', 'h']], true],
    ['host', { ...base, name: 'host', ...exact('h') }, [[':authority', 'h']], true],
    [':status', { ...base, name: ':status', kind: 'range', start: 200, end: 300 }, [[':status', '204']], true],
    ['absent pseudo-header', { ...base, name: ':protocol', kind: 'present', present: true }, [[':method', 'GET']], false],
  ])('%s', (_, config, pairs, expected) => {
    expect(matches(config, pairs)).toBe(expected);
  });

  it('needs all matchers of a list', () => {
    const names = new HeaderNames();
    const matchers = [new HeaderMatcher({ ...base, ...exact('1') }, names), new HeaderMatcher({ ...base, name: 'y', ...exact('2') }, names)];
    expect(matchesAllHeaders(matchers, headerMap(names, [['x-a', '1'], ['y', '2']]))).toBe(true);
    expect(matchesAllHeaders(matchers, headerMap(names, [['x-a', '1']]))).toBe(false);
    expect(matchesAllHeaders([], headerMap(names, []))).toBe(true);
  });
});

describe('QueryParameterMatcher', () => {
  const value = (v: string): StringMatcherConfig => ({ kind: 'exact', value: v, ignoreCase: false });
  it.each<[string, string, StringMatcherConfig | null, boolean, boolean]>([
    ['/p?a=1', 'a', value('1'), true, true],
    ['/p?b=2&a=1', 'a', value('1'), true, true],
    ['/p?a=2&a=1', 'a', value('1'), true, false],
    ['/p?a=1', 'a', null, true, true],
    ['/p?a', 'a', null, true, true],
    ['/p?a', 'a', value(''), true, true],
    ['/p?ab=1', 'a', null, true, false],
    ['/p', 'a', null, false, true],
    ['/p?a', 'a', null, false, false],
    ['/p?a=b=c', 'a', value('b=c'), true, true],
    ['/p?a=%31', 'a', value('%31'), true, true],
    ['/a=1', 'a', null, true, false],
    ['/p?x&&a=1&', 'a', value('1'), true, true],
  ])('%s %s', (path, name, matcher, present, expected) => {
    const bytes = Buffer.from(`..${path}..`);
    expect(new QueryParameterMatcher({ name, matcher, present }).matches(bytes, 2, path.length)).toBe(expected);
  });
});
