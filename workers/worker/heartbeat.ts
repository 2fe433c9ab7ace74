import { type ScheduledTimer, type Scheduler, scheduleEvery } from '../../core/event/scheduler.ts';
import { FIRST_WORKER_HEARTBEAT, MAIN_HEARTBEAT } from '../protocol/heartbeats.ts';

/** How often a loop shows that it turns: half of the default time after which a stall is counted. */
const BEAT_MS = 100;

/** What a heartbeat is started with. */
export interface HeartbeatOptions {
  readonly words: Int32Array;
  readonly workerIndex: number;
  readonly scheduler: Scheduler;
  /** 0 = main is not watched. */
  readonly mainKillAfterMs: number;
  /** Main's loop has stood still for that long. Called once. */
  readonly onMainStuck: () => void;
}

/** Beats for a worker; where asked to, also watches main, which nobody else could end. Returns what stops it. */
export function startHeartbeat(options: HeartbeatOptions): ScheduledTimer {
  const { words, scheduler, mainKillAfterMs } = options;
  const own = FIRST_WORKER_HEARTBEAT + options.workerIndex;
  let mainBeat = words[MAIN_HEARTBEAT];
  let mainSeenMs = scheduler.nowMs();
  let isReported = false;
  return scheduleEvery(scheduler, BEAT_MS, () => {
    words[own]++;
    if (mainKillAfterMs === 0 || isReported) return;
    if (words[MAIN_HEARTBEAT] !== mainBeat) {
      mainBeat = words[MAIN_HEARTBEAT];
      mainSeenMs = scheduler.nowMs();
    } else if (scheduler.nowMs() - mainSeenMs >= mainKillAfterMs) {
      isReported = true;
      options.onMainStuck();
    }
  });
}
