/** Durations whose field has no rule of its own, and which Envoy refuses all the same when they are negative. Thread: main. */
import type { Duration } from '@bufbuild/protobuf/wkt';
import { durationMsOr } from '../../core/api/scalar_values.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';

/** Milliseconds; 0 when the duration is not set. Reports a negative one. */
export function positiveDurationMs(duration: Duration | undefined, holder: object, field: string, context: ParseContext): number {
  const ms = durationMsOr(duration, 0);
  if (ms < 0) context.error(holder, field, `Invalid duration: Expected positive duration: ${durationText(duration)}`);
  return ms;
}

function durationText(duration: Duration | undefined): string {
  const { seconds = 0n, nanos = 0 } = duration ?? {};
  return [...(seconds === 0n ? [] : [`seconds: ${seconds}`]), ...(nanos === 0 ? [] : [`nanos: ${nanos}`])].join(' ');
}
