/**
 * What crosses between main and a worker. Every message has a numeric `kind`; contents are plain data and shared buffers. None is
 * ever sent per request.
 *
 *     main -> worker   applySnapshot  updateHosts  healthChanged  hashTables  stopListening  shutDown
 *     worker -> main   ready  applied  stoppedListening  newStats  newLogRing  outlier  newDestination  failed
 */
import type { DestinationReport } from '../../core/cluster_manager/original_dst_cluster.ts';
import type { StatsAnnouncement } from '../../core/stats/store.ts';
import type { ListenerSnapshot, Snapshot } from '../../core/snapshot/snapshot.ts';
import type { HostSetConfig } from '../../core/upstream/cluster_config.ts';
import type { SharedHashTable } from '../../core/upstream/consistent_hash/hash_table.ts';
import type { OutlierReport } from '../../core/upstream/outlier_monitor.ts';
import type { PackedConfig } from './packed_snapshot.ts';

/** A Snapshot with what is large in it packed: clusters, and the `config` of each listener. */
export interface SnapshotMessage extends Omit<Snapshot, 'listeners' | 'clusters'> {
  readonly listeners: readonly Omit<ListenerSnapshot, 'config'>[];
  readonly packed: PackedConfig;
}

export const ToWorker = { applySnapshot: 1, updateHosts: 2, stopListening: 3, shutDown: 4, healthChanged: 5, hashTables: 6 } as const;

export type ToWorkerMessage =
  /** Swap to this configuration between two turns; answered with `applied`. */
  | { readonly kind: typeof ToWorker.applySnapshot; readonly snapshot: SnapshotMessage }
  /** One cluster's hosts changed. */
  | { readonly kind: typeof ToWorker.updateHosts; readonly clusterId: number; readonly hosts: HostSetConfig }
  /** The health words of some of a cluster's hosts are others. */
  | { readonly kind: typeof ToWorker.healthChanged; readonly clusterId: number }
  /** Tables of hashes over the hosts of a cluster, which may be still to come. */
  | { readonly kind: typeof ToWorker.hashTables; readonly clusterId: number; readonly tables: readonly SharedHashTable[] }
  /** Answered with `stoppedListening` of the same sequence number. */
  | { readonly kind: typeof ToWorker.stopListening; readonly inboundOnly: boolean; readonly sequence: number }
  /** Close every connection and end. */
  | { readonly kind: typeof ToWorker.shutDown };

export const FromWorker = { ready: 11, applied: 12, newStats: 13, newLogRing: 14, failed: 15, stoppedListening: 16, outlier: 17, newDestination: 18 } as const;

export type FromWorkerMessage =
  /** The thread stands and waits for its first snapshot. */
  | { readonly kind: typeof FromWorker.ready }
  | { readonly kind: typeof FromWorker.applied; readonly version: number }
  /** No listen socket of that stop is watched any more. */
  | { readonly kind: typeof FromWorker.stoppedListening; readonly sequence: number }
  | { readonly kind: typeof FromWorker.newStats; readonly announcement: StatsAnnouncement }
  /** The worker writes access-log lines for `destination` into this ring: main hands it to the flush thread. */
  | { readonly kind: typeof FromWorker.newLogRing; readonly destination: string; readonly memory: SharedArrayBuffer }
  /** A host failed too often in a row. */
  | { readonly kind: typeof FromWorker.outlier; readonly report: OutlierReport }
  /** A request named a host that no worker knew; once per worker and host. */
  | { readonly kind: typeof FromWorker.newDestination; readonly report: DestinationReport }
  /** Why the thread is about to end. */
  | { readonly kind: typeof FromWorker.failed; readonly reason: string };
