import { productHigh } from './product64.ts';

const MUL_HIGH = 0xc6a4a793 | 0;
const MUL_LOW = 0x5bd1e995 | 0;
/** What libstdc++'s std::hash starts from. */
const STD_SEED_LOW = 0xc70f6907 | 0;

/**
 * MurmurHash2 for 64 bits as libstdc++'s std::hash computes it on 64-bit machines, in 32-bit halves: `high` and `low` are the last
 * result, signed. Allocates nothing.
 */
export class MurmurHash2 {
  high = 0;
  low = 0;

  hash(bytes: Uint8Array, offset: number, length: number): void {
    const end = offset + length;
    this.high = productHigh(0, length, MUL_HIGH, MUL_LOW);
    this.low = Math.imul(length, MUL_LOW) ^ STD_SEED_LOW;
    let p = offset;
    for (; p + 8 <= end; p += 8) this.block(littleEndian(bytes, p + 4, p + 8), littleEndian(bytes, p, p + 4));
    if (p < end) {
      this.low ^= littleEndian(bytes, p, Math.min(end, p + 4));
      if (p + 4 < end) this.high ^= littleEndian(bytes, p + 4, end);
      this.multiply();
    }
    // x ^= x >>> 47 touches the lower half only.
    this.low ^= this.high >>> 15;
    this.multiply();
    this.low ^= this.high >>> 15;
  }

  private block(high: number, low: number): void {
    let mixedHigh = productHigh(high, low, MUL_HIGH, MUL_LOW);
    let mixedLow = Math.imul(low, MUL_LOW);
    mixedLow ^= mixedHigh >>> 15;
    mixedHigh = productHigh(mixedHigh, mixedLow, MUL_HIGH, MUL_LOW);
    mixedLow = Math.imul(mixedLow, MUL_LOW);
    this.high ^= mixedHigh;
    this.low ^= mixedLow;
    this.multiply();
  }

  private multiply(): void {
    this.high = productHigh(this.high, this.low, MUL_HIGH, MUL_LOW);
    this.low = Math.imul(this.low, MUL_LOW);
  }
}

/** Up to four bytes. */
function littleEndian(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = end - 1; i >= start; i--) value = (value << 8) | bytes[i];
  return value;
}
