/**
 * Bins of the log-linear histogram with two significant digits (circllhist) for non-negative integers:
 *
 *     bin 0          the value 0 (width 0)
 *     bin 1..9       1..9, each [v, v + 0.1): two digits mean 1.0, 2.0, ...
 *     bin 10..99     10..99, each [v, v + 1)
 *     bin 100 + 90 d + m - 10   the values m * 10^(d+1) up to (m + 1) * 10^(d+1), for m = 10..99 and d = 0, 1, ...
 *
 * so every bin is what circllhist would have chosen, and quantiles and sums come out the same.
 */
import { HISTOGRAM_BINS } from '../shared_memory/stats_layout.ts';

const LAST_BIN = HISTOGRAM_BINS - 1;

/** The bin of a value: fractions are cut off, negative values and NaN go to bin 0, values of 10^12 and more to the last bin. */
export function binOf(value: number): number {
  if (value < 100) return value >= 1 ? value | 0 : 0;
  let scale = 10;
  let first = 90;
  while (value >= scale * 100) {
    scale *= 10;
    first += 90;
    if (first > LAST_BIN - 99) return LAST_BIN;
  }
  // NaN arrives here too: it fails every comparison above and floors to NaN.
  return value >= 100 ? first + Math.floor(value / scale) : 0;
}

/** Lower edge of each bin. */
const lowerEdges = new Float64Array(HISTOGRAM_BINS);
/** Width of each bin. */
const widths = new Float64Array(HISTOGRAM_BINS);
for (let bin = 0; bin < HISTOGRAM_BINS; bin++) {
  if (bin < 100) {
    lowerEdges[bin] = bin;
    widths[bin] = bin === 0 ? 0 : bin < 10 ? 0.1 : 1;
  } else {
    const decade = Math.floor((bin - 100) / 90) + 1;
    lowerEdges[bin] = (((bin - 100) % 90) + 10) * 10 ** decade;
    widths[bin] = 10 ** decade;
  }
}

/** Lower edge of a bin, inclusive. */
export function binLower(bin: number): number {
  return lowerEdges[bin];
}

/** Width of a bin; 0 for the bin of value 0. */
export function binWidth(bin: number): number {
  return widths[bin];
}

/** What a sample of this bin adds to the sum: the middle of the bin. */
export function binMiddle(bin: number): number {
  return lowerEdges[bin] + widths[bin] / 2;
}
