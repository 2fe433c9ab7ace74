import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { toNativeRegex } from './native_regex.ts';

describe('toNativeRegex', () => {
  it.each([
    ['/api/v[0-9]+/users/[^/]+'], ['.*\\.(png|jpg|css)'], ['^/(a|b|c)/.*$'], ['[a-z]+-[0-9a-f]{8}'], ['/static/.*'], ['/a|/b'],
    ['/users/\\d+(?:/posts)?'], ['.*'], ['[a-z]+[0-9]+'], ['GET|POST'],
  ])('takes %s', (pattern) => {
    expect(toNativeRegex(pattern)).not.toBeNull();
  });

  it.each([
    ['(a+)+', 'a quantified group'], ['(a|a)*b', 'a quantified alternation'], ['.*.*x', 'two overlapping quantifiers'],
    ['.*b[^/]+/', 'an unbounded quantifier after an ambiguous one'], ['(?i)abc', 'flags'], ['a*?', 'lazy quantifiers'],
    ['\\bfoo', 'word boundaries'], ['\\pN+', 'Unicode classes'], ['[[:alpha:]]+', 'POSIX classes'], ['a$b', 'an inner anchor'],
    ['é+', 'non-ASCII literals'], ['(a|b){5}c', 'repeated choices'], ['a{1000}', 'long repetitions'], ['^a|b$', 'anchored branches'],
    ['(?P<x>a)', 'named groups'], ['a?b?c?d?e?f?g?', 'many optional parts'], ['\\x41', 'hex escapes'],
  ])('leaves %s to the linear-time engine: %s', (pattern) => {
    expect(toNativeRegex(pattern)).toBeNull();
  });

  it('agrees with the linear-time engine wherever it takes a pattern', () => {
    const atom = fc.constantFrom('a', 'b', '/', '.', '\\.', '\\d', '\\w', '\\s', '\\S', '[ab]', '[^/]', '[a-c0-9]', '[^a\\d]', '(?:ab|c)', '(a|b)', '-');
    const part = fc.tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}')).map(([a, q]) => a + q);
    const pattern = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '/', '.', '1', '-', ' ', '\t', '\v', '\r', '\n', '_'), maxLength: 12 });
    let taken = 0;
    fc.assert(fc.property(pattern, fc.array(text, { minLength: 8, maxLength: 8 }), (source, texts) => {
      const native = toNativeRegex(source);
      if (native === null) return;
      taken++;
      const linear = RE2JS.compile(source);
      for (const input of texts) expect([source, input, native.test(input)]).toEqual([source, input, linear.testExact(input)]);
    }), { numRuns: 3000, seed: 7 });
    expect(taken).toBeGreaterThan(500);
  });

  it('matches in a bounded number of steps per byte on inputs made to backtrack', () => {
    const patterns = ['/[^/]+/[^/]+/.*x', '.*\\.(png|jpg)', '[a-z]+[0-9]+', '(a|b)?c*d', '/a+b+c+d'];
    // 400,000 characters: an accidentally quadratic pattern would not come back within the test's time limit.
    for (const pattern of patterns) {
      const native = toNativeRegex(pattern);
      expect(native).not.toBeNull();
      for (const unit of ['/', 'a', '.png', 'a/', 'c', 'abc']) expect(native?.test(`/${unit.repeat(400_000 / unit.length)}!`)).toBe(false);
    }
  });
});
