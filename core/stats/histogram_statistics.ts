/**
 * What is printed of a histogram: quantiles, bucket counts, sum. All from bin counts (histogram_bins.ts), with the same
 * arithmetic as circllhist, so that the numbers agree to the last digit. Thread: main.
 */
import { binLower, binMiddle, binWidth } from './histogram_bins.ts';
import type { BinCounts } from './stats_view.ts';

/** The quantiles that are shown: 0, 25, 50, 75, 90, 95, 99, 99.5, 99.9 and 100 percent. */
export const SHOWN_QUANTILES: readonly number[] = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1];

/** Upper bounds of the buckets of a histogram without bucket settings (milliseconds, for most). */
export const DEFAULT_BUCKETS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000,
];

export const NO_COUNTS: BinCounts = { total: 0, bins: [], counts: [] };

/**
 * Quantiles by linear interpolation within bins; NaN for each when nothing was recorded.
 * @param quantiles ascending, 0..1
 */
export function quantilesOf(histogram: BinCounts, quantiles: readonly number[] = SHOWN_QUANTILES): number[] {
  const { bins, counts, total } = histogram;
  if (total === 0) return quantiles.map(() => Number.NaN);
  let i = 0;
  let below = 0;
  let upTo = counts[0];
  return quantiles.map((quantile) => {
    const wanted = total * quantile;
    while (i < bins.length - 1 && upTo < wanted) {
      i++;
      below = upTo;
      upTo = below + counts[i];
    }
    const lower = binLower(bins[i]);
    const width = binWidth(bins[i]);
    if (wanted === below) return lower;
    if (wanted === upTo) return lower + width;
    return lower + ((wanted - below) / (upTo - below)) * width;
  });
}

/**
 * Samples per bound, counting a bin only where it lies wholly at or below the bound: a sample of exactly 5 is not in le=5
 * (its bin reaches to 5.1).
 * @param bounds ascending
 */
export function cumulativeBuckets(histogram: BinCounts, bounds: readonly number[]): number[] {
  const { bins, counts } = histogram;
  let i = 0;
  let sum = 0;
  return bounds.map((bound) => {
    while (i < bins.length && binLower(bins[i]) + binWidth(bins[i]) <= bound) sum += counts[i++];
    return sum;
  });
}

/** As cumulativeBuckets, without what the bucket before has. */
export function disjointBuckets(histogram: BinCounts, bounds: readonly number[]): number[] {
  const cumulative = cumulativeBuckets(histogram, bounds);
  return cumulative.map((count, i) => (i === 0 ? count : count - cumulative[i - 1]));
}

/** Sum of the samples, each taken as the middle of its bin. */
export function sampleSum(histogram: BinCounts): number {
  let sum = 0;
  for (let i = 0; i < histogram.bins.length; i++) sum += binMiddle(histogram.bins[i]) * histogram.counts[i];
  return sum;
}
