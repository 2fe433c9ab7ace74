/** Main's end of one worker thread, from its start to its end. A restarted worker has a new handle. Thread: main. */
import { getSourceMapsSupport } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { StatsAnnouncement } from '../../core/stats/store.ts';
import type { DestinationReport } from '../../core/cluster_manager/original_dst_cluster.ts';
import type { OutlierReport } from '../../core/upstream/outlier_monitor.ts';
import { FromWorker, type FromWorkerMessage, type ToWorkerMessage, ToWorker } from '../protocol/messages.ts';
import type { WorkerData } from '../protocol/worker_data.ts';

/** Of a worker, in MiB; V8's own default is 48. */
const YOUNG_GENERATION_MB = 12;

export interface WorkerHandleEvents {
  onReady(handle: WorkerHandle): void;
  onApplied(handle: WorkerHandle, version: number): void;
  onStoppedListening(handle: WorkerHandle, sequence: number): void;
  onNewStats(handle: WorkerHandle, announcement: StatsAnnouncement): void;
  onNewLogRing(handle: WorkerHandle, destination: string, memory: SharedArrayBuffer): void;
  onOutlier(report: OutlierReport): void;
  onDestination(report: DestinationReport): void;
  /** The thread is gone. `cause`: a sentence with the stack where there is one. Called once. */
  onExit(handle: WorkerHandle, cause: string): void;
}

export class WorkerHandle {
  readonly index: number;
  /** Whether the thread stands and takes messages. */
  isReady = false;
  /** Version of the snapshot it runs on; 0 = none yet. */
  appliedVersion = 0;
  private readonly events: WorkerHandleEvents;
  private readonly thread: Worker;
  private cause = '';
  private isGone = false;
  private isShuttingDown = false;
  private readonly gone: Promise<void>;

  /** Starts the thread. `entry`: the module it runs. */
  constructor(entry: URL, data: WorkerData, events: WorkerHandleEvents) {
    this.index = data.index;
    this.events = events;
    this.thread = new Worker(entry, {
      workerData: data, name: `wrk:worker_${data.index}`, stdin: false,
      // As in main: errors name places in the sources.
      ...(getSourceMapsSupport().enabled ? { execArgv: [...process.execArgv, '--enable-source-maps'] } : {}),
      // The data path makes no garbage: a small nursery keeps each worker's memory down.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.thread.on('message', (message: FromWorkerMessage) => this.onMessage(message));
    this.thread.on('error', (error: unknown) => this.onError(error));
    this.gone = new Promise((resolve) => {
      this.thread.on('exit', (code) => {
        this.onExit(code);
        resolve();
      });
    });
  }

  post(message: ToWorkerMessage): void {
    if (!this.isGone) this.thread.postMessage(message);
  }

  /** Asks the thread to close its connections and end; ends it by force after `forceAfterMs`. Resolves when it is gone. */
  async shutDown(forceAfterMs: number): Promise<void> {
    this.isShuttingDown = true;
    this.post({ kind: ToWorker.shutDown });
    const force = setTimeout(() => void this.thread.terminate(), forceAfterMs);
    await this.gone;
    clearTimeout(force);
  }

  /** Ends the thread where it stands; `onExit` follows with this cause. */
  kill(cause: string): void {
    this.cause = cause;
    void this.thread.terminate();
  }

  private onMessage(message: FromWorkerMessage): void {
    switch (message.kind) {
      case FromWorker.ready:
        this.isReady = true;
        this.events.onReady(this);
        break;
      case FromWorker.applied:
        this.appliedVersion = message.version;
        this.events.onApplied(this, message.version);
        break;
      case FromWorker.stoppedListening:
        this.events.onStoppedListening(this, message.sequence);
        break;
      case FromWorker.newStats:
        this.events.onNewStats(this, message.announcement);
        break;
      case FromWorker.newLogRing:
        this.events.onNewLogRing(this, message.destination, message.memory);
        break;
      case FromWorker.outlier:
        this.events.onOutlier(message.report);
        break;
      case FromWorker.newDestination:
        this.events.onDestination(message.report);
        break;
      case FromWorker.failed:
        this.cause = message.reason;
        break;
    }
  }

  private onError(error: unknown): void {
    if (this.cause !== '') return;
    this.cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }

  private onExit(code: number): void {
    this.isGone = true;
    if (this.isShuttingDown) return;
    this.events.onExit(this, this.cause === '' ? `the thread ended by itself with code ${code}` : this.cause);
  }
}
