import { DEFAULT_BUCKETS } from '../../core/stats/histogram_statistics.ts';
import { compileStatNamePattern, compileStatsMatcher } from '../../core/stats/stat_name_matcher.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import type { StatsConfig } from '../../core/stats/stats_config.ts';
import { StatsStore } from '../../core/stats/store.ts';
import type { StatTag } from '../../core/stats/stats_view.ts';
import { TagExtractor } from '../../core/stats/tag_extractor.ts';
import { StatsRegistry } from './stats_registry.ts';

/** The stats of the main thread: its own store, and the registry in which all threads meet. */
export interface MainStats {
  readonly registry: StatsRegistry;
  readonly store: StatsStore;
  /** Root scope of main's own stats. */
  readonly scope: StatsScope;
  /** Tags of all stats, whatever their names. */
  readonly fixedTags: readonly StatTag[];
}

/** Builds both from checked configuration. */
export function createMainStats(config: StatsConfig): MainStats {
  const buckets = config.buckets.map(({ match, bounds }) => ({ matches: compileStatNamePattern(match), bounds }));
  const accepts = compileStatsMatcher(config.matcher);
  const registry = new StatsRegistry({
    tagExtractor: new TagExtractor(config.tags),
    bucketsFor: (name) => buckets.find((entry) => entry.matches(name))?.bounds ?? DEFAULT_BUCKETS,
    accepts,
  });
  const thread = registry.connectThread();
  const store = new StatsStore({
    onNewStats: (announcement) => thread.apply(announcement),
    accepts,
  });
  const fixedTags = config.tags.tags.flatMap((tag) => (tag.kind === 'fixed' ? [{ name: tag.tagName, value: tag.value }] : []));
  return { registry, store, scope: store.rootScope(), fixedTags };
}
