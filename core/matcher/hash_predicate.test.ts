import { describe, expect, it } from 'vitest';
import { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { compileConsistentHashing, compileValueFraction } from './hash_predicate.ts';

const SEED = { high: 0, low: 0 };
const VALUES = Array.from({ length: 2000 }, (_, i) => `user-${i}`);
const part = (holds: (value: unknown) => boolean): number => VALUES.filter(holds).length / VALUES.length;

describe('parts of all values', () => {
  it('are as large as asked, and the same every time', () => {
    const holds = compileConsistentHashing(25, 100, SEED);
    expect(part(holds)).toBeCloseTo(0.75, 1);
    expect(VALUES.map(holds)).toEqual(VALUES.map(compileConsistentHashing(25, 100, SEED)));
    expect(VALUES.map(holds)).not.toEqual(VALUES.map(compileConsistentHashing(25, 100, { high: 0, low: 9 })));
    expect(part(compileConsistentHashing(0x8000_0000, 0xffff_ffff, SEED))).toBeCloseTo(0.5, 1);
  });

  it('follow runtime', () => {
    const runtime = new RuntimeSnapshot({});
    const holds = compileValueFraction({ defaultValue: { numerator: 10, denominator: 100 }, runtimeKey: 'k' }, SEED, runtime);
    expect(part(holds)).toBeCloseTo(0.1, 1);
    runtime.replace({ k: { numerator: 900_000, denominator: 1_000_000 } });
    expect(part(holds)).toBeCloseTo(0.9, 1);
  });

  it('hold nothing that is no text', () => {
    expect([undefined, null, 5].map(compileConsistentHashing(0, 1, SEED))).toEqual([false, false, false]);
    const all = compileValueFraction({ defaultValue: { numerator: 100, denominator: 100 }, runtimeKey: '' }, SEED, new RuntimeSnapshot({}));
    expect([undefined, null, 5, ''].map(all)).toEqual([false, false, false, true]);
  });
});
