/**
 * The upper half of the low 64 bits of a product of two 64-bit numbers in 32-bit halves; the lower half is
 * `Math.imul(aLow, bLow)`. No BigInt: nothing is allocated.
 */
export function productHigh(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const a0 = aLow & 0xffff;
  const a1 = aLow >>> 16;
  const b0 = bLow & 0xffff;
  const b1 = bLow >>> 16;
  const p10 = a1 * b0;
  const middle = a0 * b1 + ((a0 * b0) >>> 16) + (p10 & 0xffff);
  // Below 2^33: the carry is beyond 32 bits, so no shift.
  const carry = Math.floor(middle / 65536) + (p10 >>> 16) + a1 * b1;
  return (carry + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0;
}

/** A 64-bit number in 32-bit halves modulo `divisor`, which is below 2^26: all steps are exact in float64. */
export function remainder64(high: number, low: number, divisor: number): number {
  return (((high >>> 0) % divisor) * (0x1_0000_0000 % divisor) + (low >>> 0)) % divisor;
}
