import { describe, expect, it } from 'vitest';
import { headerMap } from '../../test/support/header_map.ts';
import { HeaderId, HeaderNames } from './header_names.ts';
import { needsNormalization, normalizePath, type PathNormalization, PathResult } from './path_normalizer.ts';

const OFF: PathNormalization = { normalizePath: false, mergeSlashes: false, pathWithEscapedSlashesAction: 'keep_unchanged' };

function run(path: string, config: Partial<PathNormalization>): [number, string | undefined] {
  const headers = headerMap(new HeaderNames(), []);
  headers.setMethod('GET');
  headers.setPath(path);
  const result = normalizePath(headers, { ...OFF, ...config });
  return [result, headers.get(HeaderId.path)];
}

describe('path normalisation', () => {
  it.each([
    ['/a/b/../c', '/a/c'], ['/a/./b', '/a/b'], ['/../../x', '/x'], ['/a/..', '/'], ['/%41%2d', '/A-'], ['/a%2Fb', '/a%2Fb'],
    ['/a\\b', '/a/b'], ['/a/../b?x=/../y', '/b?x=/../y'], ['/a//b', '/a//b'],
  ])('normalize_path makes %s to %s', (path, expected) => {
    expect(run(path, { normalizePath: true })[1]).toBe(expected);
  });

  it('leaves a plain path as it is', () => {
    expect(run('/a/b.c?d=..', { normalizePath: true, mergeSlashes: true })).toEqual([PathResult.unchanged, '/a/b.c?d=..']);
  });

  it('merges slashes in the path only', () => {
    expect(run('//a///b?c=//d', { mergeSlashes: true })).toEqual([PathResult.changed, '/a/b?c=//d']);
  });

  it.each([
    ['reject_request', PathResult.rejected, '/a%2fb'], ['unescape_and_forward', PathResult.changed, '/a/b'], ['unescape_and_redirect', PathResult.redirect, '/a/b'],
  ] as const)('%s acts on escaped slashes', (action, result, path) => {
    expect(run('/a%2fb', { pathWithEscapedSlashesAction: action })).toEqual([result, path]);
  });

  it('is known to be off', () => {
    expect(needsNormalization(OFF)).toBe(false);
    expect(needsNormalization({ ...OFF, mergeSlashes: true })).toBe(true);
  });
});
