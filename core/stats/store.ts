/**
 * One thread's stats: names to slots in shared memory that only this thread writes. Names are resolved when configuration is
 * applied (or, for names such as `upstream_rq_404`, once when they first occur); recording never looks a name up.
 *
 * Each name that this thread meets for the first time is queued and announced in batches: a worker posts the batch to main,
 * main applies its own directly (server/stats/stats_registry.ts sums all threads' slots by name).
 */
import {
  createHistogramSegment, createSlotSegment, FIRST_HISTOGRAM_SEGMENT, FIRST_SLOT_SEGMENT, HISTOGRAM_WORDS,
  MAX_HISTOGRAM_SEGMENT, MAX_SLOT_SEGMENT,
} from '../shared_memory/stats_layout.ts';
import { SlotHistogram } from './slot_histogram.ts';
import { joinStatName, sanitizeStatName } from './stat_name.ts';
import { Counter, Gauge, type Histogram, type HistogramUnit, type StatsScope } from './stats.ts';

export const StatKind = { counter: 0, gauge: 1, histogram: 2 } as const;
export type StatKind = (typeof StatKind)[keyof typeof StatKind];

/** Where a thread keeps one stat. */
export interface StatDefinition {
  readonly kind: StatKind;
  readonly name: string;
  /** Id of a segment announced in this batch or earlier by the same thread. */
  readonly segment: number;
  /** First word within the segment (float64 words for counters and gauges, uint32 words for histograms). */
  readonly index: number;
  /** Histograms only; 'unspecified' otherwise. */
  readonly unit: HistogramUnit;
}

/** What a thread tells main about its stats: plain data with shared buffers, made for postMessage. */
export interface StatsAnnouncement {
  /** Segments not announced before. */
  readonly segments: readonly { readonly id: number; readonly buffer: SharedArrayBuffer }[];
  readonly stats: readonly StatDefinition[];
}

export interface StatsStoreOptions {
  /** Receives each batch of new names. */
  readonly onNewStats: (announcement: StatsAnnouncement) => void;
  /** Whether a stat of this full name exists; rejected names get a slot that nobody reads. Default: all exist. */
  readonly accepts?: (name: string) => boolean;
}

/** Stats of one thread. */
export class StatsStore {
  private readonly onNewStats: (announcement: StatsAnnouncement) => void;
  private readonly accepts: (name: string) => boolean;
  private readonly root: StatsScope;
  private readonly counters = new Map<string, Counter>();
  private readonly gauges = new Map<string, Gauge>();
  private readonly histograms = new Map<string, SlotHistogram>();
  private slots: Float64Array = new Float64Array(0);
  private slotsUsed = 0;
  private slotSegment = -1;
  private pages: Uint32Array = new Uint32Array(0);
  private pagesUsed = 0;
  private pageSegment = -1;
  private nextSegment = 0;
  private newSegments: { id: number; buffer: SharedArrayBuffer }[] = [];
  private newStats: StatDefinition[] = [];
  private announcementQueued = false;
  private readonly announceQueued: () => void;
  /** Rejected names write here. */
  private readonly scratchSlots: Float64Array = createSlotSegment(1);
  private readonly scratchPage: Uint32Array = createHistogramSegment(1);

  constructor(options: StatsStoreOptions) {
    this.onNewStats = options.onNewStats;
    this.accepts = options.accepts ?? acceptAll;
    this.root = new StoreScope(this, '');
    this.announceQueued = () => this.announce();
  }

  /** The scope with an empty prefix. */
  rootScope(): StatsScope {
    return this.root;
  }

  /** The counter with a full, sanitised name. Config-time. */
  counterNamed(name: string): Counter {
    let counter = this.counters.get(name);
    if (counter === undefined) {
      counter = this.accepts(name) ? new Counter(this.takeSlot(name, StatKind.counter), this.slotsUsed++) : new Counter(this.scratchSlots, 0);
      this.counters.set(name, counter);
    }
    return counter;
  }

