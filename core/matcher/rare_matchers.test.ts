import { describe, expect, it } from 'vitest';
import { headerMap } from '../../test/support/header_map.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { CookieMatcher } from './cookie_matcher.ts';
import { FilterStateMatcher } from './filter_state_matcher.ts';
import type { FilterStateMatcherConfig, StringMatcherConfig, ValueMatcherConfig } from './matcher_config.ts';
import { compileValueMatcher, MetadataMatcher } from './value_matcher.ts';

const exact = (value: string): StringMatcherConfig => ({ kind: 'exact', value, ignoreCase: false });

describe('compileValueMatcher', () => {
  it.each<[ValueMatcherConfig, unknown, boolean]>([
    [{ kind: 'null' }, null, true],
    [{ kind: 'null' }, undefined, false],
    [{ kind: 'number', value: 1.5 }, 1.5, true],
    [{ kind: 'number', value: 1 }, '1', false],
    [{ kind: 'range', start: 1, end: 2 }, 1, true],
    [{ kind: 'range', start: 1, end: 2 }, 2, false],
    [{ kind: 'string', matcher: exact('é') }, 'é', true],
    [{ kind: 'string', matcher: exact('1') }, 1, false],
    [{ kind: 'bool', value: false }, false, true],
    [{ kind: 'bool', value: false }, undefined, false],
    [{ kind: 'present', present: true }, null, true],
    [{ kind: 'present', present: true }, undefined, false],
    [{ kind: 'present', present: false }, undefined, false],
    [{ kind: 'list', oneOf: { kind: 'number', value: 2 } }, [1, 2], true],
    [{ kind: 'list', oneOf: { kind: 'number', value: 2 } }, [], false],
    [{ kind: 'list', oneOf: { kind: 'number', value: 2 } }, 2, false],
    [{ kind: 'or', matchers: [{ kind: 'null' }, { kind: 'bool', value: true }] }, true, true],
    [{ kind: 'or', matchers: [{ kind: 'null' }, { kind: 'bool', value: true }] }, false, false],
  ])('%j against %j: %s', (config, value, expected) => {
    expect(compileValueMatcher(config).matches(value)).toBe(expected);
  });
});

describe('MetadataMatcher', () => {
  const metadata = new Map([['f', { a: { b: 'v', list: [1] } }]]);
  it.each<[string, string[], boolean]>([
    ['f', ['a', 'b'], true], ['f', ['a', 'c'], false], ['g', ['a', 'b'], false], ['f', ['a', 'list', '0'], false], ['f', ['a', 'b', 'length'], false], ['f', ['toString'], false],
  ])('%s %j: %s', (filter, path, expected) => {
    const config = { filter, path, value: { kind: 'present' as const, present: true } };
    expect(new MetadataMatcher({ ...config, invert: false }).matches(metadata)).toBe(expected);
    expect(new MetadataMatcher({ ...config, invert: true }).matches(metadata)).toBe(!expected);
  });

  it('takes no metadata for missing values', () => {
    expect(new MetadataMatcher({ filter: 'f', path: ['a'], value: { kind: 'null' }, invert: true }).matches(null)).toBe(true);
  });
});

describe('FilterStateMatcher', () => {
  const state = new Map<string, unknown>([['text', 'abc'], ['number', 12], ['address', '10.1.2.3'], ['object', { a: 1 }]]);
  const text = (key: string, value: string): FilterStateMatcherConfig => ({ key, matcher: { kind: 'string', matcher: exact(value) } });
  const address = (key: string): FilterStateMatcherConfig => ({ key, matcher: { kind: 'address', ranges: ['192.168.0.0/16', '10.0.0.0/8'] } });
  it.each<[FilterStateMatcherConfig, boolean]>([
    [text('text', 'abc'), true], [text('text', 'abd'), false], [text('number', '12'), true], [text('object', '[object Object]'), false], [text('none', ''), false],
    [address('address'), true], [address('text'), false], [address('none'), false],
  ])('%j: %s', (config, expected) => {
    expect(new FilterStateMatcher(config).matches(state)).toBe(expected);
    expect(new FilterStateMatcher(config).matches(null)).toBe(false);
  });
});

describe('CookieMatcher', () => {
  it.each<[string[], boolean, boolean]>([
    [['s=v'], true, false], [['a=1; s=v;b'], true, false], [['s="v"'], true, false], [['s="v'], false, true], [['s=v ; a=1'], false, true], [['s=w; s=v'], false, true],
    [['a=1', 's=v'], true, false], [['s'], false, true], [['xs=v'], false, true], [[], false, true],
  ])('%j: %s, inverted %s', (cookies, expected, inverted) => {
    const names = new HeaderNames();
    const headers = headerMap(names, cookies.map((cookie) => ['cookie', cookie] as const));
    const matches = (invert: boolean): boolean => new CookieMatcher({ name: 's', matcher: exact('v'), invert }, names.intern('cookie')).matches(headers);
    expect([matches(false), matches(true)]).toEqual([expected, inverted]);
  });
});
