import { describe, expect, it } from 'vitest';
import { computePriorityLoad } from './priority_load.ts';

/** Priorities of 100 hosts each, by percent healthy and degraded. */
function load(healthy: number[], degraded: number[] = [], panicThreshold = 50): { healthy: number[]; degraded: number[]; panic: boolean[] } {
  const counts = healthy.map((percent, i) => ({ hosts: 100, healthy: percent, degraded: degraded[i] ?? 0, excluded: 0 }));
  const result = computePriorityLoad(counts, 140, panicThreshold);
  return { healthy: [...result.healthy], degraded: [...result.degraded], panic: [...result.isPanic] };
}

describe('computePriorityLoad', () => {
  it.each([
    [[100, 100], [100, 0]], [[72, 100], [100, 0]], [[71, 100], [99, 1]], [[50, 100], [70, 30]], [[25, 100], [35, 65]], [[25, 25], [50, 50]], [[0, 25], [0, 100]],
    [[100, 100, 100], [100, 0, 0]], [[72, 72, 100], [100, 0, 0]], [[71, 71, 100], [99, 1, 0]], [[50, 50, 100], [70, 30, 0]], [[25, 100, 100], [35, 65, 0]], [[25, 25, 100], [35, 35, 30]], [[0, 0, 100], [0, 0, 100]],
  ])('spills %j healthy as %j', (healthy, expected) => {
    expect(load(healthy, [], 0).healthy).toEqual(expected);
  });

  it('gives degraded hosts what healthy ones of all priorities leave', () => {
    expect(load([50, 0], [50, 50])).toEqual({ healthy: [70, 0], degraded: [30, 0], panic: [false, false] });
    expect(load([10, 20, 10], [20, 10, 0], 0)).toMatchObject({ healthy: [16, 28, 14], degraded: [28, 14, 0] });
  });

  it('keeps a priority out of panic as long as all together suffice', () => {
    expect(load([25, 100]).panic).toEqual([false, false]);
    expect(load([30, 30])).toMatchObject({ healthy: [50, 50], panic: [true, true] });
    expect(load([60, 5])).toMatchObject({ healthy: [93, 7], panic: [false, true] });
    expect(load([5, 60])).toMatchObject({ panic: [true, false] });
  });

  it('goes by the number of hosts when all are in panic', () => {
    const counts = [{ hosts: 1, healthy: 0, degraded: 0, excluded: 0 }, { hosts: 2, healthy: 0, degraded: 0, excluded: 0 }];
    expect([...computePriorityLoad(counts, 140, 50).healthy]).toEqual([34, 66]);
    expect([...computePriorityLoad([{ hosts: 0, healthy: 0, degraded: 0, excluded: 0 }], 140, 50).healthy]).toEqual([100]);
  });

  it('sends everything to the first priority when nothing is there and panic is off', () => {
    expect(load([0, 0], [], 0)).toEqual({ healthy: [100, 0], degraded: [0, 0], panic: [false, false] });
  });

  it('does not count excluded hosts', () => {
    expect([...computePriorityLoad([{ hosts: 4, healthy: 2, degraded: 0, excluded: 2 }, { hosts: 1, healthy: 1, degraded: 0, excluded: 0 }], 140, 50).healthy]).toEqual([100, 0]);
  });

  it('counts weights where that is asked for, but panics by the number of hosts', () => {
    const level = { hosts: 2, healthy: 1, degraded: 0, excluded: 0 };
    const first = { ...level, weights: { hosts: 100, healthy: 10, degraded: 0, excluded: 0 } };
    const { healthy, isPanic } = computePriorityLoad([first, { ...level, hosts: 1 }], 140, 50);
    expect([[...healthy], isPanic]).toEqual([[14, 86], [false, false]]);
  });

  it('always gives out all of it', () => {
    for (let a = 0; a <= 100; a += 7) for (let b = 0; b <= 100; b += 11) for (let c = 0; c <= 100 - Math.max(a, b); c += 13) {
      const { healthy, degraded } = load([a, b, 1], [c, c, 1]);
      expect([...healthy, ...degraded].reduce((sum, part) => sum + part)).toBe(100);
    }
  });
});
