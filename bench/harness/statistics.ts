/** Middle and reach of a few repeated measurements. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median of the values; the mean of the middle two for an even count. NaN for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  if (sorted.length % 2 === 1) return upper;
  return ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Median, least and greatest. All NaN for no values. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) return { median: Number.NaN, min: Number.NaN, max: Number.NaN };
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Spread of value/reference taken round by round: what disturbed the machine in one round disturbed both
 * sides of that round's ratio. Rounds that either side lacks are left out.
 */
export function pairedRatios(
  values: ReadonlyMap<number, number>,
  reference: ReadonlyMap<number, number>,
): Spread {
  const ratios: number[] = [];
  for (const [round, value] of values) {
    const base = reference.get(round);
    if (base !== undefined && base > 0 && Number.isFinite(value)) ratios.push(value / base);
  }
  return spreadOf(ratios);
}
