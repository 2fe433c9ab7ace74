/**
 * What crosses between main and the flush thread.
 *
 *     main -> flush   addRing  retireRings  reopen  shutDown
 *     flush -> main   newStats  error
 */
import type { SharedLog } from '../../core/log/logger.ts';
import type { StatsAnnouncement } from '../../core/stats/store.ts';

/** What the flush thread is started with (`workerData`). */
export interface FlushData {
  /** --file-flush-interval-msec. */
  readonly flushIntervalMs: number;
  /** Bytes in a ring from which it is written without waiting for the interval. */
  readonly flushBytes: number;
  readonly log: SharedLog;
  /** The descriptor that process-log lines go to (core/log/file_log_output.ts). */
  readonly logOutput: SharedArrayBuffer;
}

export const ToFlush = { addRing: 1, retireRings: 2, reopen: 3, shutDown: 4 } as const;

export type ToFlushMessage =
  /** A worker writes lines for a destination (a path, /dev/stdout, /dev/stderr) into this ring from now on. */
  | { readonly kind: typeof ToFlush.addRing; readonly workerIndex: number; readonly destination: string; readonly memory: SharedArrayBuffer }
  /** That worker's thread is gone: empty its rings a last time, then forget them. */
  | { readonly kind: typeof ToFlush.retireRings; readonly workerIndex: number }
  /** Open every file again. */
  | { readonly kind: typeof ToFlush.reopen }
  /** Write everything and end. */
  | { readonly kind: typeof ToFlush.shutDown };

export const FromFlush = { newStats: 11 } as const;

export type FromFlushMessage = { readonly kind: typeof FromFlush.newStats; readonly announcement: StatsAnnouncement };
