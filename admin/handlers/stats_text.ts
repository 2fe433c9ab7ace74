import { binLower, binWidth } from '../../core/stats/histogram_bins.ts';
import { cumulativeBuckets, disjointBuckets, quantilesOf, SHOWN_QUANTILES } from '../../core/stats/histogram_statistics.ts';
import type { BinCounts, HistogramView, StatsByName } from '../../core/stats/stats_view.ts';
import type { BodyPieces } from '../handler.ts';
import { formatG, formatShortest } from '../number_format.ts';
import type { HistogramMode, StatsParams } from './stats_params.ts';

/** One piece per stat, '' for those left out: text readouts, then counters and gauges, then histograms. */
export function* statsText(stats: StatsByName, params: StatsParams): BodyPieces {
  const { type, usedOnly, accepts } = params;
  if (params.hiddenOnly) return;
  if (type === 'All' || type === 'TextReadouts') {
    for (const stat of stats.textReadouts) {
      yield (!usedOnly || stat.isUsed()) && accepts(stat.name) ? `${stat.name}: "${stat.value()}"\n` : '';
    }
  }
  if (type === 'All' || type === 'Counters' || type === 'Gauges') {
    for (const stat of stats.values) {
      const wanted = type === 'All' || (type === 'Counters') === (stat.kind === 'counter');
      yield wanted && (!usedOnly || stat.isUsed()) && accepts(stat.name) ? `${stat.name}: ${stat.value()}\n` : '';
    }
  }
  if (type === 'All' || type === 'Histograms') {
    for (const stat of stats.histograms) {
      yield (!usedOnly || stat.isUsed()) && accepts(stat.name) ? histogramText(stat, params.histogramMode) : '';
    }
  }
}

function histogramText(histogram: HistogramView, mode: HistogramMode): string {
  if (!histogram.isUsed()) return `${histogram.name}: No recorded values\n`;
  switch (mode) {
    case 'quantiles':
    case 'summary':
      return `${histogram.name}: ${quantileSummary(histogram)}\n`;
    case 'cumulative':
      return `${histogram.name}: ${bucketSummary(histogram, cumulativeBuckets)}\n`;
    case 'disjoint':
      return `${histogram.name}: ${bucketSummary(histogram, disjointBuckets)}\n`;
    case 'detailed':
      return `${histogram.name}:\n  totals=${bins(histogram.cumulative())}\n  intervals=${bins(histogram.interval())}\n`
        + `  summary=${quantileSummary(histogram)}\n`;
  }
}

/** `P0(interval,cumulative) P25(...) ...` */
function quantileSummary(histogram: HistogramView): string {
  const interval = quantilesOf(histogram.interval());
  const cumulative = quantilesOf(histogram.cumulative());
  return SHOWN_QUANTILES
    .map((quantile, i) => `P${formatG(100 * quantile, 6)}(${formatShortest(interval[i])},${formatShortest(cumulative[i])})`)
    .join(' ');
}

/** `B0.5(interval,cumulative) B1(...) ...` */
function bucketSummary(histogram: HistogramView, count: (counts: BinCounts, bounds: readonly number[]) => number[]): string {
  const interval = count(histogram.interval(), histogram.buckets);
  const cumulative = count(histogram.cumulative(), histogram.buckets);
  return histogram.buckets.map((bound, i) => `B${formatG(bound, 6)}(${interval[i]},${cumulative[i]})`).join(' ');
}

/** `lower,width:count, ...` */
function bins(counts: BinCounts): string {
  return counts.bins.map((bin, i) => `${formatG(binLower(bin), 6)},${formatG(binWidth(bin), 6)}:${counts.counts[i]}`).join(', ');
}
