import { expect, test } from 'vitest';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { createStatGroup } from './stat_group.ts';

test('a group has every stat under its own name', () => {
  const { scope, value, names } = createLocalStats();
  const group = createStatGroup(scope.scope('p'), { counters: ['c'], gauges: ['g'], histograms: { h: 'ms' } });
  group.c.inc();
  group.g.set(4);
  group.h.record(7);
  expect(names()).toEqual(['p.c', 'p.g', 'p.h']);
  expect(names().map(value)).toEqual([1, 4, 1]);
});
