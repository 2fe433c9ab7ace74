import type { Counter, Gauge, Histogram, HistogramUnit, StatsScope } from './stats.ts';

/** Names of stats that belong together, below one prefix. */
export interface StatGroupNames<C extends string, G extends string, H extends string> {
  readonly counters: readonly C[];
  readonly gauges: readonly G[];
  readonly histograms: Readonly<Record<H, HistogramUnit>>;
}

/** A group with every stat as a field named like the stat. */
export type StatGroup<C extends string, G extends string, H extends string> =
  Readonly<Record<C, Counter> & Record<G, Gauge> & Record<H, Histogram>>;

/** Makes all stats of a group. Config-time. The result has one shape per group. */
export function createStatGroup<C extends string, G extends string, H extends string>(
  scope: StatsScope,
  names: StatGroupNames<C, G, H>,
): StatGroup<C, G, H> {
  const group: Record<string, Counter | Gauge | Histogram> = {};
  for (const name of names.counters) group[name] = scope.counter(name);
  for (const name of names.gauges) group[name] = scope.gauge(name);
  for (const name of Object.keys(names.histograms) as H[]) group[name] = scope.histogram(name, names.histograms[name]);
  // Every name of the three lists was just set to a stat of its kind.
  return group as StatGroup<C, G, H>;
}
