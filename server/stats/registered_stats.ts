/**
 * One object per stat name of the process: sums what the threads' slots hold. Thread: main.
 */
import { NO_COUNTS } from '../../core/stats/histogram_statistics.ts';
import type { HistogramUnit } from '../../core/stats/stats.ts';
import type {
  BinCounts, CounterView, GaugeView, HistogramView, StatTag, TextReadoutView,
} from '../../core/stats/stats_view.ts';
import type { TagExtractor } from '../../core/stats/tag_extractor.ts';
import { HISTOGRAM_BINS, HISTOGRAM_CHANGES } from '../../core/shared_memory/stats_layout.ts';

/** A thread that announced slots; compared by identity. */
export type StatsThread = object;

/** Name and tags. The family is kept, for sorting; the tags would take more memory than all else. */
abstract class RegisteredStat {
  readonly name: string;
  private readonly extractor: TagExtractor;
  private family: string | undefined = undefined;

  constructor(name: string, extractor: TagExtractor) {
    this.name = name;
    this.extractor = extractor;
  }

  tagExtractedName(): string {
    this.family ??= this.extractor.extract(this.name).name;
    return this.family;
  }

  tags(): readonly StatTag[] {
    return this.extractor.extract(this.name).tags;
  }
}

/** One thread's word of a counter or gauge, and the next thread's: a list costs less than arrays, and there are many. */
interface Slot {
  readonly thread: StatsThread;
  readonly segment: Float64Array;
  readonly index: number;
  next: Slot | null;
}

/** The words that hold one counter or gauge, one per thread. */
abstract class RegisteredSlots extends RegisteredStat {
  private slots: Slot | null = null;
  /** Sum of what dead threads left behind; -0 = nothing was written. */
  protected retired = -0;

  addSlot(thread: StatsThread, segment: Float64Array, index: number): void {
    this.slots = { thread, segment, index, next: this.slots };
  }

  /** Forgets a thread's word; returns its last value, -0 if there is none. */
  protected takeSlot(thread: StatsThread): number {
    let before: Slot | null = null;
    for (let slot = this.slots; slot !== null; before = slot, slot = slot.next) {
      if (slot.thread !== thread) continue;
      if (before === null) this.slots = slot.next;
      else before.next = slot.next;
      return slot.segment[slot.index];
    }
    return -0;
  }

  /** -0 + -0 is -0 and anything else is not: the sum of words says whether any was written. */
  protected sum(): number {
    let sum = this.retired;
    for (let slot = this.slots; slot !== null; slot = slot.next) sum += slot.segment[slot.index];
    return sum;
  }

  isUsed(): boolean {
    return !Object.is(this.sum(), -0);
  }
}

export class RegisteredCounter extends RegisteredSlots implements CounterView {
  readonly kind = 'counter';
  /** The sum at the last reset. */
  private resetAt = 0;
  /** The sum at the last latch. */
  private latchedAt = 0;

  value(): number {
    return this.sum() - this.resetAt;
  }

  reset(): void {
    this.resetAt = this.sum() + 0;
  }

  /** What was added since the last latch: for sinks, once per flush. */
  latch(): number {
    const sum = this.sum() + 0;
    const delta = sum - this.latchedAt;
    this.latchedAt = sum;
    return delta;
  }

  /** The thread died: its count stays in the total. */
  retire(thread: StatsThread): void {
    this.retired += this.takeSlot(thread);
  }
}

export class RegisteredGauge extends RegisteredSlots implements GaugeView {
  readonly kind = 'gauge';
  value(): number {
    return Math.max(0, this.sum() + 0);
  }

  /** The thread died: what it held is gone, but the gauge stays used. */
  retire(thread: StatsThread): void {
    if (!Object.is(this.takeSlot(thread), -0)) this.retired = 0;
  }
}

export class RegisteredText extends RegisteredStat implements TextReadoutView {
  readonly kind = 'text';
  private text = '';
  private written = false;

  set(text: string): void {
    this.text = text;
    this.written = true;
  }

  value(): string {
    return this.text;
  }

  isUsed(): boolean {
    return this.written;
  }
}

