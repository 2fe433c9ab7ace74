import type { Counter, Gauge, StatsScope } from '../../core/stats/stats.ts';

/** `filesystem.*` as the flush thread keeps them. */
export interface FilesystemStats {
  /** Lines that workers appended to rings. */
  readonly writeBuffered: Counter;
  /** Writes to files that went through, that failed. */
  readonly writeCompleted: Counter;
  readonly writeFailed: Counter;
  /** Times the interval made a file be written. */
  readonly flushedByTimer: Counter;
  /** Files that could not be opened. */
  readonly reopenFailed: Counter;
  /** Lines lost because a ring was full or a write failed for good. Ours. */
  readonly writeDropped: Counter;
  /** Bytes in rings and in writes under way. */
  readonly writeTotalBuffered: Gauge;
}

/** Takes the slots. Once per flush thread. */
export function createFilesystemStats(root: StatsScope): FilesystemStats {
  const scope = root.scope('filesystem');
  return {
    writeBuffered: scope.counter('write_buffered'),
    writeCompleted: scope.counter('write_completed'),
    writeFailed: scope.counter('write_failed'),
    flushedByTimer: scope.counter('flushed_by_timer'),
    reopenFailed: scope.counter('reopen_failed'),
    writeDropped: scope.counter('write_dropped'),
    writeTotalBuffered: scope.gauge('write_total_buffered'),
  };
}
