import type { Duration } from '@bufbuild/protobuf/wkt';
import type { FractionalPercent, Percent } from './gen/envoy/type/v3/percent_pb.d.ts';

/** Milliseconds of a duration (with fraction), or undefined when it is not set. Reads both fields of it. */
export function durationMs(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  return Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

/** A duration in milliseconds, or `fallbackMs` when it is not set. */
export function durationMsOr(duration: Duration | undefined, fallbackMs: number): number {
  return durationMs(duration) ?? fallbackMs;
}

/** 0..1, or undefined when not set. */
export function percentToFraction(percent: Percent | undefined): number | undefined {
  return percent === undefined ? undefined : percent.value / 100;
}

const DENOMINATORS = [100, 10_000, 1_000_000];

/** 0..1 (above 1 clamped), or undefined when not set. */
export function fractionalPercent(percent: FractionalPercent | undefined): number | undefined {
  if (percent === undefined) return undefined;
  return Math.min(1, percent.numerator / fractionalDenominator(percent));
}

/** 100, 10,000 or 1,000,000. */
export function fractionalDenominator(percent: FractionalPercent): number {
  return DENOMINATORS[percent.denominator] ?? 100;
}
