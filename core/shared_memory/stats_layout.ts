/**
 * Shared memory of stats. Every thread has its own growing list of segments; only that thread writes them, main reads them.
 *
 * Slot segments (counters and gauges): float64 words, all -0 at birth. -0 means "never written": adding or setting anything,
 * even 0, turns it into another value, so "used" costs no extra word.
 *
 * Histogram segments: one page per histogram.
 *
 *     word 0 .. HISTOGRAM_BINS-1   uint32 counts per bin (see core/stats/histogram_bins.ts), wrapping at 2^32
 *     word HISTOGRAM_CHANGES       uint32, bumped after each record: main skips pages whose word did not move
 *
 * Counts wrap; main keeps what it saw last per thread and widens the differences, so totals are exact as long as it looks at
 * least once per 2^32 records of one bin.
 */

/** Slots in the first segment of a thread; each further segment doubles up to the limit. */
export const FIRST_SLOT_SEGMENT = 1024;
export const MAX_SLOT_SEGMENT = 32768;

/** Bins of a histogram: 0..99 exact, then 90 per decade up to 10^12. */
export const HISTOGRAM_BINS = 1000;
/** The word after the bins that moves with every record. */
export const HISTOGRAM_CHANGES = 1000;
/** Words per histogram: 4096 bytes, one page, touched only when recorded into. */
export const HISTOGRAM_WORDS = 1024;

/** Histograms in the first segment of a thread; each further segment doubles up to the limit. */
export const FIRST_HISTOGRAM_SEGMENT = 16;
export const MAX_HISTOGRAM_SEGMENT = 256;

/** A segment of `slots` float64 words, all unused. */
export function createSlotSegment(slots: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(slots * 8)).fill(-0);
}

/** A segment of `histograms` pages, all zero. */
export function createHistogramSegment(histograms: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(histograms * HISTOGRAM_WORDS * 4));
}
