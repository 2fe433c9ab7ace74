/** However samples are spread over threads, merges and worker deaths, the totals are those of one histogram. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { binOf } from '../../core/stats/histogram_bins.ts';
import { DEFAULT_STATS_CONFIG } from '../../core/stats/stats_config.ts';
import type { BinCounts } from '../../core/stats/stats_view.ts';
import { StatsStore } from '../../core/stats/store.ts';
import { createMainStats } from '../../server/stats/main_stats.ts';
import type { StatsRegistry } from '../../server/stats/stats_registry.ts';

const THREADS = 3;

const sample = fc.oneof(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 5_000_000 }), fc.double({ min: -1, max: 1e13, noNaN: true }));
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('record' as const), thread: fc.nat(THREADS - 1), value: sample }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('merge' as const), thread: fc.constant(0), value: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), thread: fc.nat(THREADS - 1), value: fc.constant(0) }) },
);

function connect(registry: StatsRegistry) {
  const thread = registry.connectThread();
  const store = new StatsStore({ onNewStats: (announcement) => thread.apply(announcement) });
  const histogram = store.rootScope().histogram('h', 'ms');
  store.announce();
  return { thread, histogram };
}

function countsOf(samples: readonly number[]): BinCounts {
  const counts = new Map<number, number>();
  for (const value of samples) counts.set(binOf(value), (counts.get(binOf(value)) ?? 0) + 1);
  const bins = [...counts.keys()].sort((a, b) => a - b);
  return { total: samples.length, bins, counts: bins.map((bin) => counts.get(bin) ?? 0) };
}

test('merged histograms equal a single one, per interval and in total', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const { registry } = createMainStats(DEFAULT_STATS_CONFIG);
    const threads = Array.from({ length: THREADS }, () => connect(registry));
    const all: number[] = [];
    let interval: number[] = [];
    const check = async () => {
      await registry.mergeHistograms();
      const [histogram] = (await registry.byName()).histograms;
      expect(histogram.interval()).toEqual(countsOf(interval));
      expect(histogram.cumulative()).toEqual(countsOf(all));
      interval = [];
    };
    for (const { kind, thread, value } of steps) {
      if (kind === 'merge') await check();
      else if (kind === 'restart') {
        threads[thread].thread.disconnect();
        threads[thread] = connect(registry);
      } else {
        threads[thread].histogram.record(value);
        all.push(value);
        interval.push(value);
      }
    }
    await check();
  }), { numRuns: 60 });
});
