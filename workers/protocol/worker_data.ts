/** What a worker is started with (`workerData`): plain data and shared buffers. */
import type { SharedLog } from '../../core/log/logger.ts';
import type { SharedSlabs } from '../../core/shared_memory/layout.ts';
import type { StatsMatcherConfig } from '../../core/stats/stat_name_matcher.ts';

export interface WorkerData {
  /** 0 .. workerCount - 1; a restarted worker has the index of the one that died. */
  readonly index: number;
  readonly workerCount: number;
  readonly io: 'ring' | 'portable';
  readonly slabs: SharedSlabs;
  readonly log: SharedLog;
  /** The descriptor that log lines go to (core/log/file_log_output.ts). */
  readonly logOutput: SharedArrayBuffer;
  /** Words that say "this thread's loop turns" (heartbeats.ts). */
  readonly heartbeats: SharedArrayBuffer;
  /** Milliseconds that main's loop may stand still before worker 0 ends the process; 0 = never. */
  readonly mainKillAfterMs: number;
  /** Which stats exist; undefined = all. */
  readonly statsMatcher: StatsMatcherConfig | undefined;
}
