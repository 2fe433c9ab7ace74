/**
 * What readers (admin, sinks) see of all threads' stats together. Thread: main.
 */
import type { HistogramUnit } from './stats.ts';

/** A tag pulled out of a stat name. */
export interface StatTag {
  readonly name: string;
  readonly value: string;
}

interface NamedStat {
  readonly name: string;
  /** Written at least once on any thread. */
  isUsed(): boolean;
  /** The name without its tags. */
  tagExtractedName(): string;
  /** In order of extraction. Some microseconds, each time. */
  tags(): readonly StatTag[];
}

export interface CounterView extends NamedStat {
  readonly kind: 'counter';
  /** Total over all threads, dead workers included, since start or the last reset. */
  value(): number;
}

export interface GaugeView extends NamedStat {
  readonly kind: 'gauge';
  /** Sum over the living threads, not below 0; a bigint where a number would not be exact. */
  value(): number | bigint;
}

export interface TextReadoutView extends NamedStat {
  readonly kind: 'text';
  value(): string;
}

/** Counts per bin (histogram_bins.ts): bins with a count only, ascending. */
export interface BinCounts {
  /** Samples in all bins. */
  readonly total: number;
  readonly bins: readonly number[];
  readonly counts: readonly number[];
}

/** A histogram as of the last flush. */
export interface HistogramView extends NamedStat {
  readonly kind: 'histogram';
  readonly unit: HistogramUnit;
  /** Upper bounds of the buckets this histogram is shown with, ascending. */
  readonly buckets: readonly number[];
  /** What was recorded between the last two flushes. */
  interval(): BinCounts;
  /** Everything recorded since start. */
  cumulative(): BinCounts;
}

export type StatView = CounterView | GaugeView | TextReadoutView | HistogramView;

/** Stats by full name. Those that nobody has written yet are made while they are looked at. */
export interface StatsByName {
  /** Counters and gauges together; behind them those of single hosts, host by host. */
  readonly values: Iterable<CounterView | GaugeView>;
  readonly histograms: Iterable<HistogramView>;
  readonly textReadouts: Iterable<TextReadoutView>;
}

/** Stats by tag-extracted name, then full name: families are neighbours. */
export interface StatsByFamily {
  readonly counters: Iterable<CounterView>;
  readonly gauges: Iterable<GaugeView>;
  readonly histograms: Iterable<HistogramView>;
  readonly textReadouts: Iterable<TextReadoutView>;
  /** Those of single hosts. */
  readonly endpoints: { readonly counters: Iterable<CounterView>; readonly gauges: Iterable<GaugeView> };
}

/** Which stat names threads resolved of late. */
export interface RecentLookupsView {
  readonly isEnabled: boolean;
  /** Names resolved since start or the last `clear`, tracked or not. */
  readonly total: number;
  enable(isOn: boolean): void;
  clear(): void;
  /** Most often first, then by name; none while it is off. */
  entries(): readonly (readonly [name: string, count: number])[];
}

/** All stats of the process. Sorting happens in slices between turns; what is handed out never gains or loses a stat. */
export interface StatsView {
  byName(): Promise<StatsByName>;
  byFamily(): Promise<StatsByFamily>;
  readonly recentLookups: RecentLookupsView;
  /** Counters start from 0 again, and recent lookups are forgotten. */
  resetCounters(): void;
}
