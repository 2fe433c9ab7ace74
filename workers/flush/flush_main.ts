/** Entry of the flush thread: the only thread that writes access-log files. */
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { SystemScheduler } from '../../core/event/scheduler.ts';
import { SharedLogOutput } from '../../core/log/file_log_output.ts';
import { createLogger } from '../../core/log/logger.ts';
import { locateCaller } from '../../core/log/source_location.ts';
import { StatsStore } from '../../core/stats/store.ts';
import { type FlushData, FromFlush, type FromFlushMessage, type ToFlushMessage } from '../protocol/flush_messages.ts';
import { systemFileCalls } from './file_calls.ts';
import { createFilesystemStats } from './filesystem_stats.ts';
import { FlushThread } from './flush_thread.ts';

const port = parentPort;
if (port === null) throw new Error('flush_main.ts is the entry of a worker thread');

const data = workerData as FlushData;
const scheduler = new SystemScheduler();
const log = createLogger(new SharedLogOutput(data.logOutput), data.log, { threadId, nowMs: () => scheduler.wallMs(), locate: locateCaller });
const stats = new StatsStore({
  onNewStats: (announcement) => {
    const message: FromFlushMessage = { kind: FromFlush.newStats, announcement };
    port.postMessage(message);
  },
});
const flush = new FlushThread({
  flushIntervalMs: data.flushIntervalMs,
  flushBytes: data.flushBytes,
  scheduler,
  calls: systemFileCalls,
  stats: createFilesystemStats(stats.rootScope()),
  onProblem: (text) => log.of('file').error(text),
  onShutDown: () => {
    stats.announce();
    port.close();
  },
});
port.on('message', (message: ToFlushMessage) => flush.deliver(message));
