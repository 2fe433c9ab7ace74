import { setImmediate as nextTurn } from 'node:timers/promises';

/** Items sorted or moved between two turns: about a millisecond of string comparisons. */
const RUN = 512;
const MOVES_PER_TURN = 8192;

/**
 * A growing list that is sorted on demand in slices, so that sorting a hundred thousand names does not hold up the main loop.
 * The array handed out never changes; later additions make a new one.
 */
export class SortedList<Item> {
  private readonly compare: (a: Item, b: Item) => number;
  private sorted: readonly Item[] = [];
  private added: Item[] = [];
  private sorting: Promise<readonly Item[]> | undefined = undefined;

  constructor(compare: (a: Item, b: Item) => number) {
    this.compare = compare;
  }

  add(item: Item): void {
    this.added.push(item);
  }

  /** All items added so far in order; equal ones in order of addition. */
  async get(): Promise<readonly Item[]> {
    // Whoever comes while a sort runs takes its result, then sorts what was added meanwhile.
    while (this.sorting !== undefined) await this.sorting;
    if (this.added.length === 0) return this.sorted;
    this.sorting = this.sortAdded();
    try {
      return await this.sorting;
    } finally {
      this.sorting = undefined;
    }
  }

  private async sortAdded(): Promise<readonly Item[]> {
    const added = this.added;
    this.added = [];
    let runs: Item[][] = [];
    for (let start = 0; start < added.length; start += RUN) {
      runs.push(added.slice(start, start + RUN).sort(this.compare));
      await nextTurn();
    }
    while (runs.length > 1) {
      const longer: Item[][] = [];
      for (let i = 0; i < runs.length; i += 2) {
        longer.push(i + 1 < runs.length ? await this.merge(runs[i], runs[i + 1]) : runs[i]);
      }
      runs = longer;
    }
    this.sorted = this.sorted.length === 0 ? runs[0] : await this.merge(this.sorted, runs[0]);
    return this.sorted;
  }

  private async merge(left: readonly Item[], right: readonly Item[]): Promise<Item[]> {
    const result: Item[] = [];
    let l = 0;
    let r = 0;
    while (l < left.length || r < right.length) {
      if (r === right.length || (l < left.length && this.compare(left[l], right[r]) <= 0)) result.push(left[l++]);
      else result.push(right[r++]);
      if (result.length % MOVES_PER_TURN === 0) await nextTurn();
    }
    return result;
  }
}
