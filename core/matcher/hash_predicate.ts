import { remainder64 } from '../base/product64.ts';
import { XxHash64 } from '../base/xxhash64.ts';
import type { RuntimeFraction, RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';

/** A 64-bit seed in halves. */
export interface HashSeed {
  readonly high: number;
  readonly low: number;
}

/** All denominators of fractions divide it. */
const LARGEST_DENOMINATOR = 1_000_000;
/** Larger divisors are not exact in float64. */
const DIVISOR_MAX = 2 ** 26;

/** Whether the hash of a value, modulo `modulo`, reaches the threshold: the same values always do. */
export function compileConsistentHashing(threshold: number, modulo: number, seed: HashSeed): (value: unknown) => boolean {
  const hash = new XxHash64();
  return (value) => {
    if (typeof value !== 'string') return false;
    hash.hashText(value, seed.high, seed.low);
    const rest = modulo < DIVISOR_MAX ? remainder64(hash.high, hash.low, modulo)
      : Number(((BigInt(hash.high >>> 0) << 32n) | BigInt(hash.low >>> 0)) % BigInt(modulo));
    return rest >= threshold;
  };
}

/** Whether a fraction of all values, chosen by their hash, holds this one. */
export function compileValueFraction(fraction: RuntimeFraction, seed: HashSeed, runtime: RuntimeSnapshot): (value: unknown) => boolean {
  const hash = new XxHash64();
  return (value) => {
    if (typeof value !== 'string') return false;
    hash.hashText(value, seed.high, seed.low);
    return runtime.featureEnabled(fraction, remainder64(hash.high, hash.low, LARGEST_DENOMINATOR));
  };
}
