import { describe, expect, it } from 'vitest';
import { deepFreeze } from './deep_freeze.ts';

describe('deepFreeze', () => {
  it('freezes what is nested and leaves bytes alone', () => {
    const value = deepFreeze({ a: [{ b: 1 }], bytes: new Uint8Array(2), nothing: null });
    expect([Object.isFrozen(value), Object.isFrozen(value.a), Object.isFrozen(value.a[0])]).toEqual([true, true, true]);
    value.bytes[0] = 1;
    expect(value.bytes[0]).toBe(1);
  });
});
