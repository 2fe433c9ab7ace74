/**
 * All stats of the process by name: every thread announces its slots here, readers get sums. Thread: main.
 *
 *     worker: StatsStore --announcement (postMessage)--> connectThread().apply(announcement)
 *     main:   StatsStore --announcement (direct)-------> connectThread().apply(announcement)
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StatKind, type StatDefinition, type StatsAnnouncement } from '../../core/stats/store.ts';
import type { StatsByFamily, StatsByName, StatsView, StatView } from '../../core/stats/stats_view.ts';
import type { TagExtractor } from '../../core/stats/tag_extractor.ts';
import { RecentLookups } from './recent_lookups.ts';
import { DeclaredStats, type DeclaredValues, mergeStats, type StatTemplate } from './declared_stats.ts';
import type { EndpointStats } from './endpoint_stats.ts';
import { RegisteredCounter, RegisteredGauge, RegisteredHistogram, RegisteredText } from './registered_stats.ts';
import { SortedList } from './sorted_list.ts';

/** Histograms with something new that are added up between two turns: about 20 us each. */
const MERGES_PER_TURN = 200;
/** Histograms looked at between two turns. */
const LOOKS_PER_TURN = 10000;

const NO_ENDPOINTS = Object.freeze({ counters: [], gauges: [] });

/** One thread's announcements. */
export interface ThreadStats {
  /** Takes in a batch of new names. */
  apply(announcement: StatsAnnouncement): void;
  /** The thread is gone: its counts stay in the totals, its gauges do not. */
  disconnect(): void;
}

export interface StatsRegistryOptions {
  readonly tagExtractor: TagExtractor;
  /** Upper bounds of the buckets a histogram of this name is shown with. */
  bucketsFor(name: string): readonly number[];
  /** Whether a declared stat of this full name exists; threads ask by themselves. Default: all do. */
  readonly accepts?: (name: string) => boolean;
}

export class StatsRegistry implements StatsView {
  readonly recentLookups = new RecentLookups();
  private readonly options: StatsRegistryOptions;
  private readonly counters = new Map<string, RegisteredCounter>();
  private readonly gauges = new Map<string, RegisteredGauge>();
  private readonly histograms = new Map<string, RegisteredHistogram>();
  private readonly texts = new Map<string, RegisteredText>();
  private readonly byNameLists = {
    values: new SortedList<RegisteredCounter | RegisteredGauge>(compareNames),
    histograms: new SortedList<RegisteredHistogram>(compareNames),
    textReadouts: new SortedList<RegisteredText>(compareNames),
  };
  private readonly byFamilyLists = {
    counters: new SortedList<RegisteredCounter>(compareFamilies),
    gauges: new SortedList<RegisteredGauge>(compareFamilies),
    histograms: new SortedList<RegisteredHistogram>(compareFamilies),
    textReadouts: new SortedList<RegisteredText>(compareFamilies),
  };
  private readonly declared: DeclaredStats;
  private merging = false;
  /** Stats of single hosts; null until there are clusters. */
  endpoints: EndpointStats | null = null;

  constructor(options: StatsRegistryOptions) {
    this.options = options;
    const { tagExtractor, accepts } = options;
    this.declared = new DeclaredStats({ tagExtractor, bucketsFor: (name) => options.bucketsFor(name), accepts: accepts ?? (() => true) });
  }

  /** Shows every name of a template below a prefix, as 0 (gauges: as `values` says) until a thread announces a stat of that name. */
  declare(prefix: string, template: StatTemplate, values?: DeclaredValues): void {
    this.declared.declare(prefix, template, values);
  }

  /** Takes in a thread. A restarted worker connects anew. */
  connectThread(): ThreadStats {
    return new ConnectedThread(this);
  }

  /** The text readout of a full name, made on first use. */
  textReadout(name: string): RegisteredText {
    let text = this.texts.get(name);
    if (text === undefined) {
      text = new RegisteredText(name, this.options.tagExtractor);
      this.texts.set(name, text);
      this.byNameLists.textReadouts.add(text);
      this.byFamilyLists.textReadouts.add(text);
    }
    return text;
  }

  counter(name: string): RegisteredCounter {
    let counter = this.counters.get(name);
    if (counter === undefined) {
      counter = new RegisteredCounter(name, this.options.tagExtractor);
      this.counters.set(name, counter);
      this.byNameLists.values.add(counter);
      this.byFamilyLists.counters.add(counter);
    }
    return counter;
  }

  gauge(name: string): RegisteredGauge {
    let gauge = this.gauges.get(name);
    if (gauge === undefined) {
      gauge = new RegisteredGauge(name, this.options.tagExtractor);
      this.gauges.set(name, gauge);
      this.byNameLists.values.add(gauge);
      this.byFamilyLists.gauges.add(gauge);
    }
    return gauge;
  }

  histogram(definition: StatDefinition): RegisteredHistogram {
    let histogram = this.histograms.get(definition.name);
    if (histogram === undefined) {
      const { name, unit } = definition;
      histogram = new RegisteredHistogram(name, this.options.tagExtractor, unit, this.options.bucketsFor(name));
      this.histograms.set(name, histogram);
      this.byNameLists.histograms.add(histogram);
      this.byFamilyLists.histograms.add(histogram);
    }
    return histogram;
  }

