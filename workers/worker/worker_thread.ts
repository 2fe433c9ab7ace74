/**
 * Everything around a worker that makes it a thread's worker: its log, stats, sockets, heartbeat and messages. The entry file
 * (worker_main.ts) brings the thread's port and the worker to run; tests bring others.
 */
import { readlinkSync } from 'node:fs';
import { SystemScheduler } from '../../core/event/scheduler.ts';
import { createIo } from '../../core/io/create_io.ts';
import { SharedLogOutput } from '../../core/log/file_log_output.ts';
import { createLogger } from '../../core/log/logger.ts';
import { locateCaller } from '../../core/log/source_location.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { StatsStore } from '../../core/stats/store.ts';
import type { LogSinkProvider } from '../../core/access_log/access_log.ts';
import { RingSinkProvider } from '../../core/access_log/ring_sink.ts';
import type { Io } from '../../core/io/io.ts';
import type { Logger } from '../../core/log/logger.ts';
import type { SharedSlabs } from '../../core/shared_memory/layout.ts';
import type { DestinationReport } from '../../core/cluster_manager/original_dst_cluster.ts';
import type { OutlierReport } from '../../core/upstream/outlier_monitor.ts';
import type { ToWorkerMessage } from '../protocol/messages.ts';
import type { WorkerData } from '../protocol/worker_data.ts';
import { startHeartbeat } from './heartbeat.ts';
import { Mailbox, type MailboxPort, type MailboxTarget } from './mailbox.ts';

/** What a worker is made with. */
export interface ThreadWorkerDependencies {
  readonly index: number;
  readonly workerCount: number;
  readonly io: Io;
  readonly registry: FactoryRegistry;
  readonly stats: StatsStore;
  readonly sinks: LogSinkProvider;
  readonly slabs: SharedSlabs;
  readonly log: Logger;
  /** Tells main that a host failed too often in a row. */
  readonly reportOutlier: (report: OutlierReport) => void;
  readonly reportDestination: (report: DestinationReport) => void;
  /** The worker cannot go on: its thread ends and is started again. */
  readonly exit: (reason: Error) => void;
}

/** The worker as its thread sees it. */
export interface ThreadWorker extends MailboxTarget {
  start(): void;
  close(): void;
}

/** The thread's end of the channel to main. */
export interface ThreadPort extends MailboxPort {
  on(event: 'message', listener: (message: ToWorkerMessage) => void): unknown;
  close(): void;
}

export interface WorkerThreadOptions {
  readonly port: ThreadPort;
  readonly data: WorkerData;
  readonly registry: FactoryRegistry;
  readonly acceptsStat: (name: string) => boolean;
  readonly createWorker: (dependencies: ThreadWorkerDependencies) => ThreadWorker;
}

/** Runs a worker on this thread until main says shutDown or the worker gives up. */
export function runWorkerThread(options: WorkerThreadOptions): void {
  const { port, data } = options;
  const scheduler = new SystemScheduler();
  const log = createLogger(new SharedLogOutput(data.logOutput), data.log, {
    threadId: systemThreadId(), nowMs: () => scheduler.wallMs(), locate: locateCaller,
  });
  const io = createIo(data.io);
  const exit = (reason: Error): void => {
    mailbox.postFailed(reason.stack ?? reason.message);
    process.exit(1);
  };
  const mailbox = new Mailbox(port, scheduler, () => {
    heartbeat.cancel();
    worker.close();
    io.close();
    stats.announce();
    port.close();
  });
  const stats = new StatsStore({ onNewStats: (announcement) => mailbox.postNewStats(announcement), accepts: options.acceptsStat });
  const sinks = new RingSinkProvider((destination, memory) => mailbox.postNewLogRing(destination, memory));
  const worker = options.createWorker({
    index: data.index, workerCount: data.workerCount, io, registry: options.registry, stats, sinks, slabs: data.slabs, log, exit,
    reportOutlier: (report) => mailbox.postOutlier(report),
    reportDestination: (report) => mailbox.postDestination(report),
  });
  const heartbeat = startHeartbeat({
    words: new Int32Array(data.heartbeats), workerIndex: data.index, scheduler,
    mainKillAfterMs: data.index === 0 ? data.mainKillAfterMs : 0,
    onMainStuck: () => {
      log.critical(`main thread has not turned for ${data.mainKillAfterMs} ms: killing the process`);
      process.kill(process.pid, 'SIGABRT');
    },
  });
  worker.start();
  port.on('message', (message) => mailbox.deliver(message, worker));
  log.debug(`worker ${data.index} entering dispatch loop`);
  mailbox.postReady();
}

/** The id under which the system knows this thread, as `top -H` shows it; the process id where it cannot be told. */
function systemThreadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1)) || process.pid;
  } catch {
    return process.pid;
  }
}
