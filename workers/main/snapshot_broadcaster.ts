/**
 * Gives every worker its copy of the current configuration: the same snapshot with that worker's listen sockets. Keeps the
 * latest one for workers that start later. Thread: main.
 */
import type { ListenSource } from '../../core/io/io.ts';
import type { ClusterSnapshot, ListenerSnapshot, Snapshot } from '../../core/snapshot/snapshot.ts';
import type { HostSetConfig } from '../../core/upstream/cluster_config.ts';
import { ToWorker } from '../protocol/messages.ts';
import type { WorkerHandle } from './worker_handle.ts';

/** A listener without its sockets, and where each worker's sockets are to be found. */
export interface ListenerForWorkers {
  readonly listener: Omit<ListenerSnapshot, 'sockets'>;
  /** The sockets that one worker gets now, in the order of the listener's addresses; empty: it does not listen. */
  socketsFor(workerIndex: number): readonly ListenSource[];
}

/** A snapshot as main builds it. */
export interface SnapshotForWorkers {
  readonly listeners: readonly ListenerForWorkers[];
  readonly clusters: readonly ClusterSnapshot[];
  readonly runtime: Snapshot['runtime'];
  readonly node: Snapshot['node'];
}

export class SnapshotBroadcaster {
  private current: SnapshotForWorkers | undefined;
  private clusters: readonly ClusterSnapshot[] = [];
  private latestVersion = 0;
  /** Version of the latest snapshot; 0 = none yet. */
  get version(): number {
    return this.latestVersion;
  }

  /** Makes this the current configuration and sends it. Returns its version. */
  publish(snapshot: SnapshotForWorkers, workers: Iterable<WorkerHandle>): number {
    this.current = snapshot;
    this.clusters = snapshot.clusters;
    this.latestVersion++;
    for (const worker of workers) this.sendTo(worker);
    return this.latestVersion;
  }

  /** One cluster's hosts changed. */
  updateHosts(clusterId: number, hosts: HostSetConfig, workers: Iterable<WorkerHandle>): void {
    this.clusters = this.clusters.map((cluster) => (cluster.id === clusterId ? { ...cluster, hosts } : cluster));
    for (const worker of workers) worker.post({ kind: ToWorker.updateHosts, clusterId, hosts });
  }

  /** Sends the current configuration to one worker (one that has just started). */
  sendTo(worker: WorkerHandle): void {
    if (this.current === undefined) return;
    worker.post({ kind: ToWorker.applySnapshot, snapshot: this.snapshotFor(worker.index) });
  }

  private snapshotFor(workerIndex: number): Snapshot {
    const current = this.current;
    if (current === undefined) throw new Error('no snapshot was published');
    return {
      version: this.latestVersion,
      listeners: current.listeners.map((each) => ({ ...each.listener, sockets: each.socketsFor(workerIndex) })),
      clusters: this.clusters,
      runtime: current.runtime,
      node: current.node,
    };
  }
}
