import { describe, expect, it } from 'vitest';
import { computePriorityLoad } from '../../../../core/upstream/priority_load.ts';
import { PreviousPriorities } from './previous_priorities.ts';

/** Priorities with so many healthy and degraded of ten hosts each. */
function loadOf(...levels: readonly (readonly [healthy: number, degraded: number])[]) {
  return computePriorityLoad(levels.map(([healthy, degraded]) => ({ hosts: 10, healthy, degraded, excluded: 0 })), 140, 50);
}

describe('previous_priorities', () => {
  it('goes through the priorities that have healthy hosts, and then begins anew', () => {
    const load = loadOf([10, 0], [0, 0], [5, 0]);
    const priority = new PreviousPriorities(1);
    expect(priority.loadForRetry(load)).toBe(load);
    priority.onHostAttempted(0);
    expect([...priority.loadForRetry(load).healthy]).toEqual([0, 0, 100]);
    priority.onHostAttempted(2);
    expect([...priority.loadForRetry(load).healthy]).toEqual([100, 0, 0]);
    priority.onHostAttempted(0);
    expect([...priority.loadForRetry(load).healthy]).toEqual([0, 0, 100]);
  });

  it('looks again after as many tries as configured', () => {
    const load = loadOf([10, 0], [10, 0], [10, 0]);
    const priority = new PreviousPriorities(2);
    const next: number[][] = [];
    for (const attempted of [0, 0, 1, 1, 2, 2]) {
      priority.onHostAttempted(attempted);
      next.push([...priority.loadForRetry(load).healthy]);
    }
    expect(next).toEqual([[100, 0, 0], [0, 100, 0], [0, 100, 0], [0, 0, 100], [0, 0, 100], [100, 0, 0]]);
  });

  it('shares what is left with degraded hosts', () => {
    const load = loadOf([10, 0], [2, 5], [0, 10]);
    const priority = new PreviousPriorities(1);
    priority.onHostAttempted(0);
    const { healthy, degraded } = priority.loadForRetry(load);
    expect([[...healthy], [...degraded]]).toEqual([[0, 28, 0], [0, 70, 2]]);
  });

  it('changes nothing when nothing is available', () => {
    const load = loadOf([0, 0], [0, 0]);
    const priority = new PreviousPriorities(1);
    priority.onHostAttempted(0);
    expect(priority.loadForRetry(load)).toBe(load);
  });
});
