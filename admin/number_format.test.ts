import { describe, expect, test } from 'vitest';
import { formatG, formatShortest } from './number_format.ts';

describe('numbers', () => {
  test.each([
    [0.5, 6, '0.5'], [1, 6, '1'], [300000, 6, '300000'], [1800000, 6, '1.8e+06'], [3600000, 6, '3.6e+06'], [99.5, 6, '99.5'],
    [99.9, 6, '99.9'], [0.1, 6, '0.1'], [0.00001, 6, '1e-05'], [0, 6, '0'], [10000000000, 6, '1e+10'],
    [1800000, 32, '1800000'], [2.05, 32, '2.049999999999999822364316059975'], [16.45, 32, '16.4499999999999992894572642399'],
    [7.025, 32, '7.0250000000000003552713678800501'], [5532, 32, '5532'], [Number.NaN, 32, 'nan'], [Number.POSITIVE_INFINITY, 6, 'inf'],
  ])('%d with %d digits is %s', (value, digits, expected) => {
    expect(formatG(value, digits)).toBe(expected);
  });

  test('the shortest text that reads back the same', () => {
    expect([1.0979999999999999, 310, Number.NaN].map(formatShortest)).toEqual(['1.0979999999999999', '310', 'nan']);
  });
});
