import { describe, expect, it } from 'vitest';
import { LogLevel } from '../../core/log/log_level.ts';
import { createLogger, createLogLevels } from '../../core/log/logger.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { SimulatedScheduler } from '../../test/support/simulated_scheduler.ts';
import { createHeartbeats, FIRST_WORKER_HEARTBEAT } from '../../workers/protocol/heartbeats.ts';
import { startHeartbeat } from '../../workers/worker/heartbeat.ts';
import { DEFAULT_WATCHDOG, Guarddog, type GuarddogOptions, type WatchdogConfig } from './guarddog.ts';

function setUp(workers: Partial<WatchdogConfig> = {}, workerCount = 2) {
  const scheduler = new SimulatedScheduler();
  const stats = createLocalStats();
  const words = new Int32Array(createHeartbeats());
  const state = { kills: 0, isWatched: true };
  const log = createLogger({ write: () => {} }, { levels: createLogLevels(LogLevel.off), pattern: '%v', escaped: false }, { threadId: 0, nowMs: () => 0 });
  const options: GuarddogOptions = {
    words, main: DEFAULT_WATCHDOG, workers: { ...DEFAULT_WATCHDOG, ...workers }, workerCount, isWatched: () => state.isWatched, stats: stats.scope,
    scheduler, random: () => 0.5, log, kill: () => state.kills++,
  };
  const dog = new Guarddog(options);
  dog.start();
  /** Lets time pass while the given workers' loops turn. */
  const pass = (ms: number, beating: readonly number[]) => {
    for (let t = 0; t < ms; t += 50) {
      for (const worker of beating) words[FIRST_WORKER_HEARTBEAT + worker]++;
      scheduler.advance(50);
    }
  };
  return { scheduler, stats, words, state, dog, options, pass };
}

describe('the watchdog', () => {
  it('is content with loops that turn', () => {
    const { stats, pass } = setUp();
    pass(3000, [0, 1]);
    for (const name of ['workers.watchdog_miss', 'main_thread.watchdog_miss', 'server.worker_0.watchdog_miss']) expect(stats.value(name)).toBe(0);
  });

  it('counts a stall once, when it passes each limit', () => {
    const { stats, pass } = setUp();
    pass(500, [0, 1]);
    pass(800, [1]);
    expect([stats.value('workers.watchdog_miss'), stats.value('workers.watchdog_mega_miss')]).toEqual([1, 0]);
    pass(1000, [1]);
    expect([stats.value('server.worker_0.watchdog_miss'), stats.value('server.worker_0.watchdog_mega_miss')]).toEqual([1, 1]);
    expect(stats.value('server.worker_1.watchdog_miss')).toBe(0);
    pass(500, [0, 1]);
    pass(500, [1]);
    expect(stats.value('workers.watchdog_miss')).toBe(2);
  });

  it('does not blame a worker that is being started again', () => {
    const { stats, pass, state } = setUp();
    state.isWatched = false;
    pass(3000, []);
    expect(stats.value('workers.watchdog_miss')).toBe(0);
  });

  it('kills after kill_timeout and its jitter', () => {
    const { state, pass } = setUp({ killMs: 2000, maxKillJitterMs: 1000 });
    pass(2400, [1]);
    expect(state.kills).toBe(0);
    pass(300, [1]);
    expect(state.kills).toBeGreaterThan(0);
  });

  it('kills when enough workers are stuck together', () => {
    const config = { multiKillMs: 1000, multiKillThreshold: 50 };
    const one = setUp(config, 4);
    one.pass(3000, [1, 2, 3]);
    expect(one.state.kills).toBe(0);
    const two = setUp(config, 4);
    two.pass(3000, [2, 3]);
    expect(two.state.kills).toBeGreaterThan(0);
  });

  it('sees that main itself was late', () => {
    const { stats, dog, options, scheduler } = setUp();
    dog.close();
    // A scheduler whose timer comes 1.2 s late is a loop that stood still for as long.
    const late = Object.assign(Object.create(scheduler) as SimulatedScheduler, {
      schedule: (ms: number, callback: () => void) => scheduler.schedule(ms + 1200, callback),
    });
    const lateDog = new Guarddog({ ...options, scheduler: late });
    lateDog.start();
    scheduler.advance(1500);
    expect([stats.value('main_thread.watchdog_miss'), stats.value('server.main_thread.watchdog_mega_miss')]).toEqual([1, 1]);
    lateDog.close();
  });

  it('does not kill a worker for the time in which main stood still too', () => {
    const { dog, options, scheduler, state, stats } = setUp({ killMs: 2000 });
    dog.close();
    let pauseMs = 5000;
    const paused = Object.assign(Object.create(scheduler) as SimulatedScheduler, {
      schedule: (ms: number, callback: () => void) => scheduler.schedule(ms + pauseMs, callback),
    });
    const pausedDog = new Guarddog({ ...options, scheduler: paused });
    pausedDog.start();
    pauseMs = 0;
    scheduler.advance(5200);
    expect([state.kills, stats.value('main_thread.watchdog_mega_miss')]).toEqual([0, 1]);
    scheduler.advance(1500);
    expect(state.kills).toBe(0);
    scheduler.advance(1000);
    expect(state.kills).toBeGreaterThan(0);
    pausedDog.close();
  });
});

describe('a heartbeat', () => {
  it('bumps its own word and, where asked to, reports a main thread that stands still', () => {
    const scheduler = new SimulatedScheduler();
    const words = new Int32Array(createHeartbeats());
    let reports = 0;
    const heartbeat = startHeartbeat({ words, workerIndex: 3, scheduler, mainKillAfterMs: 1000, onMainStuck: () => reports++ });
    for (let i = 0; i < 20; i++) {
      words[0]++;
      scheduler.advance(100);
    }
    expect(words[FIRST_WORKER_HEARTBEAT + 3]).toBe(20);
    expect(reports).toBe(0);
    scheduler.advance(5000);
    expect(reports).toBe(1);
    heartbeat.cancel();
    expect(scheduler.pending()).toEqual([]);
  });
});
