/**
 * The workers: starts them, sends them configuration, and starts one again that dies.
 *
 *     start -> ready -> snapshot -> applied ... exit -> (fewer than 3 deaths in a minute) -> start with the same index
 *                                                   -> (third death within a minute)      -> onTooManyDeaths
 *
 * Thread: main.
 */
import type { Scheduler } from '../../core/event/scheduler.ts';
import type { StatsAnnouncement } from '../../core/stats/store.ts';
import type { HostSetConfig } from '../../core/upstream/cluster_config.ts';
import type { SharedHashTable } from '../../core/upstream/consistent_hash/hash_table.ts';
import type { DestinationReport } from '../../core/cluster_manager/original_dst_cluster.ts';
import type { OutlierReport } from '../../core/upstream/outlier_monitor.ts';
import { ToWorker } from '../protocol/messages.ts';
import type { WorkerData } from '../protocol/worker_data.ts';
import { type PublishedConfig, SnapshotBroadcaster, type SnapshotForWorkers } from './snapshot_broadcaster.ts';
import { WorkerHandle, type WorkerHandleEvents } from './worker_handle.ts';

/** Deaths within this time that end the process. */
export const DEATHS_MAX = 3;
export const DEATH_WINDOW_MS = 60_000;

export interface WorkerPoolEvents {
  /** Every worker runs on the first snapshot. Called once. */
  onAllServing(): void;
  onNewStats(workerIndex: number, announcement: StatsAnnouncement): void;
  onNewLogRing(workerIndex: number, destination: string, memory: SharedArrayBuffer): void;
  /** A host failed too often in a row. */
  onOutlier(report: OutlierReport): void;
  /** A request named a host that no worker knew. */
  onDestination(report: DestinationReport): void;
  /** A worker is gone; what it left in shared memory is to be cleared before this returns. It is started again afterwards. */
  onDeath(workerIndex: number, cause: string): void;
  /** The third death in a minute: nothing is started again. */
  onTooManyDeaths(): void;
}

export interface WorkerPoolOptions {
  /** The module that workers run. */
  readonly entry: URL;
  readonly count: number;
  /** Everything of WorkerData but the index. */
  readonly data: Omit<WorkerData, 'index' | 'workerCount'>;
  readonly scheduler: Scheduler;
}

export class WorkerPool implements WorkerHandleEvents {
  private readonly options: WorkerPoolOptions;
  private readonly events: WorkerPoolEvents;
  private readonly broadcaster = new SnapshotBroadcaster();
  private readonly handles: (WorkerHandle | undefined)[];
  private deathTimes: number[] = [];
  /** Stops that some worker has not answered. */
  private readonly stops = new Map<number, { readonly waiting: Set<WorkerHandle>; readonly onStopped: () => void }>();
  private stopSequence = 0;
  private isServing = false;
  private isClosing = false;

  constructor(options: WorkerPoolOptions, events: WorkerPoolEvents) {
    this.options = options;
    this.events = events;
    this.handles = new Array<WorkerHandle | undefined>(options.count).fill(undefined);
  }

  get count(): number {
    return this.options.count;
  }

  /** Whether this worker's thread runs on a snapshot now. */
  isWorkerServing(index: number): boolean {
    return (this.handles[index]?.appliedVersion ?? 0) > 0;
  }

  /** Starts the threads. A published snapshot reaches each as soon as it stands. */
  start(): void {
    for (let i = 0; i < this.options.count; i++) this.startWorker(i);
  }

  /** Sends a configuration to all workers within some turns, to those that are not up yet when they are. Returns its version. */
  publish(snapshot: SnapshotForWorkers): number {
    return this.broadcaster.publish(snapshot, () => this.ready());
  }

  /** What workers run on; undefined before they do. */
  published(): PublishedConfig | undefined {
    return this.broadcaster.published();
  }

  updateHosts(clusterId: number, hosts: HostSetConfig): void {
    this.broadcaster.updateHosts(clusterId, hosts, this.ready());
  }

  /** Tables of hashes for a cluster; to be set before the hosts they are of. */
  setHashTables(clusterId: number, tables: readonly SharedHashTable[]): void {
    this.broadcaster.setHashTables(clusterId, tables, this.ready());
  }

  /** The health words of some of a cluster's hosts are others. */
  healthChanged(clusterId: number): void {
    for (const worker of this.ready()) worker.post({ kind: ToWorker.healthChanged, clusterId });
  }

  /** Workers stop accepting; calls back when none of them watches the sockets any more. */
  stopListening(inboundOnly: boolean, onStopped: () => void): void {
    const sequence = ++this.stopSequence;
    const workers = this.ready();
    for (const worker of workers) worker.post({ kind: ToWorker.stopListening, inboundOnly, sequence });
    if (workers.length === 0) onStopped();
    else this.stops.set(sequence, { waiting: new Set(workers), onStopped });
  }

  /** Ends a worker that stands still; it counts as a death and is started again. */
  kill(index: number, cause: string): void {
    this.handles[index]?.kill(cause);
  }

  /** Ends all workers; by force after `forceAfterMs`. */
  async shutDown(forceAfterMs: number): Promise<void> {
    this.isClosing = true;
    await Promise.all(this.living().map((handle) => handle.shutDown(forceAfterMs)));
  }

  onReady(handle: WorkerHandle): void {
    this.broadcaster.sendTo(handle);
  }

  onApplied(): void {
    if (this.isServing || this.handles.some((handle) => handle === undefined || handle.appliedVersion === 0)) return;
    this.isServing = true;
    this.events.onAllServing();
  }

  onStoppedListening(handle: WorkerHandle, sequence: number): void {
    this.settleStop(handle, sequence);
  }

  onNewStats(handle: WorkerHandle, announcement: StatsAnnouncement): void {
    this.events.onNewStats(handle.index, announcement);
  }

  onNewLogRing(handle: WorkerHandle, destination: string, memory: SharedArrayBuffer): void {
    this.events.onNewLogRing(handle.index, destination, memory);
  }

  onDestination(report: DestinationReport): void {
    this.events.onDestination(report);
  }

  onOutlier(report: OutlierReport): void {
    this.events.onOutlier(report);
  }

  onExit(handle: WorkerHandle, cause: string): void {
    this.handles[handle.index] = undefined;
    for (const sequence of [...this.stops.keys()]) this.settleStop(handle, sequence);
    if (this.isClosing) return;
    const nowMs = this.options.scheduler.nowMs();
    this.deathTimes = this.deathTimes.filter((time) => nowMs - time < DEATH_WINDOW_MS);
    this.deathTimes.push(nowMs);
    this.events.onDeath(handle.index, cause);
    if (this.deathTimes.length >= DEATHS_MAX) {
      this.isClosing = true;
      this.events.onTooManyDeaths();
    } else {
      this.startWorker(handle.index);
    }
  }

  private settleStop(handle: WorkerHandle, sequence: number): void {
    const stop = this.stops.get(sequence);
    if (stop === undefined) return;
    stop.waiting.delete(handle);
    if (stop.waiting.size > 0) return;
    this.stops.delete(sequence);
    stop.onStopped();
  }

  private startWorker(index: number): void {
    const data: WorkerData = { ...this.options.data, index, workerCount: this.options.count };
    this.handles[index] = new WorkerHandle(this.options.entry, data, this);
  }

  /** Those that take messages; the others get everything as soon as they do. */
  private ready(): WorkerHandle[] {
    return this.living().filter((handle) => handle.isReady);
  }

  private living(): WorkerHandle[] {
    return this.handles.filter((handle) => handle !== undefined);
  }
}
