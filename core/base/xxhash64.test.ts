import { describe, expect, it } from 'vitest';
import { XxHash64 } from './xxhash64.ts';

function hex(text: string, seedHigh = 0, seedLow = 0): string {
  const hash = new XxHash64();
  hash.hashText(text, seedHigh, seedLow);
  return asHex(hash);
}

function asHex(hash: XxHash64): string {
  return (hash.high >>> 0).toString(16).padStart(8, '0') + (hash.low >>> 0).toString(16).padStart(8, '0');
}

/** The same by the specification, on BigInt: slow, and written apart from the product's. */
function byTheBook(bytes: readonly number[], seed: bigint): string {
  const [p1, p2, p3, p4, p5] = [0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n, 0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n];
  const u = (x: bigint): bigint => BigInt.asUintN(64, x);
  const rot = (x: bigint, n: bigint): bigint => u((x << n) | (x >> (64n - n)));
  const read = (at: number, count: number): bigint => bytes.slice(at, at + count).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const round = (acc: bigint, lane: bigint): bigint => u(rot(u(acc + lane * p2), 31n) * p1);
  let at = 0;
  let acc = u(seed + p5);
  if (bytes.length >= 32) {
    const lanes = [u(seed + p1 + p2), u(seed + p2), seed, u(seed - p1)];
    for (; at + 32 <= bytes.length; at += 32) for (let i = 0; i < 4; i++) lanes[i] = round(lanes[i], read(at + i * 8, 8));
    acc = u(rot(lanes[0], 1n) + rot(lanes[1], 7n) + rot(lanes[2], 12n) + rot(lanes[3], 18n));
    for (const lane of lanes) acc = u((acc ^ round(0n, lane)) * p1 + p4);
  }
  acc = u(acc + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) acc = u(rot(acc ^ round(0n, read(at, 8)), 27n) * p1 + p4);
  if (at + 4 <= bytes.length) {
    acc = u(rot(acc ^ u(read(at, 4) * p1), 23n) * p2 + p3);
    at += 4;
  }
  for (; at < bytes.length; at++) acc = u(rot(acc ^ u(BigInt(bytes[at]) * p5), 11n) * p1);
  acc = u((acc ^ (acc >> 33n)) * p2);
  acc = u((acc ^ (acc >> 29n)) * p3);
  return (acc ^ (acc >> 32n)).toString(16).padStart(16, '0');
}

describe('xxHash64', () => {
  it.each([
    ['', 'ef46db3751d8e999'], ['a', 'd24ec4f1a98c6e5b'], ['abc', '44bc2cf5ad770999'], ['Nobody inspects the spammish repetition', 'fbcea83c8a378bf1'],
  ])('known value of %j', (text, expected) => {
    expect(hex(text)).toBe(expected);
  });

  it('is the specification for every length up to 100 and for seeds', () => {
    for (let length = 0; length <= 100; length++) {
      const bytes = Array.from({ length }, (_, i) => (i * 167 + length * 31 + 7) & 255);
      const text = String.fromCharCode(...bytes);
      expect(hex(text), `length ${length}`).toBe(byTheBook(bytes, 0n));
      expect(hex(text, 0x9e3779b1 | 0, 0x85ebca8d | 0), `length ${length}, seeded`).toBe(byTheBook(bytes, 0x9e3779b185ebca8dn));
    }
  });

  it('combines by rotating the older hash left by one', () => {
    const hash = new XxHash64();
    hash.high = 0x80000001 | 0;
    hash.low = 0x80000000 | 0;
    hash.combine(0x10, 0x10);
    expect(asHex(hash)).toBe('0000001300000011');
  });
});
