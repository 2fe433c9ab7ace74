import { workFor } from '../../event/work_slice.ts';
import type { HashTable, HashTableBuild } from './hash_table.ts';

/** How long tables are made before the worker has its turn. */
const SLICE_MS = 4;

/** A table in the making, and who wants it. */
interface Job {
  readonly build: HashTableBuild;
  /** Whether it is still wanted. */
  readonly isWanted: (build: HashTableBuild) => boolean;
  readonly done: (table: HashTable) => void;
}

/**
 * Tables of hashes that a worker makes itself: what all its clusters and subsets together make within a turn is bounded. Small ones
 * are made at once, up to the work of one table; all others one after the other between the turns. One per worker.
 */
export class TableQueue {
  private readonly later: (work: () => void) => void;
  private readonly jobs: Job[];
  private isScheduled: boolean;
  /** Part of a turn's work that is done. */
  private spent: number;

  /** `later` calls once, after this turn. */
  constructor(later: (work: () => void) => void) {
    this.later = later;
    this.jobs = [];
    this.isScheduled = false;
    this.spent = 0;
  }

  /** Whether a table of this part of a turn's work (`HashTableKind.cost`) may be made at once: then it counts as made. */
  takesAtOnce(cost: number): boolean {
    if (this.jobs.length > 0 || this.spent + cost > 1) return false;
    this.spent += cost;
    this.schedule();
    return true;
  }

  /** Makes a table in turns to come, unless it is not wanted any more by then. */
  add(build: HashTableBuild, isWanted: (build: HashTableBuild) => boolean, done: (table: HashTable) => void): void {
    this.jobs.push({ build, isWanted, done });
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.later(() => this.run());
  }

  private run(): void {
    this.isScheduled = false;
    this.spent = 0;
    if (this.jobs.length === 0) return;
    workFor(this.pieces(), SLICE_MS);
    if (this.jobs.length > 0) this.schedule();
  }

  /** Of all tables, until none is left. */
  private *pieces(): Generator<undefined, void, undefined> {
    while (this.jobs.length > 0) {
      const { build, isWanted, done } = this.jobs[0];
      const result = isWanted(build) ? build.next() : null;
      if (result === null || result.done === true) this.jobs.shift();
      if (result?.done === true) done(result.value);
      yield;
    }
  }
}
