import { describe, expect, test } from 'vitest';
import { HISTOGRAM_BINS } from '../shared_memory/stats_layout.ts';
import { binLower, binMiddle, binOf, binWidth } from './histogram_bins.ts';

describe('histogram bins', () => {
  const cases: readonly (readonly [number, number, number])[] = [
    [0, 0, 0], [-5, 0, 0], [Number.NaN, 0, 0], [0.9, 0, 0],
    [1, 1, 0.1], [1.9, 1, 0.1], [9, 9, 0.1], [10, 10, 1], [99, 99, 1], [99.9, 99, 1],
    [100, 100, 10], [109, 100, 10], [110, 110, 10], [999, 990, 10], [1000, 1000, 100], [5049, 5000, 100],
    [123456, 120000, 10000], [4294967295, 4200000000, 100000000],
    [999999999999, 990000000000, 10000000000],
  ];
  test.each(cases)('%d goes to the bin from %d of width %d', (value, lower, width) => {
    const bin = binOf(value);
    expect(binLower(bin)).toBe(lower);
    expect(binWidth(bin)).toBeCloseTo(width, 10);
  });

  test('values beyond the last bin go to the last bin', () => {
    for (const value of [1e12, 5e12, 1e15, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY]) expect(binOf(value)).toBe(HISTOGRAM_BINS - 1);
  });

  test('every bin contains its own lower edge and middle', () => {
    for (let bin = 0; bin < HISTOGRAM_BINS; bin++) {
      expect(binOf(binLower(bin))).toBe(bin);
      expect(binOf(binMiddle(bin))).toBe(bin);
    }
  });
});
