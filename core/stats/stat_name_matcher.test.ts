import { describe, expect, test } from 'vitest';
import { compileStatsMatcher, type StatNamePattern } from './stat_name_matcher.ts';

const pattern = (kind: StatNamePattern['kind'], value: string, ignoreCase = false): StatNamePattern => ({ kind, value, ignoreCase });

describe('stats matcher', () => {
  test('without configuration everything exists', () => {
    expect(compileStatsMatcher(undefined)('anything')).toBe(true);
  });

  test('rejectAll leaves nothing', () => {
    expect(compileStatsMatcher({ kind: 'rejectAll' })('anything')).toBe(false);
  });

  test('an inclusion list keeps what any pattern matches', () => {
    const accepts = compileStatsMatcher({ kind: 'include', patterns: [pattern('prefix', 'cluster.'), pattern('suffix', '_total')] });
    expect(['cluster.a.x', 'http.p.rq_total', 'http.p.rq_active'].map(accepts)).toEqual([true, true, false]);
  });

  test('an exclusion list keeps the rest', () => {
    const accepts = compileStatsMatcher({ kind: 'exclude', patterns: [pattern('contains', '.SSL.', true), pattern('exact', 'a')] });
    expect(['listener.x.ssl.y', 'a', 'ab'].map(accepts)).toEqual([false, false, true]);
  });

  test('a regex must match the whole name', () => {
    const accepts = compileStatsMatcher({ kind: 'include', patterns: [pattern('regex', 'http\\..*rq')] });
    expect(['http.a.rq', 'http.a.rq_total', 'xhttp.a.rq'].map(accepts)).toEqual([true, false, false]);
  });
});
