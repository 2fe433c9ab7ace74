import { describe, expect, it } from 'vitest';
import type { SubjectAltName } from '../../../core/base/subject_alt_names.ts';
import type { StringMatcherConfig } from '../../../core/matcher/matcher_config.ts';
import { hasOneOf, matchesHostName, SanMatcher } from './san_matcher.ts';

function san(kind: SubjectAltName['kind'], value: string, oid = ''): SubjectAltName {
  return { kind, oid, value: Buffer.from(value).toString('latin1') };
}

describe('host names', () => {
  it.each([
    ['a.example', 'a.example', true],
    ['A.example', 'a.EXAMPLE', true],
    ['a.example', 'b.example', false],
    ['a.wild.example', '*.wild.example', true],
    ['A.WILD.example', '*.wild.example', true],
    ['*.wild.example', '*.wild.example', true],
    ['wild.example', '*.wild.example', false],
    ['.wild.example', '*.wild.example', true],
    ['a.b.wild.example', '*.wild.example', false],
    ['a.wild.example', 'a.*.example', false],
    ['a.b.example', '*.*.example', false],
    ['abc.example', 'a*.example', true],
    ['abc.example', '*c.example', true],
    ['abc.example', 'a*c.example', true],
    ['ac.example', 'a*c.example', true],
    ['a.example', 'a*a.example', false],
    ['abc.example', 'a*b*c.example', false],
    ['xn--abc.example', 'xn--*.example', false],
    ['example', '*', false],
    ['example', '*.example', false],
    ['a.example', '*', false],
    ['a.example.evil', '*.example', false],
    ['a.example', 'a.example\0.evil', false],
    ['*.example', 'a.example', false],
  ])('%s of a certificate for %j: %s', (name, pattern, expected) => {
    expect(matchesHostName(name, pattern)).toBe(expected);
  });
});

describe('matchers', () => {
  const plain = (kind: 'exact' | 'prefix' | 'suffix' | 'contains', value: string, ignoreCase = false): StringMatcherConfig => ({ kind, value, ignoreCase });

  it.each<[SubjectAltName['kind'], StringMatcherConfig, SubjectAltName, boolean]>([
    ['dns', plain('exact', 'FOO.wild.example'), san('dns', '*.wild.example'), true],
    ['dns', plain('exact', 'a.example'), san('uri', 'a.example'), false],
    ['dns', plain('exact', 'a.example'), san('dns', 'a.example,DNS:b'), false],
    ['dns', plain('prefix', 'a.'), san('dns', 'a.example'), true],
    ['dns', plain('prefix', 'A.'), san('dns', 'a.example'), false],
    ['dns', plain('prefix', 'A.', true), san('dns', 'a.example'), true],
    ['dns', plain('suffix', '.wild.example'), san('dns', '*.wild.example'), true],
    ['dns', plain('suffix', '.example'), san('dns', 'a.example.evil'), false],
    ['dns', plain('contains', 'xamp'), san('dns', 'a.example'), true],
    ['dns', { kind: 'regex', regex: 'a\\.ex.*' }, san('dns', 'a.example'), true],
    ['dns', { kind: 'regex', regex: 'ex.*' }, san('dns', 'a.example'), false],
    ['uri', plain('exact', 'spiffe://a/b'), san('uri', 'spiffe://a/b'), true],
    ['uri', plain('exact', 'spiffe://A/b'), san('uri', 'spiffe://a/b'), false],
    ['uri', plain('exact', 'spiffe://A/b', true), san('uri', 'spiffe://a/b'), true],
    ['uri', plain('exact', 'spiffe://x.wild/'), san('uri', '*.wild/'), false],
    ['uri', plain('prefix', 'spiffe://ä/'), san('uri', 'spiffe://ä/x'), true],
    ['email', plain('suffix', '@example.com'), san('email', 'a@example.com'), true],
    ['ip', plain('exact', '127.0.0.1'), san('ip', '127.0.0.1'), true],
    ['ip', plain('exact', '127.0.0.1'), san('dns', '127.0.0.1'), false],
  ])('%s %o and %o: %s', (kind, matcher, name, expected) => {
    expect(new SanMatcher({ kind, oid: '', matcher }).matches(name)).toBe(expected);
  });

  it('of otherNames want the type, too', () => {
    const matcher = new SanMatcher({ kind: 'other', oid: '1.2.3', matcher: plain('exact', 'a') });
    expect([san('other', 'a', '1.2.3'), san('other', 'a', '1.2.4'), san('other', 'b', '1.2.3')].map((name) => matcher.matches(name))).toEqual([true, false, false]);
  });
});

describe('lists of names', () => {
  const names = [san('dns', '*.wild.example'), san('uri', 'spiffe://a'), san('ip', '10.0.0.1'), san('email', 'ä@b')];

  it.each([
    [['x.wild.example'], true],
    [['nope', 'X.WILD.example'], true],
    [['spiffe://a'], true],
    [['spiffe://A'], false],
    [['10.0.0.1'], true],
    [['ä@b'], true],
    [['wild.example', 'spiffe://b'], false],
  ])('%o: %s', (wanted, expected) => {
    expect(hasOneOf(names, wanted)).toBe(expected);
  });
});
