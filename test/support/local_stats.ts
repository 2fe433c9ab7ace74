/** Stats of one thread for tests: a real store whose numbers can be read back by name. */
import { StatKind, StatsStore } from '../../core/stats/store.ts';
import type { StatsScope } from '../../core/stats/stats.ts';

export interface LocalStats {
  readonly store: StatsStore;
  /** The scope with an empty prefix. */
  readonly scope: StatsScope;
  /** Value of a counter or gauge, number of records of a histogram; undefined when the name was never created. */
  value(name: string): number | undefined;
  /** All names created so far, sorted. */
  names(): string[];
}

/** A store with nobody listening. */
export function createLocalStats(): LocalStats {
  const store = new StatsStore({ onNewStats: () => {} });
  const has = (kind: StatKind, name: string) => store.names(kind).includes(name);
  return {
    store,
    scope: store.rootScope(),
    value(name) {
      // "+ 0" turns the -0 of a slot never written into 0.
      if (has(StatKind.counter, name)) return store.counterNamed(name).value() + 0;
      if (has(StatKind.gauge, name)) return store.gaugeNamed(name).value() + 0;
      if (has(StatKind.histogram, name)) return store.histogramNamed(name, 'unspecified').recordCount();
      return undefined;
    },
    names() {
      return [StatKind.counter, StatKind.gauge, StatKind.histogram].flatMap((kind) => store.names(kind)).sort();
    },
  };
}
