import { describe, expect, it } from 'vitest';
import { Regex, RegexSubstitution, regexSyntaxError, substitutionWarning } from './regex.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const matches = (pattern: string, text: string): boolean => new Regex(pattern).matchesRange(bytes(text), 0, bytes(text).length);

describe('Regex', () => {
  it('matches the whole text only', () => {
    expect(matches('b', 'abc')).toBe(false);
    expect(matches('/foo', '/foo')).toBe(true);
    expect(matches('/foo', '/foobar')).toBe(false);
  });

  it.each(['[^/]+', '(?s).+', '\\pL+', '.{4}'])('%s sees UTF-8 characters, not bytes', (pattern) => {
    expect(matches(pattern, 'aéßλ')).toBe(true);
  });

  it('never matches bytes that are not UTF-8', () => {
    expect(new Regex('.*').matchesRange(new Uint8Array([0x61, 0xff]), 0, 2)).toBe(false);
    expect(new Regex('.*').matches('a\xff')).toBe(false);
  });

  it('matches a range within shared memory', () => {
    const slab = new Uint8Array(new SharedArrayBuffer(16));
    slab.set(bytes('xxé1yy'), 2);
    expect(new Regex('é\\d').matchesRange(slab, 4, 3)).toBe(true);
  });

  it('takes time linear in the input for a pattern that ruins backtracking engines', () => {
    expect(matches('(a|aa)+b', `${'a'.repeat(50_000)}c`)).toBe(false);
  });
});

describe('regexSyntaxError', () => {
  it('accepts RE2 syntax', () => {
    expect(regexSyntaxError('(?i)/a(?P<name>b+)[[:digit:]]')).toBeUndefined();
  });

  it('accepts groups of one name', () => {
    const pattern = '(?P<n>a)[(?P<n>)]+\\(\\Q(?<n>\\E(?<n>b)';
    expect(regexSyntaxError(pattern)).toBeUndefined();
    expect(['a(?P<n>)((?<n>b', 'a(((?<n>b', 'ab'].map((text) => new Regex(pattern).matches(text))).toEqual([true, true, false]);
    expect(new RegexSubstitution('(?P<n>a)(?P<n>b)', '\\2\\1').replaceAll('ab')).toBe('ba');
  });

  it.each([
    ['/a(', 'missing ): /a('], ['[', 'missing ]: ['], ['a)', 'unexpected ): a)'], ['a**', 'bad repetition operator: **'], ['a{5,2}', 'invalid repetition size: {5,2}'], ['\\', 'trailing \\'],
    ['\\8', 'invalid escape sequence: \\8'], ['[z-a]', 'invalid character class range: z-a'], ['(?=a)', 'invalid perl operator: (?='], ['+a', 'no argument for repetition operator: +'],
    ['(?P<n', 'invalid named capture group: (?P<n'],
  ])("refuses %s in RE2's words", (pattern, text) => {
    expect(regexSyntaxError(pattern)).toBe(text);
  });
});

describe('RegexSubstitution', () => {
  it.each([
    ['/service/([^/]+)(/.*)$', '\\2/instance/\\1', '/service/foo/v1/api', '/v1/api/instance/foo'],
    ['one', 'two', '/xxx/one/yyy/one/zzz', '/xxx/two/yyy/two/zzz'],
    ['^(.*?)one(.*)$', '\\1two\\2', '/xxx/one/yyy/one/zzz', '/xxx/two/yyy/one/zzz'],
    ['(?i)/xxx/', '/yyy/', '/aaa/XxX/bbb', '/aaa/yyy/bbb'],
    ['nothing', 'x', '/path', '/path'],
    ['x*', '-', '/p6', '-/-p-6-'],
    ['a', '\\\\\\0', 'bab', 'b\\ab'],
    ['a', '', 'aaa', ''],
    ['a', 'x\\1', 'bab', 'bab'],
    ['a', 'x\\yz', 'bab', 'bxb'],
  ])('%s with %s turns %s into %s', (pattern, substitution, from, to) => {
    expect(new RegexSubstitution(pattern, substitution).replaceAll(from)).toBe(to);
  });

  it('says what is wrong with a substitution', () => {
    expect(substitutionWarning('(a)', '\\1')).toBeUndefined();
    expect(substitutionWarning('(a)', '\\2')).toContain('the pattern has 1');
    expect(substitutionWarning('(a)', '\\x')).toContain('must be followed by');
    expect(substitutionWarning('(a)', 'x\\')).toContain('must be followed by');
  });
});
