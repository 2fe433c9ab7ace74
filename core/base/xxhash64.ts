import { productHigh } from './product64.ts';

/**
 * xxHash64 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md) in 32-bit halves: the hash that Envoy's hash policies and consistent
 * balancers use. No BigInt: nothing is allocated. One object per user; `high` and `low` are the last result, as signed 32-bit halves.
 */
export class XxHash64 {
  high: number;
  low: number;
  /** Four accumulators: high, low, high, low, … */
  private readonly lanes: Int32Array;
  private text: Uint8Array;

  constructor() {
    this.high = 0;
    this.low = 0;
    this.lanes = new Int32Array(8);
    this.text = new Uint8Array(64);
  }

  /** Hashes a text of Latin-1 characters (one byte each). */
  hashText(text: string, seedHigh = 0, seedLow = 0): void {
    const length = text.length;
    if (this.text.length < length) this.text = new Uint8Array(length * 2);
    const bytes = this.text;
    for (let i = 0; i < length; i++) bytes[i] = text.charCodeAt(i);
    this.hash(bytes, 0, length, seedHigh, seedLow);
  }

  /** Hashes a range; the seed is 64 bits in two halves. */
  hash(bytes: Uint8Array, offset: number, length: number, seedHigh = 0, seedLow = 0): void {
    const end = offset + length;
    let p = offset;
    if (length >= 32) p = this.stripes(bytes, p, end, seedHigh, seedLow);
    else this.add(seedHigh, seedLow, P5H, P5L);
    this.add(this.high, this.low, 0, length);
    this.tail(bytes, p, end);
    this.avalanche();
  }

  /** Rotates the last result left by one and mixes another hash in: how hash policies are combined. */
  combine(high: number, low: number): void {
    const rotatedHigh = (this.high << 1) | (this.low >>> 31);
    const rotatedLow = (this.low << 1) | (this.high >>> 31);
    this.high = rotatedHigh ^ high;
    this.low = rotatedLow ^ low;
  }

  /** All whole 32-byte stripes; leaves their merged value in high/low and returns where they end. */
  private stripes(bytes: Uint8Array, start: number, end: number, seedHigh: number, seedLow: number): number {
    const lanes = this.lanes;
    this.add(seedHigh, seedLow, P1H, P1L);
    this.add(this.high, this.low, P2H, P2L);
    this.store(0);
    this.add(seedHigh, seedLow, P2H, P2L);
    this.store(1);
    this.high = seedHigh;
    this.low = seedLow;
    this.store(2);
    this.add(seedHigh, seedLow, ~P1H + (P1L === 0 ? 1 : 0), -P1L | 0);
    this.store(3);
    let p = start;
    for (; p + 32 <= end; p += 32) {
      for (let lane = 0; lane < 4; lane++) {
        this.round(lanes[lane * 2], lanes[lane * 2 + 1], word(bytes, p + lane * 8 + 4), word(bytes, p + lane * 8));
        this.store(lane);
      }
    }
    this.merge();
    return p;
  }

  private merge(): void {
    const lanes = this.lanes;
    this.rotate(lanes[0], lanes[1], 1);
    let high = this.high;
    let low = this.low;
    for (let lane = 1; lane < 4; lane++) {
      this.rotate(lanes[lane * 2], lanes[lane * 2 + 1], ROTATIONS[lane]);
      this.add(high, low, this.high, this.low);
      high = this.high;
      low = this.low;
    }
    for (let lane = 0; lane < 4; lane++) {
      this.round(0, 0, lanes[lane * 2], lanes[lane * 2 + 1]);
      this.multiply(high ^ this.high, low ^ this.low, P1H, P1L);
      this.add(this.high, this.low, P4H, P4L);
      high = this.high;
      low = this.low;
    }
  }

  private tail(bytes: Uint8Array, start: number, end: number): void {
    let p = start;
    for (; p + 8 <= end; p += 8) {
      const high = this.high;
      const low = this.low;
      this.round(0, 0, word(bytes, p + 4), word(bytes, p));
      this.rotate(high ^ this.high, low ^ this.low, 27);
      this.multiply(this.high, this.low, P1H, P1L);
      this.add(this.high, this.low, P4H, P4L);
    }
    if (p + 4 <= end) {
      const high = this.high;
      const low = this.low;
      this.multiply(0, word(bytes, p), P1H, P1L);
      this.rotate(high ^ this.high, low ^ this.low, 23);
      this.multiply(this.high, this.low, P2H, P2L);
      this.add(this.high, this.low, P3H, P3L);
      p += 4;
    }
    for (; p < end; p++) {
      const high = this.high;
      const low = this.low;
      this.multiply(0, bytes[p], P5H, P5L);
      this.rotate(high ^ this.high, low ^ this.low, 11);
      this.multiply(this.high, this.low, P1H, P1L);
    }
  }

  private avalanche(): void {
    // x ^= x >>> 33, x ^= x >>> 29, x ^= x >>> 32, in halves.
    this.low ^= this.high >>> 1;
    this.multiply(this.high, this.low, P2H, P2L);
    this.low ^= (this.high << 3) | (this.low >>> 29);
    this.high ^= this.high >>> 29;
    this.multiply(this.high, this.low, P3H, P3L);
    this.low ^= this.high;
  }

  private store(lane: number): void {
    this.lanes[lane * 2] = this.high;
    this.lanes[lane * 2 + 1] = this.low;
  }

  /** accumulator + input * P2, rotated by 31, times P1. */
  private round(high: number, low: number, inputHigh: number, inputLow: number): void {
    this.multiply(inputHigh, inputLow, P2H, P2L);
    this.add(this.high, this.low, high, low);
    this.rotate(this.high, this.low, 31);
    this.multiply(this.high, this.low, P1H, P1L);
  }

  /** 0 < by < 32. */
  private rotate(high: number, low: number, by: number): void {
    this.high = (high << by) | (low >>> (32 - by));
    this.low = (low << by) | (high >>> (32 - by));
  }

  private add(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
    const low = (aLow >>> 0) + (bLow >>> 0);
    this.low = low | 0;
    this.high = (aHigh + bHigh + (low > 0xffffffff ? 1 : 0)) | 0;
  }

  /** The low 64 bits of the product. */
  private multiply(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
    this.high = productHigh(aHigh, aLow, bHigh, bLow);
    this.low = Math.imul(aLow, bLow);
  }
}

/** Four bytes, little endian. */
function word(bytes: Uint8Array, p: number): number {
  return bytes[p] | (bytes[p + 1] << 8) | (bytes[p + 2] << 16) | (bytes[p + 3] << 24);
}

const P1H = 0x9e3779b1 | 0;
const P1L = 0x85ebca87 | 0;
const P2H = 0xc2b2ae3d | 0;
const P2L = 0x27d4eb4f | 0;
const P3H = 0x165667b1 | 0;
const P3L = 0x9e3779f9 | 0;
const P4H = 0x85ebca77 | 0;
const P4L = 0xc2b2ae63 | 0;
const P5H = 0x27d4eb2f | 0;
const P5L = 0x165667c5 | 0;
const ROTATIONS = [1, 7, 12, 18];