  /** The sum of a counter or gauge of this name, for code that needs one number (total connections); undefined = unknown. */
  valueOf(name: string): number | undefined {
    return this.counters.get(name)?.value() ?? this.gauges.get(name)?.value();
  }

  /** Gauges whose names a predicate accepts, added up. Looks at every gauge. */
  sumOfGauges(accepts: (name: string) => boolean): number {
    let sum = 0;
    for (const gauge of this.gauges.values()) if (accepts(gauge.name)) sum += gauge.value();
    return sum;
  }

  /**
   * Begins a new interval of all histograms, in slices between turns.
   * @returns false when a merge was still running and nothing was done
   */
  async mergeHistograms(): Promise<boolean> {
    if (this.merging) return false;
    this.merging = true;
    try {
      let looks = 0;
      let merges = 0;
      for (const histogram of this.histograms.values()) {
        if (histogram.merge()) merges++;
        if (++looks < LOOKS_PER_TURN && merges < MERGES_PER_TURN) continue;
        looks = 0;
        merges = 0;
        await nextTurn();
      }
    } finally {
      this.merging = false;
    }
    return true;
  }

  async byName(): Promise<StatsByName> {
    const lists = this.byNameLists;
    return {
      values: joined(merged(await lists.values.get(), await this.declared.values(), isNameBefore), this.endpoints?.all() ?? []),
      histograms: merged(await lists.histograms.get(), await this.declared.histograms(), isNameBefore),
      textReadouts: await lists.textReadouts.get(),
    };
  }

  async byFamily(): Promise<StatsByFamily> {
    const lists = this.byFamilyLists;
    const declared = await this.declared.byFamily();
    return {
      counters: merged(await lists.counters.get(), declared.counters, isFamilyBefore),
      gauges: merged(await lists.gauges.get(), declared.gauges, isFamilyBefore),
      histograms: merged(await lists.histograms.get(), declared.histograms, isFamilyBefore),
      textReadouts: await lists.textReadouts.get(),
      endpoints: (await this.endpoints?.byFamily()) ?? NO_ENDPOINTS,
    };
  }

  /** Every counter counts from 0 again; the threads' words are left alone (they have one writer). */
  resetCounters(): void {
    for (const counter of this.counters.values()) counter.reset();
    this.recentLookups.clear();
  }
}

/** A thread and the segments it has announced. */
class ConnectedThread implements ThreadStats {
  private readonly registry: StatsRegistry;
  private readonly segments = new Map<number, SharedArrayBuffer>();
  private readonly slotViews = new Map<number, Float64Array>();
  private readonly pageViews = new Map<number, Uint32Array>();
  private readonly stats: (RegisteredCounter | RegisteredGauge | RegisteredHistogram)[] = [];

  constructor(registry: StatsRegistry) {
    this.registry = registry;
  }

  apply(announcement: StatsAnnouncement): void {
    for (const segment of announcement.segments) this.segments.set(segment.id, segment.buffer);
    for (const definition of announcement.stats) this.addStat(definition);
  }

  disconnect(): void {
    for (const stat of this.stats) stat.retire(this);
    this.stats.length = 0;
    this.segments.clear();
    this.slotViews.clear();
    this.pageViews.clear();
  }

  private addStat(definition: StatDefinition): void {
    this.registry.recentLookups.note(definition.name);
    if (definition.kind === StatKind.histogram) {
      const histogram = this.registry.histogram(definition);
      histogram.addPage(this, this.pages(definition.segment), definition.index);
      this.stats.push(histogram);
      return;
    }
    const isCounter = definition.kind === StatKind.counter;
    const stat = isCounter ? this.registry.counter(definition.name) : this.registry.gauge(definition.name);
    stat.addSlot(this, this.slots(definition.segment), definition.index);
    this.stats.push(stat);
  }

  private slots(id: number): Float64Array {
    let view = this.slotViews.get(id);
    if (view === undefined) {
      view = new Float64Array(this.segment(id));
      this.slotViews.set(id, view);
    }
    return view;
  }

  private pages(id: number): Uint32Array {
    let view = this.pageViews.get(id);
    if (view === undefined) {
      view = new Uint32Array(this.segment(id));
      this.pageViews.set(id, view);
    }
    return view;
  }

  private segment(id: number): SharedArrayBuffer {
    const segment = this.segments.get(id);
    if (segment === undefined) throw new Error(`stats segment ${id} was never announced`);
    return segment;
  }
}

function merged<A extends StatView, B extends StatView>(registered: readonly A[], declared: Iterable<B>, isBefore: (a: A, b: B) => boolean): Iterable<A | B> {
  return { [Symbol.iterator]: () => mergeStats(registered, declared, isBefore) };
}

function joined<Item>(first: Iterable<Item>, second: Iterable<Item>): Iterable<Item> {
  return {
    *[Symbol.iterator]() {
      yield* first;
      yield* second;
    },
  };
}

function isNameBefore(a: StatView, b: StatView): boolean {
  return a.name < b.name;
}

function isFamilyBefore(a: StatView, b: StatView): boolean {
  return compareFamilies(a, b) < 0;
}

function compareNames(a: StatView, b: StatView): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function compareFamilies(a: StatView, b: StatView): number {
  const left = a.tagExtractedName();
  const right = b.tagExtractedName();
  return left < right ? -1 : left > right ? 1 : compareNames(a, b);
}
