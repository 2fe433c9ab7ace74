import { describe, expect, test } from 'vitest';
import { parseQueryParams } from './query_params.ts';

describe('query parameters', () => {
  test.each([
    ['', []],
    ['usedonly', [['usedonly', '']]],
    ['filter=a%5C.b+c&format=json&&x=', [['filter', 'a\\.b+c'], ['format', 'json'], ['x', '']]],
    ['a=b=c&bad=%zz', [['a', 'b=c'], ['bad', '%zz']]],
  ])('%j', (text, expected) => {
    expect(parseQueryParams(text).entries).toEqual(expected);
  });

  test('the first of several values counts', () => {
    const params = parseQueryParams('a=1&a=2');
    expect([params.first('a'), params.first('b'), params.has('a')]).toEqual(['1', undefined, true]);
  });
});
