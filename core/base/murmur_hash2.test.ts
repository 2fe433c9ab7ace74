import { describe, expect, it } from 'vitest';
import { MurmurHash2 } from './murmur_hash2.ts';

const MASK = (1n << 64n) - 1n;
const MUL = 0xc6a4a7935bd1e995n;

/** The definition, in big integers. */
function reference(bytes: Uint8Array): bigint {
  const mix = (value: bigint): bigint => value ^ (value >> 47n);
  let hash = 0xc70f6907n ^ ((BigInt(bytes.length) * MUL) & MASK);
  for (let p = 0; p < bytes.length; p += 8) {
    const part = bytes.subarray(p, p + 8);
    const word = part.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    hash ^= part.length === 8 ? (mix((word * MUL) & MASK) * MUL) & MASK : word;
    hash = (hash * MUL) & MASK;
  }
  return mix((mix(hash) * MUL) & MASK);
}

function hashOf(bytes: Uint8Array, offset = 0, length = bytes.length): bigint {
  const murmur = new MurmurHash2();
  murmur.hash(bytes, offset, length);
  return (BigInt(murmur.high >>> 0) << 32n) | BigInt(murmur.low >>> 0);
}

describe('MurmurHash2', () => {
  it('gives what std::hash gives for an empty string', () => {
    expect(hashOf(new Uint8Array(0))).toBe(6142509188972423790n);
  });

  it('agrees with the definition for every length and for bytes with the high bit set', () => {
    const bytes = Uint8Array.from({ length: 70 }, (_, i) => (i * 151 + 77) & 0xff);
    for (let length = 0; length <= 64; length++) expect(hashOf(bytes, 3, length)).toBe(reference(bytes.subarray(3, 3 + length)));
  });
});
