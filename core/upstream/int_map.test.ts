import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../test/support/balancer_source.ts';
import { IntMap } from './int_map.ts';

describe('IntMap', () => {
  it.each([0, 1, 2, 3, 4, 100, 5000])('finds the places of %i keys and of no others', (count) => {
    const random = seededRandom(count + 1);
    const keys = [...new Set(Array.from({ length: count }, (_, i) => (i % 2 === 0 ? i * 8 : random() >>> 1)))];
    const map = new IntMap(keys);
    expect(keys.map((key) => map.get(key))).toEqual(keys.map((_, i) => i));
    const known = new Set(keys);
    for (let key = 0; key < 1000; key++) if (!known.has(key)) expect(map.get(key)).toBe(-1);
  });
});
