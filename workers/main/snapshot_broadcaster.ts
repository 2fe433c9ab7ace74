/**
 * Gives every worker its copy of the current configuration: the same snapshot with that worker's listen sockets. Keeps the
 * latest one for workers that start later. Thread: main.
 */
import type { ListenSource } from '../../core/io/io.ts';
import type { ClusterSnapshot, ListenerSnapshot, Snapshot } from '../../core/snapshot/snapshot.ts';
import type { HostSetConfig } from '../../core/upstream/cluster_config.ts';
import type { SharedHashTable } from '../../core/upstream/consistent_hash/hash_table.ts';
import { ToWorker } from '../protocol/messages.ts';
import { packConfig, type PackedConfig } from '../protocol/packed_snapshot.ts';
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
  readonly localCluster?: Snapshot['localCluster'];
}

/** The configuration that workers get, once it is packed. */
interface Current {
  readonly snapshot: Omit<SnapshotForWorkers, 'clusters'>;
  readonly packed: PackedConfig;
  readonly version: number;
}

/** What workers run on, for whoever looks at it from another thread. */
export interface PublishedConfig extends Omit<Current, 'snapshot'> {
  /** By cluster id: they replace those in `packed`. */
  readonly hostChanges: ReadonlyMap<number, HostSetConfig>;
}

export class SnapshotBroadcaster {
  private current: Current | undefined;
  /** Hosts that changed after the latest snapshot was published, by cluster: they follow the snapshot to whoever gets it. */
  private readonly hostChanges = new Map<number, HostSetConfig>();
  /** Tables of hashes by cluster: they go before the snapshot to whoever gets it. */
  private readonly hashTables = new Map<number, readonly SharedHashTable[]>();
  private latestVersion = 0;
  /** Version of the latest snapshot; 0 = none yet. */
  get version(): number {
    return this.latestVersion;
  }

  /** The current configuration; undefined before there is one. */
  published(): PublishedConfig | undefined {
    const { current, hostChanges } = this;
    return current === undefined ? undefined : { packed: current.packed, version: current.version, hostChanges };
  }

  /**
   * Makes this the current configuration and sends it, once it is packed, to those that `workers` gives then. Packing leaves the loop
   * its turns; what is published meanwhile overtakes it. Returns its version at once.
   */
  publish(snapshot: SnapshotForWorkers, workers: () => Iterable<WorkerHandle>): number {
    this.hostChanges.clear();
    const ids = new Set(snapshot.clusters.map((cluster) => cluster.id));
    for (const id of this.hashTables.keys()) if (!ids.has(id)) this.hashTables.delete(id);
    const version = ++this.latestVersion;
    void this.packAndSend(snapshot, version, workers);
    return version;
  }

  /** One cluster's hosts changed. */
  updateHosts(clusterId: number, hosts: HostSetConfig, workers: Iterable<WorkerHandle>): void {
    this.hostChanges.set(clusterId, hosts);
    for (const worker of workers) worker.post({ kind: ToWorker.updateHosts, clusterId, hosts });
  }

  /** Main made tables for a cluster. */
  setHashTables(clusterId: number, tables: readonly SharedHashTable[], workers: Iterable<WorkerHandle>): void {
    this.hashTables.set(clusterId, tables);
    for (const worker of workers) worker.post({ kind: ToWorker.hashTables, clusterId, tables });
  }

  /** Sends the current configuration to one worker (one that has just started). */
  sendTo(worker: WorkerHandle): void {
    if (this.current === undefined) return;
    const { snapshot, packed, version } = this.current;
    const listeners = snapshot.listeners.map(({ listener: { id, boundAddresses }, socketsFor }) => ({ id, boundAddresses, sockets: socketsFor(worker.index) }));
    for (const [clusterId, tables] of this.hashTables) worker.post({ kind: ToWorker.hashTables, clusterId, tables });
    worker.post({ kind: ToWorker.applySnapshot, snapshot: { version, listeners, packed, runtime: snapshot.runtime, node: snapshot.node, localCluster: snapshot.localCluster } });
    for (const [clusterId, hosts] of this.hostChanges) worker.post({ kind: ToWorker.updateHosts, clusterId, hosts });
  }

  private async packAndSend({ clusters, ...snapshot }: SnapshotForWorkers, version: number, workers: () => Iterable<WorkerHandle>): Promise<void> {
    const packed = await packConfig(snapshot.listeners.map(({ listener }) => listener.config), clusters);
    if (version !== this.latestVersion) return;
    this.current = { snapshot, packed, version };
    for (const worker of workers()) this.sendTo(worker);
  }
}
