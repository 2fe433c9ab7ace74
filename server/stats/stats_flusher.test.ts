import { describe, expect, test } from 'vitest';
import type { Timer } from '../../core/event/timer.ts';
import { DEFAULT_STATS_CONFIG } from '../../core/stats/stats_config.ts';
import { createMainStats } from './main_stats.ts';
import { StatsFlusher } from './stats_flusher.ts';

/** A timer that fires when told. */
class ManualTimer implements Timer {
  enabled = false;
  armedMs: number[] = [];
  readonly callback: () => void;
  constructor(callback: () => void) {
    this.callback = callback;
  }
  enable(ms: number): void {
    this.enabled = true;
    this.armedMs.push(ms);
  }
  disable(): void {
    this.enabled = false;
  }
}

function createFlusher(intervalMs: number | undefined) {
  const timers: ManualTimer[] = [];
  const log: string[] = [];
  const main = createMainStats(DEFAULT_STATS_CONFIG);
  let onFlushed: () => void = () => {};
  const flusher = new StatsFlusher({
    registry: main.registry,
    createTimer(callback) {
      const timer = new ManualTimer(callback);
      timers.push(timer);
      return timer;
    },
    intervalMs,
    beforeFlush: () => void log.push('update'),
    onDropped: () => void log.push('dropped'),
    sinks: [{ flush() {
      log.push('sink');
      onFlushed();
    } }],
  });
  const nextFlush = () => new Promise<void>((resolve) => {
    onFlushed = resolve;
  });
  return { flusher, timers, log, main, nextFlush };
}

describe('StatsFlusher', () => {
  test('updates gauges, merges histograms and feeds sinks, then waits for the interval again', async () => {
    const { flusher, timers: [timer], log, main, nextFlush } = createFlusher(5000);
    main.scope.histogram('h', 'ms').record(3);
    main.store.announce();
    flusher.start();
    const flushed = nextFlush();
    timer.callback();
    await flushed;
    await Promise.resolve();
    expect(log).toEqual(['update', 'sink']);
    expect([...(await main.registry.byName()).histograms][0].cumulative().total).toBe(1);
    expect(timer.armedMs).toEqual([5000, 5000]);
  });

  test('with flush on admin there is no timer, only flushes that are asked for', async () => {
    const { flusher, timers, log } = createFlusher(undefined);
    flusher.start();
    await flusher.flush();
    expect([timers, log]).toEqual([[], ['update', 'sink']]);
  });

  test('a flush during a flush is dropped and counted', async () => {
    const { flusher, log, main } = createFlusher(undefined);
    for (let i = 0; i < 600; i++) main.scope.histogram(`h${i}`, 'ms').record(1);
    main.store.announce();
    await Promise.all([flusher.flush(), flusher.flush()]);
    expect(log).toEqual(['update', 'update', 'dropped', 'sink']);
  });

  test('stop during a flush leaves the timer off', async () => {
    const { flusher, timers: [timer], nextFlush } = createFlusher(5000);
    flusher.start();
    const flushed = nextFlush();
    timer.callback();
    flusher.stop();
    await flushed;
    await Promise.resolve();
    expect([timer.enabled, timer.armedMs]).toEqual([false, [5000]]);
  });
});
