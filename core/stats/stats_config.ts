/** `bootstrap.stats_config` and the flush settings as plain data that workers get too. */
import type { StatNamePattern, StatsMatcherConfig } from './stat_name_matcher.ts';
import type { TagExtractorConfig } from './tag_extractor.ts';

export interface HistogramBucketsConfig {
  readonly match: StatNamePattern;
  /** Upper bounds, ascending, above 0. */
  readonly bounds: readonly number[];
}

export interface StatsConfig {
  /** Which stats exist; undefined = all. */
  readonly matcher: StatsMatcherConfig | undefined;
  readonly tags: TagExtractorConfig;
  /** The first entry that matches a histogram's name counts. */
  readonly buckets: readonly HistogramBucketsConfig[];
  /** Between two flushes; ignored with flushOnAdmin. */
  readonly flushIntervalMs: number;
  readonly flushOnAdmin: boolean;
}

/** What holds without any configuration. */
export const DEFAULT_STATS_CONFIG: StatsConfig = {
  matcher: undefined,
  tags: { useAllDefaultTags: true, tags: [] },
  buckets: [],
  flushIntervalMs: 5000,
  flushOnAdmin: false,
};
