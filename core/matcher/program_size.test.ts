import { describe, expect, it } from 'vitest';
import { programSize } from './program_size.ts';

/** Patterns and what Envoy 1.37 (RE2) says of their size, with `re2.max_program_size.error_level: 0`. */
const RECORDED: [pattern: string, size: number][] = [
  ['abc', 7], ['^abc', 4], ['abc$', 7], ['^abc$', 4], ['^/api/(a|b)$', 7], ['^/api/[a-z]+/x$', 8], ['^(a|b)$', 5], ['(?i)abc', 7], ['(?i)kiss', 15],
  ['\\w', 7], ['\\d+', 6], ['[a-zA-Z]', 5], ['[A-Z]', 5], ['[A-Za-y]', 6], ['.', 12], ['.*', 12], ['.+', 13], ['.?', 13], ['(?s).*', 11],
  ['[^/]', 12], ['[^/]+', 13], ['é', 6], ['[à-ü]', 6], ['a*', 5], ['(a*)*', 11], ['(a|b)*', 7], ['(ab|cd)', 10], ['(ab|cd)*', 10], ['abc|abd', 7],
  ['abc|abd|xyz', 10], ['(abc|abd|xyz)', 12], ['(?:abc|abd|xyz)', 10], ['a{3}', 7], ['a{2,4}', 10], ['a{2,}', 7], ['(a?){3}', 16], ['a??', 6],
  ['a*?', 5], ['/api/v[0-9]+/users/[^/]+/items(/.*)?', 46], ['/(foo|bar)/.*', 22], ['.*/x/.*', 23], ['.*\\.html', 17], ['/a/.*|/b/.*', 27],
  ['[^/]+/[^/]+', 23], ['\\bfoo\\b', 9], ['()', 6], ['(?m)^a$', 7], ['a|', 6], ['|a', 6], ['(a|b|c)', 7], ['[abc]', 5], ['a|b|c', 5], ['(?:aa*)', 6],
  ['(?:a*b){3}', 10], ['[[:alpha:]]', 5], ['[^a-z]', 12], ['[\\x80-\\x{10ffff}]', 10], ['[\\x00-\\x{10ffff}]', 11], ['\\S', 14], ['\\s', 7],
  ['\\W', 15], ['\\D', 12], ['x*y*z*', 9], ['(?i)[a-z]', 10], ['(?i)[k]', 8], ['(a+)+', 9], ['/users/(\\d+)(?:/posts/(\\d+))?', 27],
  ['^/[a-z0-9\\-]+/(en|de|fr)/.*$', 26], ['a.b.c', 23], ['(?P<n>a)', 7], ['\\Qa.b\\E', 7], ['[^\\n]', 12], ['a{0}', 4], ['a{0,1}', 6],
  ['(ab){0,3}', 19], ['[😀]', 8], ['[😀-😎]', 8], ['[а-я]+', 9], ['[\\x{100}-\\x{2fff}]', 10], ['(a(b(c)?)?)?', 16], ['(a|ab)(c|bcd)(d*)', 18],
  ['\\.html[A-Za-z]+$', 11], ['[0-9a-f]{4}', 12], ['b/', 6], ['^\\w+', 6], ['(a|bc|d)', 10], ['^b\\w+', 8], ['^\\w+/api', 10],
  ['[a-z]+/api(a|bc|d)(a|bc|d)[A-Za-z]+.*', 33], ['(a|bc|d)$', 10], ['^\\w+(en|de)?(?:x|yz)*[^/]*(a|bc|d)[^/]*', 39], ['^\\d+/', 5],
  ['[^/]*(foo|bar)x{2,3}', 24], ['^[a-z]+(?:x|yz)*[^/]+(/.*)?', 30], ['\\w+', 8], ['(?:x|yz)*[0-9a-f]{4}x{2,3}', 19], ['/', 5],
  ['/b(foo|bar)[A-Za-z]+(a|bc|d)[^/]*$', 30], ['[0-9a-f]{4}a[^/]*[0-9a-f]{4}[a-z]+x{2,3}$', 35], ['^(foo|bar)[^/]+\\d+\\.html\\.html(/.*)?/$', 45],
  ['[^/]+(en|de)?\\w+$', 24], ['\\.html\\d+[^/]+$', 21], ['^\\d+a(/.*)?(a|bc|d)[a-z]+(a|b)$', 28], ['^[0-9a-f]{4}x{2,3}(a|bc|d)(?:x|yz)*[^/]+', 33],
  ['[A-Za-z]+b[^/]*\\w+\\.html', 25], ['[A-Za-z]+\\.htmlb.*$', 20], ['^/api(?:x|yz)*', 7], ['^[^/]+\\w+/api[0-9a-f]{4}x{2,3}$', 32],
  ['\\.html[^/]+[A-Za-z]+(a|b)[0-9a-f]{4}', 32], ['(/.*)?', 16],
];

describe('programSize', () => {
  it.each(RECORDED)('%s is as large as in RE2', (pattern, size) => {
    expect(programSize(pattern)).toBe(size);
  });

  it('is about right where RE2 shares more', () => {
    // Repetitions that stand side by side are one in RE2; characters beyond ASCII share more bytes.
    for (const [pattern, size] of [['\\w+\\w+', 11], ['.*.', 13], ['[^\u00e9]', 21]] as const) {
      expect(programSize(pattern)).toBeGreaterThanOrEqual(size);
      expect(programSize(pattern)).toBeLessThan(size * 1.6);
    }
  });
});
