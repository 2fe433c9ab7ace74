import { HISTOGRAM_CHANGES } from '../shared_memory/stats_layout.ts';
import { binOf } from './histogram_bins.ts';
import type { Histogram } from './stats.ts';

/** A histogram page in this thread's shared memory. Written by its thread only, read by main. */
export class SlotHistogram implements Histogram {
  readonly words: Uint32Array;
  /** First word of the page. */
  readonly base: number;

  constructor(words: Uint32Array, base: number) {
    this.words = words;
    this.base = base;
  }

  record(value: number): void {
    this.words[this.base + binOf(value)]++;
    // After the bin, so that main does not take the change for seen before the count is there.
    this.words[this.base + HISTOGRAM_CHANGES]++;
  }

  /** Records of this thread so far, modulo 2^32. */
  recordCount(): number {
    return this.words[this.base + HISTOGRAM_CHANGES];
  }
}
