/**
 * Stats that exist by name before any thread has made them: what every cluster has, shown as 0. A hundred names below one prefix
 * cost one object here; a real stat of the same name takes the place of a declared one when a thread announces it. Thread: main.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NO_COUNTS } from '../../core/stats/histogram_statistics.ts';
import { joinStatName } from '../../core/stats/stat_name.ts';
import { Counter, Gauge, type Histogram, type HistogramUnit, type StatsScope } from '../../core/stats/stats.ts';
import type { BinCounts, CounterView, GaugeView, HistogramView, StatTag } from '../../core/stats/stats_view.ts';
import type { TaggedName, TagExtractor } from '../../core/stats/tag_extractor.ts';
import { SortedList } from './sorted_list.ts';

/** Names looked at between two turns; each costs some microseconds of tag extraction. */
const NAMES_PER_TURN = 1000;

type DeclaredKind = 'counter' | 'gauge' | 'histogram';

/** What gauges below one prefix are worth now, by the rest of their name with the dot before it; those that nobody knows of are 0. */
export type DeclaredValues = (suffix: string) => number | bigint;

interface DeclaredName {
  /** With the dot before it. */
  readonly suffix: string;
  readonly kind: DeclaredKind;
  readonly unit: HistogramUnit;
  /** Shown as written (with 0) from the start. */
  readonly isUsed: boolean;
}

/** Names that come together below many prefixes. */
export class StatTemplate {
  /** Counters and gauges, by name. */
  readonly values: readonly DeclaredName[];
  readonly histograms: readonly DeclaredName[];
  readonly names: readonly DeclaredName[];

  /** `create` makes every stat in the scope it is given, as the thread that writes them will; writing 0 to one marks it as used. */
  constructor(create: (scope: StatsScope) => void) {
    const recorded = new Map<string, RecordedStat>();
    create(new RecordingScope('', recorded));
    const names = Array.from(recorded, ([suffix, { kind, unit, words }]): DeclaredName => ({ suffix, kind, unit, isUsed: !Object.is(words[0], -0) }));
    this.names = names.sort((a, b) => (a.suffix < b.suffix ? -1 : 1));
    this.values = this.names.filter((name) => name.kind !== 'histogram');
    this.histograms = this.names.filter((name) => name.kind === 'histogram');
  }
}

interface RecordedStat {
  readonly kind: DeclaredKind;
  readonly unit: HistogramUnit;
  readonly words: Float64Array;
}

class RecordingScope implements StatsScope {
  readonly prefix: string;
  private readonly recorded: Map<string, RecordedStat>;

  constructor(prefix: string, recorded: Map<string, RecordedStat>) {
    this.prefix = prefix;
    this.recorded = recorded;
  }

  counter(name: string): Counter {
    return new Counter(this.record(name, 'counter', 'unspecified'), 0);
  }

  gauge(name: string): Gauge {
    return new Gauge(this.record(name, 'gauge', 'unspecified'), 0);
  }

  histogram(name: string, unit: HistogramUnit): Histogram {
    this.record(name, 'histogram', unit);
    return { record() {} };
  }

  scope(name: string): StatsScope {
    return new RecordingScope(joinStatName(this.prefix, name), this.recorded);
  }

  rawScope(name: string): StatsScope {
    return new RecordingScope(this.prefix === '' ? name : `${this.prefix}.${name}`, this.recorded);
  }

  private record(name: string, kind: DeclaredKind, unit: HistogramUnit): Float64Array {
    const suffix = `.${joinStatName(this.prefix, name)}`;
    let stat = this.recorded.get(suffix);
    if (stat === undefined) {
      stat = { kind, unit, words: new Float64Array(1).fill(-0) };
      this.recorded.set(suffix, stat);
    }
    return stat.words;
  }
}

/** What declared stats are shown with. */
export interface DeclaredOptions {
  readonly tagExtractor: TagExtractor;
  bucketsFor(name: string): readonly number[];
  /** Whether a stat of this full name exists at all. */
  accepts(name: string): boolean;
}

/** A stat nobody has written yet. Made while it is looked at, not kept. */
abstract class DeclaredStat {
  readonly name: string;
  protected readonly declared: DeclaredName;
  protected readonly options: DeclaredOptions;
  private tagged: TaggedName | undefined = undefined;

  constructor(name: string, declared: DeclaredName, options: DeclaredOptions) {
    this.name = name;
    this.declared = declared;
    this.options = options;
  }

  isUsed(): boolean {
    return this.declared.isUsed;
  }

