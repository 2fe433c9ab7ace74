/**
 * The workers as the server sees them: their threads, what they announce, and what is left in shared memory by one that died.
 * Thread: main.
 */
import type { Scheduler } from '../core/event/scheduler.ts';
import type { Logger } from '../core/log/logger.ts';
import { HOST_STAT_WORDS, HostStat, type SharedSlabs } from '../core/shared_memory/layout.ts';
import type { Counter, StatsScope } from '../core/stats/stats.ts';
import type { HostSetConfig } from '../core/upstream/cluster_config.ts';
import type { SharedHashTable } from '../core/upstream/consistent_hash/hash_table.ts';
import type { DestinationReport } from '../core/cluster_manager/original_dst_cluster.ts';
import type { OutlierReport } from '../core/upstream/outlier_monitor.ts';
import type { StatsAnnouncement } from '../core/stats/store.ts';
import type { PublishedConfig, SnapshotForWorkers } from '../workers/main/snapshot_broadcaster.ts';
import { DEATHS_MAX, WorkerPool, type WorkerPoolEvents } from '../workers/main/worker_pool.ts';
import type { WorkerData } from '../workers/protocol/worker_data.ts';
import type { StatsRegistry, ThreadStats } from './stats/stats_registry.ts';

/** Milliseconds that a worker has to end when the process does. */
const FORCE_AFTER_MS = 1000;

export interface WorkerSupervisorOptions {
  readonly entry: URL;
  readonly count: number;
  readonly data: Omit<WorkerData, 'index' | 'workerCount'>;
  readonly slabs: SharedSlabs;
  readonly registry: StatsRegistry;
  /** Main's root scope. */
  readonly stats: StatsScope;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Host ids in use are below this. */
  readonly hostIdEnd: () => number;
  /** Called once, when every worker runs on the first snapshot. */
  readonly onAllServing: () => void;
  /** A worker writes access logs into this ring. */
  readonly onNewLogRing: (workerIndex: number, destination: string, memory: SharedArrayBuffer) => void;
  /** A host failed too often in a row. */
  readonly onOutlier: (report: OutlierReport) => void;
  readonly onDestination: (report: DestinationReport) => void;
  /** A worker died; its thread is gone. */
  readonly onDeath: (workerIndex: number) => void;
  /** Too many deaths: the process is to end with an error. */
  readonly onGivenUp: () => void;
}

export class WorkerSupervisor implements WorkerPoolEvents {
  private readonly options: WorkerSupervisorOptions;
  private readonly pool: WorkerPool;
  private readonly threadStats: ThreadStats[];
  private readonly deaths: Counter;

  constructor(options: WorkerSupervisorOptions) {
    this.options = options;
    this.threadStats = Array.from({ length: options.count }, () => options.registry.connectThread());
    this.deaths = options.stats.scope('workers').counter('deaths');
    this.pool = new WorkerPool({ entry: options.entry, count: options.count, data: options.data, scheduler: options.scheduler }, this);
  }

  /** Starts the threads; they wait for a snapshot. */
  start(): void {
    this.pool.start();
  }

  publish(snapshot: SnapshotForWorkers): void {
    const version = this.pool.publish(snapshot);
    this.options.log.debug(`snapshot ${version} sent to ${this.pool.count} workers`);
  }

  /** What workers run on; undefined before they do. */
  published(): PublishedConfig | undefined {
    return this.pool.published();
  }

  updateHosts(clusterId: number, hosts: HostSetConfig): void {
    this.pool.updateHosts(clusterId, hosts);
  }

  /** The health words of some of a cluster's hosts are others. */
  setHashTables(clusterId: number, tables: readonly SharedHashTable[]): void {
    this.pool.setHashTables(clusterId, tables);
  }

  healthChanged(clusterId: number): void {
    this.pool.healthChanged(clusterId);
  }

  /** Workers stop accepting; calls back when none of them watches the sockets any more. */
  stopListening(inboundOnly: boolean, onStopped: () => void): void {
    this.pool.stopListening(inboundOnly, onStopped);
  }

  isServing(workerIndex: number): boolean {
    return this.pool.isWorkerServing(workerIndex);
  }

  shutDown(): Promise<void> {
    return this.pool.shutDown(FORCE_AFTER_MS);
  }

  onAllServing(): void {
    this.options.onAllServing();
  }

  onNewStats(workerIndex: number, announcement: StatsAnnouncement): void {
    this.threadStats[workerIndex].apply(announcement);
  }

  onNewLogRing(workerIndex: number, destination: string, memory: SharedArrayBuffer): void {
    this.options.onNewLogRing(workerIndex, destination, memory);
  }

  onDestination(report: DestinationReport): void {
    this.options.onDestination(report);
  }

  onOutlier(report: OutlierReport): void {
    this.options.onOutlier(report);
  }

  onDeath(workerIndex: number, cause: string): void {
    this.deaths.inc();
    this.options.log.critical(`worker ${workerIndex} died: ${cause}`);
    this.threadStats[workerIndex].disconnect();
    this.threadStats[workerIndex] = this.options.registry.connectThread();
    this.clearUse(workerIndex);
    this.options.onDeath(workerIndex);
  }

  onTooManyDeaths(): void {
    this.options.log.critical(`${DEATHS_MAX} workers died within a minute: giving up`);
    this.options.onGivenUp();
  }

  /** Nothing is in use by a dead worker; totals stay. The worker is gone, so its words have no other writer now. */
  private clearUse(workerIndex: number): void {
    const { slabs } = this.options;
    const circuits = new Int32Array(slabs.circuits[workerIndex]);
    // Word by word, and only where something stands: untouched pages stay untouched.
    for (let i = 0; i < circuits.length; i++) if (circuits[i] !== 0) circuits[i] = 0;
    new Int32Array(slabs.counts[workerIndex]).fill(0);
    const hosts = new Float64Array(slabs.hostStats[workerIndex]);
    for (let id = 0; id < this.options.hostIdEnd(); id++) {
      hosts[id * HOST_STAT_WORDS + HostStat.cxActive] = 0;
      hosts[id * HOST_STAT_WORDS + HostStat.rqActive] = 0;
    }
  }
}
