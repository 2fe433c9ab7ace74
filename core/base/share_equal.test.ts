import { describe, expect, test } from 'vitest';
import { deepFreeze } from './deep_freeze.ts';
import { EqualParts } from './share_equal.ts';

const cluster = (name: string) => deepFreeze({ name, limits: { max: 3, min: -0 }, metadata: {}, list: [{ a: 1 }, { a: 1 }], none: undefined });

describe('equal parts', () => {
  test('become one object, and nothing else changes', () => {
    const parts = new EqualParts();
    const [a, b] = [parts.share(cluster('a')), parts.share(cluster('b'))];
    expect([a, b]).toStrictEqual([cluster('a'), cluster('b')]);
    expect(b.limits).toBe(a.limits);
    expect(b.metadata).toBe(a.metadata);
    expect(b.list).toBe(a.list);
    expect(a.list[1]).toBe(a.list[0]);
    expect(Object.isFrozen(a.list)).toBe(true);
    expect(parts.share(cluster('a'))).toBe(a);
  });

  test.each([
    [{ a: 1 }, { a: '1' }], [{ a: 0 }, { a: -0 }], [{ a: null }, { a: undefined }], [[], {}], [{ a: {} }, { a: [] }], [{ ab: 1 }, { a: 1, b: 1 }],
    [[['a'], 'b'], ['a', ['b']]], [{ a: true }, { a: 'booleantrue' }], [{ a: 1n }, { a: 1 }],
  ])('%o and %o stay two', (one, other) => {
    const parts = new EqualParts();
    expect(parts.share(deepFreeze(one))).toStrictEqual(one);
    expect(parts.share(deepFreeze(other))).toStrictEqual(other);
  });

  test('can be those of objects that differ anyway', () => {
    const parts = new EqualParts();
    const [a, b] = [parts.shareMembers(cluster('a')), parts.shareMembers(cluster('a'))];
    expect([a, b]).toStrictEqual([cluster('a'), cluster('a')]);
    expect([a === b, a.limits === b.limits, Object.isFrozen(a)]).toEqual([false, true, true]);
  });

  test('what is not plain is left alone', () => {
    const bytes = new Uint8Array([1, 2]);
    const parts = new EqualParts();
    const shared = [parts.share(deepFreeze({ bytes })), parts.share(deepFreeze({ bytes: new Uint8Array([1, 2]) }))];
    expect(shared[0].bytes).toBe(bytes);
    expect(shared[1].bytes).not.toBe(bytes);
  });
});