  tagExtractedName(): string {
    this.tagged ??= this.options.tagExtractor.extract(this.name);
    return this.tagged.name;
  }

  tags(): readonly StatTag[] {
    this.tagged ??= this.options.tagExtractor.extract(this.name);
    return this.tagged.tags;
  }
}

export class DeclaredCounter extends DeclaredStat implements CounterView {
  readonly kind = 'counter';
  value(): number {
    return 0;
  }
}

export class DeclaredGauge extends DeclaredStat implements GaugeView {
  readonly kind = 'gauge';
  private readonly values: DeclaredValues | undefined;

  constructor(name: string, declared: DeclaredName, options: DeclaredOptions, values: DeclaredValues | undefined) {
    super(name, declared, options);
    this.values = values;
  }

  value(): number | bigint {
    return this.values === undefined ? 0 : this.values(this.declared.suffix);
  }
}

export class DeclaredHistogram extends DeclaredStat implements HistogramView {
  readonly kind = 'histogram';
  get unit(): HistogramUnit {
    return this.declared.unit;
  }
  get buckets(): readonly number[] {
    return this.options.bucketsFor(this.name);
  }
  interval(): BinCounts {
    return NO_COUNTS;
  }
  cumulative(): BinCounts {
    return NO_COUNTS;
  }
}

interface Block {
  readonly prefix: string;
  /** The prefix with a dot: what all its names begin with. */
  readonly key: string;
  readonly template: StatTemplate;
  readonly values: DeclaredValues | undefined;
}

/** One family with its stats in the order of their names: number of the block * FAMILY_STRIDE + number of the name. */
interface Family {
  readonly name: string;
  readonly stats: readonly number[];
}

/** More than names in any template. */
const FAMILY_STRIDE = 4096;

type Families = Readonly<Record<DeclaredKind, readonly Family[]>>;

export class DeclaredStats {
  private readonly options: DeclaredOptions;
  private readonly blocks = new SortedList<Block>(compareBlocks);
  private readonly prefixes = new Set<string>();
  private families: { readonly blocks: readonly Block[]; readonly result: Promise<Families> } | undefined = undefined;

  constructor(options: DeclaredOptions) {
    this.options = options;
  }

  /** Every name of the template exists below this prefix from now on. A prefix keeps its first template. */
  declare(prefix: string, template: StatTemplate, values?: DeclaredValues): void {
    if (this.prefixes.has(prefix)) return;
    this.prefixes.add(prefix);
    this.blocks.add({ prefix, key: `${prefix}.`, template, values });
  }

  async values(): Promise<Iterable<DeclaredCounter | DeclaredGauge>> {
    const blocks = await this.blocks.get();
    return iterable(() => this.inBlocks(blocks, 0, blocks.length, 'values') as Generator<DeclaredCounter | DeclaredGauge>);
  }

  async histograms(): Promise<Iterable<DeclaredHistogram>> {
    const blocks = await this.blocks.get();
    return iterable(() => this.inBlocks(blocks, 0, blocks.length, 'histograms') as Generator<DeclaredHistogram>);
  }

  /** Stats of one kind by family, then name. Finding the families takes a while the first time; others get their turns meanwhile. */
  async byFamily(): Promise<{ counters: Iterable<DeclaredCounter>; gauges: Iterable<DeclaredGauge>; histograms: Iterable<DeclaredHistogram> }> {
    const blocks = await this.blocks.get();
    if (this.families?.blocks !== blocks) this.families = { blocks, result: this.findFamilies(blocks) };
    const families = await this.families.result;
    return {
      counters: iterable(() => this.inFamilies(blocks, families.counter) as Generator<DeclaredCounter>),
      gauges: iterable(() => this.inFamilies(blocks, families.gauge) as Generator<DeclaredGauge>),
      histograms: iterable(() => this.inFamilies(blocks, families.histogram) as Generator<DeclaredHistogram>),
    };
  }

  /** Names in order. Those of `cluster.a.b` lie among those of `cluster.a`: such blocks are merged. */
  private *inBlocks(blocks: readonly Block[], from: number, to: number, list: 'values' | 'histograms'): Generator<DeclaredStat> {
    for (let i = from; i < to; ) {
      const block = blocks[i];
      let end = i + 1;
      while (end < to && blocks[end].key.startsWith(block.key)) end++;
      if (end === i + 1) yield* this.inBlock(block, list);
      else yield* mergeByName([...this.inBlock(block, list)], this.inBlocks(blocks, i + 1, end, list));
      i = end;
    }
  }

