/** Runtime-overridable values to plain data. Thread: main, config time. */
import type { RuntimeFractionalPercent } from '../api/gen/envoy/config/core/v3/base_pb.d.ts';
import type { FractionalPercent as FractionalPercentMessage } from '../api/gen/envoy/type/v3/percent_pb.d.ts';
import type { FractionalPercent, RuntimeFraction } from './runtime_snapshot.ts';

const DENOMINATORS = [100, 10000, 1000000] as const;

/** envoy.type.v3.FractionalPercent; unset is 0. */
export function parseFractionalPercent(message: FractionalPercentMessage | undefined): FractionalPercent {
  if (message === undefined) return { numerator: 0, denominator: 100 };
  return { numerator: message.numerator, denominator: DENOMINATORS[message.denominator] ?? 100 };
}

/** envoy.config.core.v3.RuntimeFractionalPercent. */
export function parseRuntimeFraction(message: RuntimeFractionalPercent): RuntimeFraction {
  return { defaultValue: parseFractionalPercent(message.defaultValue), runtimeKey: message.runtimeKey };
}
