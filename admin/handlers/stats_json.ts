import { binLower, binWidth } from '../../core/stats/histogram_bins.ts';
import { cumulativeBuckets, disjointBuckets, quantilesOf, SHOWN_QUANTILES } from '../../core/stats/histogram_statistics.ts';
import type { BinCounts, HistogramView, StatsByName } from '../../core/stats/stats_view.ts';
import type { BodyPieces } from '../handler.ts';
import { formatG } from '../number_format.ts';
import type { HistogramMode, StatsParams } from './stats_params.ts';

const PERCENTS = `[${SHOWN_QUANTILES.map((quantile) => formatG(100 * quantile, 6)).join(',')}]`;

/** Compact JSON, one piece per stat: `{"stats":[{"name":...,"value":...},...,{"histograms":...}]}`. */
export function* statsJson(stats: StatsByName, params: StatsParams): BodyPieces {
  yield '{"stats":[';
  let separator = '';
  for (const entry of valueEntries(stats, params)) {
    if (entry === '') {
      yield '';
      continue;
    }
    yield separator + entry;
    separator = ',';
  }
  yield* histogramEntries(stats, params, separator);
  yield ']}';
}

function* valueEntries(stats: StatsByName, params: StatsParams): BodyPieces {
  const { type, usedOnly, accepts } = params;
  if (params.hiddenOnly) return;
  if (type === 'All' || type === 'TextReadouts') {
    for (const stat of stats.textReadouts) {
      const wanted = (!usedOnly || stat.isUsed()) && accepts(stat.name);
      yield wanted ? `{"name":${JSON.stringify(stat.name)},"value":${JSON.stringify(stat.value())}}` : '';
    }
  }
  if (type === 'All' || type === 'Counters' || type === 'Gauges') {
    for (const stat of stats.values) {
      const wanted = (type === 'All' || (type === 'Counters') === (stat.kind === 'counter'))
        && (!usedOnly || stat.isUsed()) && accepts(stat.name);
      yield wanted ? `{"name":${JSON.stringify(stat.name)},"value":${stat.value()}}` : '';
    }
  }
}

function* histogramEntries(stats: StatsByName, params: StatsParams, before: string): BodyPieces {
  if (params.hiddenOnly || (params.type !== 'All' && params.type !== 'Histograms')) return;
  let count = 0;
  for (const stat of stats.histograms) {
    if ((params.usedOnly && !stat.isUsed()) || !params.accepts(stat.name)) {
      yield '';
      continue;
    }
    yield (count++ === 0 ? before + opening(params.histogramMode) : ',') + histogramJson(stat, params.histogramMode);
  }
  if (count > 0) yield closing(params.histogramMode);
}

function opening(mode: HistogramMode): string {
  switch (mode) {
    case 'quantiles':
    case 'summary':
      return `{"histograms":{"supported_quantiles":${PERCENTS},"computed_quantiles":[`;
    case 'detailed':
      return `{"histograms":{"supported_percentiles":${PERCENTS},"details":[`;
    case 'cumulative':
    case 'disjoint':
      return '{"histograms":[';
  }
}

function closing(mode: HistogramMode): string {
  return mode === 'cumulative' || mode === 'disjoint' ? ']}' : ']}}';
}

function histogramJson(histogram: HistogramView, mode: HistogramMode): string {
  const name = JSON.stringify(histogram.name);
  switch (mode) {
    case 'quantiles':
    case 'summary':
      return `{"name":${name},"values":${quantiles(histogram)}}`;
    case 'cumulative':
      return `{"name":${name},"buckets":${buckets(histogram, cumulativeBuckets)}}`;
    case 'disjoint':
      return `{"name":${name},"buckets":${buckets(histogram, disjointBuckets)}}`;
    case 'detailed':
      return `{"name":${name},"totals":${bins(histogram.cumulative())},"intervals":${bins(histogram.interval())},`
        + `"percentiles":${quantiles(histogram)}}`;
  }
}

/** NaN (nothing recorded) is null in JSON. */
function quantiles(histogram: HistogramView): string {
  const interval = quantilesOf(histogram.interval());
  return JSON.stringify(quantilesOf(histogram.cumulative()).map((cumulative, i) => ({ cumulative, interval: interval[i] })));
}

function buckets(histogram: HistogramView, count: (counts: BinCounts, bounds: readonly number[]) => number[]): string {
  const interval = count(histogram.interval(), histogram.buckets);
  const cumulative = count(histogram.cumulative(), histogram.buckets);
  return JSON.stringify(
    histogram.buckets.map((bound, i) => ({ upper_bound: bound, interval: interval[i], cumulative: cumulative[i] })),
  );
}

function bins(counts: BinCounts): string {
  return JSON.stringify(
    counts.bins.map((bin, i) => ({ lower_bound: binLower(bin), width: binWidth(bin), count: counts.counts[i] })),
  );
}