/** One thread's page of a histogram and what main has already taken from it. */
class HistogramPage {
  readonly thread: StatsThread;
  readonly words: Uint32Array;
  readonly base: number;
  /** Counts already taken; grows up to the highest bin ever seen. */
  taken: Uint32Array = new Uint32Array(0);
  changes = 0;

  constructor(thread: StatsThread, words: Uint32Array, base: number) {
    this.thread = thread;
    this.words = words;
    this.base = base;
  }

  hasChanged(): boolean {
    return this.words[this.base + HISTOGRAM_CHANGES] !== this.changes;
  }

  /** Adds what was recorded since the last call to `into` (HISTOGRAM_BINS words); widens the wrapping 32-bit counts. */
  take(into: Float64Array): void {
    this.changes = this.words[this.base + HISTOGRAM_CHANGES];
    for (let bin = 0; bin < HISTOGRAM_BINS; bin++) {
      const now = this.words[this.base + bin];
      const before = bin < this.taken.length ? this.taken[bin] : 0;
      if (now === before) continue;
      into[bin] += (now - before) >>> 0;
      if (bin >= this.taken.length) this.grow(bin + 1);
      this.taken[bin] = now;
    }
  }

  private grow(bins: number): void {
    const larger = new Uint32Array(Math.min(HISTOGRAM_BINS, Math.max(bins, this.taken.length + 64)));
    larger.set(this.taken);
    this.taken = larger;
  }
}

/** Where deltas are gathered; one is enough, merging is not interrupted within a histogram. */
const gathered = new Float64Array(HISTOGRAM_BINS);

export class RegisteredHistogram extends RegisteredStat implements HistogramView {
  readonly kind = 'histogram';
  readonly unit: HistogramUnit;
  readonly buckets: readonly number[];
  private readonly pages: HistogramPage[] = [];
  private intervalCounts: BinCounts = NO_COUNTS;
  private cumulativeCounts: BinCounts = NO_COUNTS;
  /** What died threads had recorded since the last merge. */
  private carried: BinCounts = NO_COUNTS;

  constructor(name: string, extractor: TagExtractor, unit: HistogramUnit, buckets: readonly number[]) {
    super(name, extractor);
    this.unit = unit;
    this.buckets = buckets;
  }

  addPage(thread: StatsThread, words: Uint32Array, base: number): void {
    this.pages.push(new HistogramPage(thread, words, base));
  }

  /** Starts a new interval with what all threads recorded since the last merge. Returns whether there was anything to add up. */
  merge(): boolean {
    let changed = this.carried.total > 0;
    for (const page of this.pages) changed = page.hasChanged() || changed;
    if (!changed) {
      this.intervalCounts = NO_COUNTS;
      return false;
    }
    gathered.fill(0);
    for (const page of this.pages) if (page.hasChanged()) page.take(gathered);
    addCounts(gathered, this.carried);
    this.carried = NO_COUNTS;
    this.intervalCounts = compact(gathered);
    addCounts(gathered, this.cumulativeCounts);
    this.cumulativeCounts = compact(gathered);
    return true;
  }

  /** The thread died: keeps what it recorded, for the next merge. */
  retire(thread: StatsThread): void {
    const at = this.pages.findIndex((page) => page.thread === thread);
    if (at < 0) return;
    gathered.fill(0);
    this.pages[at].take(gathered);
    addCounts(gathered, this.carried);
    this.carried = compact(gathered);
    this.pages.splice(at, 1);
  }

  interval(): BinCounts {
    return this.intervalCounts;
  }

  cumulative(): BinCounts {
    return this.cumulativeCounts;
  }

  isUsed(): boolean {
    return this.cumulativeCounts.total > 0;
  }
}

function addCounts(into: Float64Array, from: BinCounts): void {
  for (let i = 0; i < from.bins.length; i++) into[from.bins[i]] += from.counts[i];
}

function compact(dense: Float64Array): BinCounts {
  const bins: number[] = [];
  const counts: number[] = [];
  let total = 0;
  for (let bin = 0; bin < dense.length; bin++) {
    const count = dense[bin];
    if (count === 0) continue;
    bins.push(bin);
    counts.push(count);
    total += count;
  }
  return { total, bins, counts };
}
