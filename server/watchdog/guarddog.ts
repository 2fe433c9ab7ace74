/**
 * Watches that loops turn. Main beats and checks from one timer: a worker that stands still shows as a heartbeat word that does not
 * move; main's own stall shows as a timer that came late (counted when it is over: nobody could read the counter before).
 * Only killing main needs somebody else: worker 0 does that (workers/worker/heartbeat.ts). Thread: main.
 */
import { type ScheduledTimer, type Scheduler, scheduleEvery } from '../../core/event/scheduler.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import { FIRST_WORKER_HEARTBEAT, MAIN_HEARTBEAT } from '../../workers/protocol/heartbeats.ts';
import { createWatchdogStats, type WatchdogStats } from '../stats/server_stats.ts';

/** envoy.config.bootstrap.v3.Watchdog; milliseconds, 0 = off. */
export interface WatchdogConfig {
  readonly missMs: number;
  readonly megaMissMs: number;
  readonly killMs: number;
  readonly maxKillJitterMs: number;
  readonly multiKillMs: number;
  /** Percent of the watched threads that must be stuck for a multikill. */
  readonly multiKillThreshold: number;
}

export const DEFAULT_WATCHDOG: WatchdogConfig = {
  missMs: 200, megaMissMs: 1000, killMs: 0, maxKillJitterMs: 0, multiKillMs: 0, multiKillThreshold: 0,
};

export interface GuarddogOptions {
  /** Words of createHeartbeats(). */
  readonly words: Int32Array;
  readonly main: WatchdogConfig;
  readonly workers: WatchdogConfig;
  readonly workerCount: number;
  /** Whether a worker has a loop that ought to turn. */
  readonly isWatched: (workerIndex: number) => boolean;
  /** Main's root scope. */
  readonly stats: StatsScope;
  readonly scheduler: Scheduler;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** Ends the process at once. */
  readonly kill: () => void;
}

/** One watched worker. */
class WorkerDog {
  /** Of its group and of itself. */
  readonly stats: readonly WatchdogStats[];
  beat = 0;
  seenMs = 0;
  hasMissed = false;
  hasMegaMissed = false;

  constructor(stats: readonly WatchdogStats[]) {
    this.stats = stats;
  }

  /** Nobody looked for that long: what went by does not count against the loop. */
  excuse(ms: number): void {
    this.seenMs += ms;
  }

  alive(beat: number, nowMs: number): void {
    this.beat = beat;
    this.seenMs = nowMs;
    this.hasMissed = false;
    this.hasMegaMissed = false;
  }
}

export class Guarddog {
  private readonly options: GuarddogOptions;
  private readonly mainStats: readonly WatchdogStats[];
  private readonly dogs: readonly WorkerDog[];
  private readonly killJitterMs: number;
  private timer: ScheduledTimer | undefined;
  private lastTickMs = 0;
  private intervalMs = 0;

  constructor(options: GuarddogOptions) {
    this.options = options;
    this.mainStats = createWatchdogStats(options.stats, 'main_thread');
    this.dogs = Array.from({ length: options.workerCount }, (_, i) => new WorkerDog(createWatchdogStats(options.stats, `worker_${i}`)));
    this.killJitterMs = Math.floor(options.random() * options.workers.maxKillJitterMs);
  }

  start(): void {
    const { main, workers, scheduler } = this.options;
    const timeouts = [main.missMs, main.megaMissMs, main.killMs, workers.missMs, workers.megaMissMs, workers.killMs, workers.multiKillMs];
    const shortest = Math.min(...timeouts.filter((ms) => ms > 0), 1000);
    this.lastTickMs = scheduler.nowMs();
    this.intervalMs = Math.max(10, Math.floor(shortest / 2));
    this.timer = scheduleEvery(scheduler, this.intervalMs, () => this.onTick());
  }

  close(): void {
    this.timer?.cancel();
  }

  private onTick(): void {
    const nowMs = this.options.scheduler.nowMs();
    this.options.words[MAIN_HEARTBEAT]++;
    const sinceLastMs = nowMs - this.lastTickMs;
    this.checkMain(sinceLastMs);
    this.lastTickMs = nowMs;
    // What held main up (a machine without a free core, a paused virtual machine) held workers up as well: that is no reason to kill.
    const lateMs = sinceLastMs - this.intervalMs;
    if (lateMs >= this.intervalMs) for (const dog of this.dogs) dog.excuse(lateMs);
    let multiKillable = 0;
    for (let i = 0; i < this.dogs.length; i++) if (this.checkWorker(i, nowMs)) multiKillable++;
    const { multiKillThreshold } = this.options.workers;
    if (multiKillable >= Math.max(2, Math.ceil((multiKillThreshold / 100) * this.dogs.length))) {
      this.options.log.critical(`watchdog: ${multiKillable} workers are stuck (multikill)`);
      this.options.kill();
    }
  }

  private checkMain(sinceLastMs: number): void {
    const { main } = this.options;
    if (main.missMs > 0 && sinceLastMs >= main.missMs) for (const stats of this.mainStats) stats.watchdog_miss.inc();
    if (main.megaMissMs > 0 && sinceLastMs >= main.megaMissMs) for (const stats of this.mainStats) stats.watchdog_mega_miss.inc();
  }

  /** Returns whether this worker counts for a multikill. */
  private checkWorker(index: number, nowMs: number): boolean {
    const { workers, words, isWatched, log } = this.options;
    const dog = this.dogs[index];
    const beat = words[FIRST_WORKER_HEARTBEAT + index];
    if (beat !== dog.beat || !isWatched(index)) {
      dog.alive(beat, nowMs);
      return false;
    }
    const stuckMs = nowMs - dog.seenMs;
    if (workers.missMs > 0 && stuckMs >= workers.missMs && !dog.hasMissed) {
      dog.hasMissed = true;
      for (const stats of dog.stats) stats.watchdog_miss.inc();
    }
    if (workers.megaMissMs > 0 && stuckMs >= workers.megaMissMs && !dog.hasMegaMissed) {
      dog.hasMegaMissed = true;
      for (const stats of dog.stats) stats.watchdog_mega_miss.inc();
      log.warning(`watchdog: worker ${index} has not turned for ${Math.floor(stuckMs)} ms`);
    }
    if (workers.killMs > 0 && stuckMs >= workers.killMs + this.killJitterMs) {
      log.critical(`watchdog: worker ${index} has not turned for ${Math.floor(stuckMs)} ms (kill)`);
      this.options.kill();
    }
    return workers.multiKillMs > 0 && stuckMs >= workers.multiKillMs;
  }
}
