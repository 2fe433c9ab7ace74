/**
 * Time for the control plane: a monotonic clock and one-shot timers. Passed in everywhere, so that tests run on simulated
 * time. Workers use the timer wheel instead.
 */
import type { Timer } from './timer.ts';

export interface ScheduledTimer {
  /** Idempotent; a timer that has fired is over. */
  cancel(): void;
}

export interface Scheduler {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Wall clock, milliseconds since the epoch. */
  wallMs(): number;
  /** Calls back once after at least `ms`. */
  schedule(ms: number, callback: () => void): ScheduledTimer;
}

/** Longest delay that the platform's timers take (2^31 - 1 ms, about 24.8 days); longer ones are cut. */
const MAX_DELAY_MS = 0x7fffffff;

/** Real time. */
export class SystemScheduler implements Scheduler {
  nowMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  schedule(ms: number, callback: () => void): ScheduledTimer {
    const timer = setTimeout(callback, Math.min(Math.max(0, ms), MAX_DELAY_MS));
    return { cancel: () => clearTimeout(timer) };
  }
}

/** A re-armable timer on a scheduler. */
export function createTimer(scheduler: Scheduler, callback: () => void): Timer {
  return new SchedulerTimer(scheduler, callback);
}

class SchedulerTimer implements Timer {
  private readonly scheduler: Scheduler;
  private readonly callback: () => void;
  private armed: ScheduledTimer | undefined;

  constructor(scheduler: Scheduler, callback: () => void) {
    this.scheduler = scheduler;
    this.callback = callback;
  }

  get enabled(): boolean {
    return this.armed !== undefined;
  }

  enable(ms: number): void {
    this.disable();
    this.armed = this.scheduler.schedule(ms, () => {
      this.armed = undefined;
      this.callback();
    });
  }

  disable(): void {
    this.armed?.cancel();
    this.armed = undefined;
  }
}

/** Calls back every `intervalMs`, the next interval starting when the callback has returned. Returns what stops it. */
export function scheduleEvery(scheduler: Scheduler, intervalMs: number, callback: () => void): ScheduledTimer {
  let isCancelled = false;
  let timer: ScheduledTimer;
  const run = () => {
    callback();
    if (!isCancelled) timer = scheduler.schedule(intervalMs, run);
  };
  timer = scheduler.schedule(intervalMs, run);
  return {
    cancel: () => {
      isCancelled = true;
      timer.cancel();
    },
  };
}