  /** The gauge with a full, sanitised name. Config-time. */
  gaugeNamed(name: string): Gauge {
    let gauge = this.gauges.get(name);
    if (gauge === undefined) {
      gauge = this.accepts(name) ? new Gauge(this.takeSlot(name, StatKind.gauge), this.slotsUsed++) : new Gauge(this.scratchSlots, 0);
      this.gauges.set(name, gauge);
    }
    return gauge;
  }

  /** The histogram with a full, sanitised name; the unit of the first request counts. Config-time. */
  histogramNamed(name: string, unit: HistogramUnit): SlotHistogram {
    let histogram = this.histograms.get(name);
    if (histogram === undefined) {
      histogram = this.accepts(name) ? this.takePage(name, unit) : new SlotHistogram(this.scratchPage, 0);
      this.histograms.set(name, histogram);
    }
    return histogram;
  }

  /** Names of a kind in order of creation, rejected ones included. */
  names(kind: StatKind): string[] {
    const map = kind === StatKind.counter ? this.counters : kind === StatKind.gauge ? this.gauges : this.histograms;
    return Array.from(map.keys());
  }

  /** Sends what is queued now. Happens by itself at the end of the turn; call it where main must know at once. */
  announce(): void {
    this.announcementQueued = false;
    if (this.newStats.length === 0) return;
    const announcement = { segments: this.newSegments, stats: this.newStats };
    this.newSegments = [];
    this.newStats = [];
    this.onNewStats(announcement);
  }

  /** The segment with room for one more slot, whose index is `slotsUsed`. */
  private takeSlot(name: string, kind: StatKind): Float64Array {
    if (this.slotsUsed === this.slots.length) {
      this.slots = createSlotSegment(Math.min(MAX_SLOT_SEGMENT, Math.max(FIRST_SLOT_SEGMENT, this.slots.length * 2)));
      this.slotsUsed = 0;
      this.slotSegment = this.addSegment(this.slots);
    }
    this.queue({ kind, name, segment: this.slotSegment, index: this.slotsUsed, unit: 'unspecified' });
    return this.slots;
  }

  private takePage(name: string, unit: HistogramUnit): SlotHistogram {
    const capacity = this.pages.length / HISTOGRAM_WORDS;
    if (this.pagesUsed === capacity) {
      this.pages = createHistogramSegment(Math.min(MAX_HISTOGRAM_SEGMENT, Math.max(FIRST_HISTOGRAM_SEGMENT, capacity * 2)));
      this.pagesUsed = 0;
      this.pageSegment = this.addSegment(this.pages);
    }
    const base = this.pagesUsed++ * HISTOGRAM_WORDS;
    this.queue({ kind: StatKind.histogram, name, segment: this.pageSegment, index: base, unit });
    return new SlotHistogram(this.pages, base);
  }

  private addSegment(words: Float64Array | Uint32Array): number {
    const id = this.nextSegment++;
    // Both makers in stats_layout.ts allocate shared buffers.
    this.newSegments.push({ id, buffer: words.buffer as SharedArrayBuffer });
    return id;
  }

  private queue(definition: StatDefinition): void {
    this.newStats.push(definition);
    if (!this.announcementQueued) {
      this.announcementQueued = true;
      queueMicrotask(this.announceQueued);
    }
  }
}

/** Names below a prefix of one store. */
class StoreScope implements StatsScope {
  readonly prefix: string;
  private readonly store: StatsStore;

  constructor(store: StatsStore, prefix: string) {
    this.store = store;
    this.prefix = prefix;
  }

  counter(name: string): Counter {
    return this.store.counterNamed(joinStatName(this.prefix, sanitizeStatName(name)));
  }

  gauge(name: string): Gauge {
    return this.store.gaugeNamed(joinStatName(this.prefix, sanitizeStatName(name)));
  }

  histogram(name: string, unit: HistogramUnit): Histogram {
    return this.store.histogramNamed(joinStatName(this.prefix, sanitizeStatName(name)), unit);
  }

  scope(name: string): StatsScope {
    return new StoreScope(this.store, joinStatName(this.prefix, sanitizeStatName(name)));
  }

  rawScope(name: string): StatsScope {
    return new StoreScope(this.store, joinStatName(this.prefix, name));
  }
}

function acceptAll(): boolean {
  return true;
}
