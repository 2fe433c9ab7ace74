import { describe, expect, it } from 'vitest';
import { Regex } from '../matcher/regex.ts';
import { bindRewrite, compileTemplate, parseTemplateRewrite } from './uri_template.ts';

describe('compileTemplate', () => {
  it.each<[string, string, boolean]>([
    ['/a/{b}', '/a/x', true], ['/a/{b}', '/a/', false], ['/a/{b}', '/a/x/y', false], ['/*/b', '/x/b', true], ['/**', '/', true], ['/**', '/a/b', true],
    ['/a/**.mpd', '/a/b/c.mpd', true], ['/a/**.mpd', '/a/b/cxmpd', false], ['/{v=a/*}/c', '/a/x/c', true], ['/{v=a/*}/c', '/b/x/c', false], ['/a/', '/a/', true], ['/a/', '/a', false],
    ['/', '/', true], ['/x{y}', '/x{y}', false],
  ])('%s against %s: %s', (template, path, expected) => {
    let regex: Regex | null = null;
    try {
      regex = new Regex(compileTemplate(template).regex);
    } catch {
      // A brace in a literal makes no template: nothing matches.
    }
    expect(regex?.matches(path) ?? false).toBe(expected);
  });

  it.each([
    ['a', 'Invalid pattern: "a"'], ['/a b', 'Invalid pattern: "/a b"'], ['/a/{b}x/c', 'Prefix match not supported.'], ['/{b=}', 'Empty variable match'],
    ['/{b=/x}', 'Invalid literal: ""'], ['/{b=x/}', 'Invalid variable match: "/"'], ['/{b=*x}', 'Invalid variable match: "x"'], ['/{a=***}', 'Invalid variable match: "*"'],
    ['/{b=**/*}', 'Glob after text glob.'], ['/**/{c}', 'Implicit variable path glob after text glob.'], ['/{b=**}/{c}', 'Implicit variable path glob after text glob.'],
    ['/{1}', 'Invalid variable name: "1"'], ['/{', 'Invalid variable: "{"'], ['/{b', 'Unmatched variable bracket in "{b"'], ['/a//b', 'Invalid literal: ""'], ['/{a}{b}', 'Invalid literal: "{b}"'],
    ['/{abcdefghijklmnopq}', 'Invalid variable name length (length of "abcdefghijklmnopq" should be at least 1 and no more than 16)'],
    ['/{a}/{b}/{c}/{d}/{e}/{f}', 'Exceeded variable count limit (5)'], ['/{a}/{a}', 'Repeated variable name: "a"'],
  ])('%s: %s', (template, reason) => {
    expect(() => compileTemplate(template)).toThrow(reason);
  });
});

describe('rewrites', () => {
  it.each([
    ['/{b}/x-{a}.ts', '/{a}/{b}', ['/', 2, '/x-', 1, '.ts']],
    ['/same', '/{a}', ['/same']],
    ['/{c}', '/{a}', null],
  ])('%s of %s', (rewrite, template, parts) => {
    expect(bindRewrite(rewrite, template)).toEqual(parts);
  });

  it.each([['x', 'Invalid rewrite variable placement'], ['/a//b', 'Invalid rewrite literal'], ['/{a', 'Unmatched variable bracket'], ['/{1}', 'Invalid variable name'], ['/a b', 'Invalid rewrite literal pattern']])('%s: %s', (rewrite, reason) => {
    expect(() => parseTemplateRewrite(rewrite)).toThrow(reason);
  });
});
