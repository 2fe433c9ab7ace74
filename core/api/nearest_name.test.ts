import { describe, expect, it } from 'vitest';
import { editDistance, nearestName } from './nearest_name.ts';

describe('nearestName', () => {
  it('finds a name with a slip of the finger', () => {
    expect(nearestName('adress', ['address', 'admin'])).toBe('address');
    expect(nearestName('ROUND_ROBBIN', ['ROUND_ROBIN', 'RANDOM'])).toBe('ROUND_ROBIN');
    expect(nearestName('round_robin', ['ROUND_ROBIN'])).toBe('ROUND_ROBIN');
  });
  it('stays silent when nothing is near', () => {
    expect(nearestName('zzzzzz', ['address', 'admin'])).toBeUndefined();
    expect(nearestName('', ['address'])).toBeUndefined();
  });
  it('counts insertions, deletions, substitutions and swaps', () => {
    expect(editDistance('abc', 'abc', 5)).toBe(0);
    expect(editDistance('abc', 'acb', 5)).toBe(1);
    expect(editDistance('abc', 'abcd', 5)).toBe(1);
    expect(editDistance('kitten', 'sitting', 5)).toBe(3);
    expect(editDistance('abc', 'xyz', 1)).toBe(2);
  });
});
