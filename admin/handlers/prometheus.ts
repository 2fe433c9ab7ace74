/**
 * Stats in the Prometheus text format. Families come in the order of their tag-extracted names; within a family, stats in the
 * order of their full names; label order is the order of extraction.
 */
import { cumulativeBuckets, quantilesOf, sampleSum, SHOWN_QUANTILES } from '../../core/stats/histogram_statistics.ts';
import type { HistogramView, StatsByFamily, StatTag, StatView } from '../../core/stats/stats_view.ts';
import type { BodyPieces } from '../handler.ts';
import { formatG } from '../number_format.ts';
import type { StatsParams } from './stats_params.ts';

/** Digits enough to print every float64 exactly as far as it is read. */
const DIGITS = 32;

/** One piece per stat, '' for those left out: counters, gauges, text readouts (where asked for), histograms. */
export function* prometheusText(stats: StatsByFamily, params: StatsParams): BodyPieces {
  yield* families(stats.counters, 'counter', params, (stat, name, labels) => `${name}{${labels}} ${stat.value()}\n`);
  yield* families(stats.gauges, 'gauge', params, (stat, name, labels) => `${name}{${labels}} ${stat.value()}\n`);
  if (params.textReadouts) {
    yield* families(stats.textReadouts, 'gauge', params, (stat, name, labels) => {
      const value = `text_value="${escapeLabel(stat.value())}"`;
      return `${name}{${labels === '' ? value : `${labels},${value}`}} 0\n`;
    });
  }
  if (params.histogramMode === 'summary') yield* families(stats.histograms, 'summary', params, summaryText);
  else yield* families(stats.histograms, 'histogram', params, histogramText);
  yield* families(stats.endpoints.counters, 'counter', params, (stat, name, labels) => `${name}{${labels}} ${stat.value()}\n`);
  yield* families(stats.endpoints.gauges, 'gauge', params, (stat, name, labels) => `${name}{${labels}} ${stat.value()}\n`);
}

/** `envoy_` and the name with every character outside [a-zA-Z0-9_] replaced. */
export function prometheusName(tagExtractedName: string): string {
  return `envoy_${sanitize(tagExtractedName)}`;
}

/** `key="value",...` */
export function prometheusLabels(tags: readonly StatTag[]): string {
  return tags.map((tag) => `${sanitize(tag.name)}="${escapeLabel(tag.value)}"`).join(',');
}

function* families<Stat extends StatView>(
  stats: Iterable<Stat>,
  type: string,
  params: StatsParams,
  render: (stat: Stat, name: string, labels: string) => string,
): BodyPieces {
  let family = '';
  for (const stat of stats) {
    if (params.hiddenOnly || (params.usedOnly && !stat.isUsed()) || !params.accepts(stat.name)) {
      yield '';
      continue;
    }
    const name = prometheusName(stat.tagExtractedName());
    const text = render(stat, name, prometheusLabels(stat.tags()));
    yield name === family ? text : `# TYPE ${name} ${type}\n${text}`;
    family = name;
  }
}

function histogramText(histogram: HistogramView, name: string, labels: string): string {
  const counts = histogram.cumulative();
  const before = labels === '' ? '' : `${labels},`;
  const below = cumulativeBuckets(counts, histogram.buckets);
  let text = '';
  for (let i = 0; i < histogram.buckets.length; i++) {
    text += `${name}_bucket{${before}le="${formatG(histogram.buckets[i], DIGITS)}"} ${below[i]}\n`;
  }
  return `${text}${name}_bucket{${before}le="+Inf"} ${counts.total}\n`
    + `${name}_sum{${labels}} ${formatG(sampleSum(counts), DIGITS)}\n${name}_count{${labels}} ${counts.total}\n`;
}

/** All of the last interval: quantiles cannot be added up over time. */
function summaryText(histogram: HistogramView, name: string, labels: string): string {
  const before = labels === '' ? '' : `${labels},`;
  const counts = histogram.interval();
  const quantiles = quantilesOf(counts);
  let text = '';
  for (let i = 0; i < quantiles.length; i++) {
    text += `${name}{${before}quantile="${SHOWN_QUANTILES[i]}"} ${formatG(quantiles[i], DIGITS)}\n`;
  }
  return `${text}${name}_sum{${labels}} ${formatG(sampleSum(counts), DIGITS)}\n${name}_count{${labels}} ${counts.total}\n`;
}

function sanitize(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_');
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
