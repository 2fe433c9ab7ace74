/**
 * What the data path sees of stats. Names are resolved to slots when a factory is created; afterwards recording is one add
 * into this thread's shared-memory slab (one writer per word; main reads and sums).
 *
 * A slot that was never written holds -0, so that "used" costs nothing: any write turns it into another value.
 */

/** A monotonically growing number. Float64 slot: exact to 2^53. */
export class Counter {
  readonly values: Float64Array;
  readonly index: number;
  constructor(values: Float64Array, index: number) {
    this.values = values;
    this.index = index;
  }
  inc(): void {
    this.values[this.index]++;
  }
  add(amount: number): void {
    this.values[this.index] += amount;
  }
  /** This thread's own count, not the sum over threads. */
  value(): number {
    return this.values[this.index];
  }
}

/** A number that goes up and down; main shows the sum over threads. */
export class Gauge {
  readonly values: Float64Array;
  readonly index: number;
  constructor(values: Float64Array, index: number) {
    this.values = values;
    this.index = index;
  }
  inc(): void {
    this.values[this.index]++;
  }
  dec(): void {
    this.values[this.index]--;
  }
  add(amount: number): void {
    this.values[this.index] += amount;
  }
  set(value: number): void {
    this.values[this.index] = value + 0;
  }
  value(): number {
    return this.values[this.index];
  }
}

/** Units a histogram is shown in. */
export type HistogramUnit = 'ms' | 'us' | 'bytes' | 'percent' | 'unspecified';

/** Log-linear histogram of non-negative integers with two significant digits (as circllhist); one Uint32 per bin. */
export interface Histogram {
  /** Records one value (rounded down; negative becomes 0). About 3 ns. */
  record(value: number): void;
}

/** Names below one prefix. Calls are config-time only: never per request (each costs a map look-up and may allocate a slot). */
export interface StatsScope {
  readonly prefix: string;
  /** `name` is appended to the prefix with a dot. The same full name gives the same slot. */
  counter(name: string): Counter;
  gauge(name: string): Gauge;
  histogram(name: string, unit: HistogramUnit): Histogram;
  /** A scope with `name` appended to this prefix. */
  scope(name: string): StatsScope;
  /** The same with the name taken as it is, colons and all. */
  rawScope(name: string): StatsScope;
}
