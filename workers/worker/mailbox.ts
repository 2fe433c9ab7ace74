/** Takes main's messages to the worker they are for, and the worker's answers back. One per worker thread. */
import type { DestinationReport } from '../../core/cluster_manager/original_dst_cluster.ts';
import type { Scheduler } from '../../core/event/scheduler.ts';
import type { Snapshot } from '../../core/snapshot/snapshot.ts';
import type { StatsAnnouncement } from '../../core/stats/store.ts';
import type { HostSetConfig } from '../../core/upstream/cluster_config.ts';
import type { SharedHashTable } from '../../core/upstream/consistent_hash/hash_table.ts';
import type { OutlierReport } from '../../core/upstream/outlier_monitor.ts';
import { FromWorker, type FromWorkerMessage, type SnapshotMessage, ToWorker, type ToWorkerMessage } from '../protocol/messages.ts';
import { unpackClusters, unpackListeners } from '../protocol/packed_snapshot.ts';

/** The part of a worker that messages reach. */
export interface MailboxTarget {
  applySnapshot(snapshot: Snapshot): void;
  updateHosts(clusterId: number, hosts: HostSetConfig): void;
  onHealthChanged(clusterId: number): void;
  setHashTables(clusterId: number, tables: readonly SharedHashTable[]): void;
  stopListening(inboundOnly: boolean): void;
}

/** The worker's end of the message channel. */
export interface MailboxPort {
  postMessage(message: FromWorkerMessage): void;
}

export class Mailbox {
  private readonly port: MailboxPort;
  private readonly scheduler: Scheduler;
  private readonly onShutDown: () => void;

  constructor(port: MailboxPort, scheduler: Scheduler, onShutDown: () => void) {
    this.port = port;
    this.scheduler = scheduler;
    this.onShutDown = onShutDown;
  }

  /** Handles one message. Exceptions of the target pass: a snapshot that main validated and that does not apply is a bug. */
  deliver(message: ToWorkerMessage, target: MailboxTarget): void {
    switch (message.kind) {
      case ToWorker.applySnapshot:
        target.applySnapshot(unpackSnapshot(message.snapshot));
        this.acknowledge(message.snapshot.version);
        break;
      case ToWorker.updateHosts:
        target.updateHosts(message.clusterId, message.hosts);
        break;
      case ToWorker.healthChanged:
        target.onHealthChanged(message.clusterId);
        break;
      case ToWorker.hashTables:
        target.setHashTables(message.clusterId, message.tables);
        break;
      case ToWorker.stopListening:
        target.stopListening(message.inboundOnly);
        this.port.postMessage({ kind: FromWorker.stoppedListening, sequence: message.sequence });
        break;
      case ToWorker.shutDown:
        this.onShutDown();
        break;
    }
  }

  /** Not before the next turn: sockets that the platform opens (portable backend) listen only then. */
  private acknowledge(version: number): void {
    this.scheduler.schedule(0, () => this.port.postMessage({ kind: FromWorker.applied, version }));
  }

  postReady(): void {
    this.port.postMessage({ kind: FromWorker.ready });
  }

  postNewStats(announcement: StatsAnnouncement): void {
    this.port.postMessage({ kind: FromWorker.newStats, announcement });
  }

  postNewLogRing(destination: string, memory: SharedArrayBuffer): void {
    this.port.postMessage({ kind: FromWorker.newLogRing, destination, memory });
  }

  postDestination(report: DestinationReport): void {
    this.port.postMessage({ kind: FromWorker.newDestination, report });
  }

  postOutlier(report: OutlierReport): void {
    this.port.postMessage({ kind: FromWorker.outlier, report });
  }

  postFailed(reason: string): void {
    this.port.postMessage({ kind: FromWorker.failed, reason });
  }
}

function unpackSnapshot({ packed, listeners, ...rest }: SnapshotMessage): Snapshot {
  const configs = unpackListeners(packed);
  return { ...rest, listeners: listeners.map((listener, i) => ({ ...listener, config: configs[i] })), clusters: unpackClusters(packed) };
}