  private *inBlock(block: Block, list: 'values' | 'histograms'): Generator<DeclaredStat> {
    for (const declared of block.template[list]) {
      const name = block.prefix + declared.suffix;
      if (this.options.accepts(name)) yield this.stat(name, declared, block);
    }
  }

  private *inFamilies(blocks: readonly Block[], families: readonly Family[]): Generator<DeclaredStat> {
    for (const family of families) {
      for (const id of family.stats) yield this.stat(nameOf(blocks, id), declaredOf(blocks, id), blocks[Math.floor(id / FAMILY_STRIDE)]);
    }
  }

  private stat(name: string, declared: DeclaredName, { values }: Block): DeclaredStat {
    switch (declared.kind) {
      case 'counter':
        return new DeclaredCounter(name, declared, this.options);
      case 'gauge':
        return new DeclaredGauge(name, declared, this.options, values);
      case 'histogram':
        return new DeclaredHistogram(name, declared, this.options);
    }
  }

  private async findFamilies(blocks: readonly Block[]): Promise<Families> {
    const found: Record<DeclaredKind, Map<string, number[]>> = { counter: new Map(), gauge: new Map(), histogram: new Map() };
    const most = Math.max(0, ...new Set(blocks.map((block) => block.template.names.length)));
    let looks = 0;
    for (let n = 0; n < most; n++) {
      for (let b = 0; b < blocks.length; b++) {
        const declared = blocks[b].template.names[n];
        if (declared === undefined) continue;
        if (++looks % NAMES_PER_TURN === 0) await nextTurn();
        const name = blocks[b].prefix + declared.suffix;
        if (!this.options.accepts(name)) continue;
        const family = this.options.tagExtractor.extract(name).name;
        const ids = found[declared.kind].get(family);
        if (ids === undefined) found[declared.kind].set(family, [b * FAMILY_STRIDE + n]);
        else ids.push(b * FAMILY_STRIDE + n);
      }
    }
    return {
      counter: await sortFamilies(blocks, found.counter), gauge: await sortFamilies(blocks, found.gauge), histogram: await sortFamilies(blocks, found.histogram),
    };
  }
}

/** Families by name, the stats of each by name. Mostly they are in order already. */
async function sortFamilies(blocks: readonly Block[], found: ReadonlyMap<string, readonly number[]>): Promise<Family[]> {
  const families: Family[] = [];
  for (const [name, ids] of found) {
    let isSorted = true;
    for (let i = 1; i < ids.length && isSorted; i++) {
      if (i % NAMES_PER_TURN === 0) await nextTurn();
      isSorted = nameOf(blocks, ids[i - 1]) < nameOf(blocks, ids[i]);
    }
    if (isSorted) {
      families.push({ name, stats: ids });
      continue;
    }
    const list = new SortedList<number>((a, b) => (nameOf(blocks, a) < nameOf(blocks, b) ? -1 : 1));
    for (const id of ids) list.add(id);
    families.push({ name, stats: await list.get() });
  }
  return families.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Two lists in the same order as one; of two stats with one name the one of `first` is taken.
 * `isBefore` compares stats of different names.
 */
export function* mergeStats<A extends { readonly name: string }, B extends { readonly name: string }>(
  first: Iterable<A>, second: Iterable<B>, isBefore: (a: A, b: B) => boolean,
): Generator<A | B> {
  const others = second[Symbol.iterator]();
  let other = others.next();
  for (const item of first) {
    while (other.done !== true && other.value.name !== item.name && !isBefore(item, other.value)) {
      yield other.value;
      other = others.next();
    }
    if (other.done !== true && other.value.name === item.name) other = others.next();
    yield item;
  }
  while (other.done !== true) {
    yield other.value;
    other = others.next();
  }
}

function mergeByName(first: readonly DeclaredStat[], second: Iterable<DeclaredStat>): Generator<DeclaredStat> {
  return mergeStats(first, second, (a, b) => a.name < b.name);
}

/** Can be gone through again and again. */
function iterable<T>(begin: () => Iterator<T>): Iterable<T> {
  return { [Symbol.iterator]: begin };
}

function nameOf(blocks: readonly Block[], id: number): string {
  return blocks[Math.floor(id / FAMILY_STRIDE)].prefix + declaredOf(blocks, id).suffix;
}

function declaredOf(blocks: readonly Block[], id: number): DeclaredName {
  return blocks[Math.floor(id / FAMILY_STRIDE)].template.names[id % FAMILY_STRIDE];
}

function compareBlocks(a: Block, b: Block): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
