import { describe, expect, it } from 'vitest';
import { RuntimeSnapshot } from './runtime_snapshot.ts';

const HALF = { defaultValue: { numerator: 50, denominator: 100 }, runtimeKey: 'k' } as const;

describe('RuntimeSnapshot', () => {
  it.each([
    [7, 7, false], ['7', 7, false], ['1e2', 100, false], [7.9, 7, false], [-1, 3, false], ['text', 3, false], [true, 3, true], ['TRUE', 3, true], [' true ', 3, true],
    [{ numerator: 1, denominator: 100 as const }, 3, false],
  ])('reads %o as an integer and a boolean', (value, integer, boolean) => {
    const runtime = new RuntimeSnapshot({ k: value });
    expect([runtime.getInteger('k', 3), runtime.getBoolean('k', false)]).toEqual([integer, boolean]);
  });

  it.each([
    [undefined, [true, false]], [0, [false, false]], ['100', [true, true]], [200, [true, true]], [-1, [true, false]], ['x', [true, false]],
    [{ numerator: 60, denominator: 10_000 as const }, [true, false]],
  ])('overrides a fraction by %o', (value, expected) => {
    const runtime = new RuntimeSnapshot(value === undefined ? {} : { k: value });
    expect([runtime.featureEnabled(HALF, 49), runtime.featureEnabled(HALF, 99)]).toEqual(expected);
  });

  it('gives other values to whoever holds it', () => {
    const runtime = new RuntimeSnapshot({ k: 1, gone: 2 });
    runtime.replace({ k: 5 });
    expect([runtime.getInteger('k', 0), runtime.getInteger('gone', 0)]).toEqual([5, 0]);
  });
});
