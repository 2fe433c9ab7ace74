import { describe, expect, test } from 'vitest';
import { binOf } from './histogram_bins.ts';
import { cumulativeBuckets, disjointBuckets, NO_COUNTS, quantilesOf, sampleSum } from './histogram_statistics.ts';
import type { BinCounts } from './stats_view.ts';

function histogramOf(samples: readonly number[]): BinCounts {
  const counts = new Map<number, number>();
  for (const sample of samples) counts.set(binOf(sample), (counts.get(binOf(sample)) ?? 0) + 1);
  const bins = [...counts.keys()].sort((a, b) => a - b);
  return { total: samples.length, bins, counts: bins.map((bin) => counts.get(bin) ?? 0) };
}

/** `count` times each value. */
function repeated(pairs: readonly (readonly [number, number])[]): BinCounts {
  return histogramOf(pairs.flatMap(([value, count]) => new Array<number>(count).fill(value)));
}

describe('quantiles', () => {
  test('one sample of 200 spreads over its bin', () => {
    expect(quantilesOf(histogramOf([200]))).toEqual([200, 202.5, 205, 207.5, 209, 209.5, 209.9, 209.95, 209.99, 210]);
  });

  test('200 once and 300 twice', () => {
    expect(quantilesOf(histogramOf([200, 300, 300]))).toEqual([200, 207.5, 302.5, 306.25, 308.5, 309.25, 309.85, 309.925, 309.985, 310]);
  });

  test('single digits have bins of a tenth', () => {
    expect(quantilesOf(histogramOf([2]))).toEqual([2, 2.025, 2.05, 2.075, 2.09, 2.095, 2.099, 2.0995, 2.0999, 2.1]);
  });

  test('zeros have no width, and the floating-point arithmetic is that of the reference', () => {
    const zero = repeated([[0, 32], [1, 5], [2, 2], [3, 1], [4, 1]]);
    expect(quantilesOf(zero)).toEqual([0, 0, 0, 0, 1.0979999999999999, 2.0974999999999997, 4.058999999999999, 4.0795, 4.0959, 4.1]);
    expect(quantilesOf(repeated([[0, 36], [1, 2], [2, 2], [4, 1]])).slice(4, 6)).toEqual([1.045, 2.0475]);
  });

  test('nothing recorded gives NaN everywhere', () => {
    expect(quantilesOf(NO_COUNTS).every(Number.isNaN)).toBe(true);
  });
});

describe('buckets', () => {
  const samples = histogramOf([50, 20, 30, 70, 100, 5000, 200]);

  test('a sample equal to a bound is above it', () => {
    expect(cumulativeBuckets(samples, [25, 50, 100, 250, 5000, 10000])).toEqual([1, 2, 4, 6, 6, 7]);
  });

  test('disjoint buckets add up to the cumulative ones', () => {
    expect(disjointBuckets(samples, [25, 50, 100, 250, 5000, 10000])).toEqual([1, 1, 2, 2, 0, 1]);
  });

  test('zeros are in every bucket', () => {
    expect(cumulativeBuckets(histogramOf([0, 0, 1]), [0.5, 1, 5])).toEqual([2, 2, 3]);
  });

  test('the sum takes each sample as the middle of its bin', () => {
    expect(sampleSum(samples)).toBe(5532);
    expect(sampleSum(histogramOf([0]))).toBe(0);
    expect(sampleSum(repeated([[0, 32], [1, 5], [2, 2], [3, 1], [4, 1]]))).toBe(16.45);
  });
});
