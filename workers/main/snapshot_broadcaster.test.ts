import { describe, expect, it } from 'vitest';
import type { SharedHashTable } from '../../core/upstream/consistent_hash/hash_table.ts';
import { clusterConfig } from '../../test/support/in_process_worker.ts';
import { until } from '../../test/support/io_driver.ts';
import { ToWorker, type ToWorkerMessage } from '../protocol/messages.ts';
import { SnapshotBroadcaster, type SnapshotForWorkers } from './snapshot_broadcaster.ts';
import type { WorkerHandle } from './worker_handle.ts';

function setUp() {
  const messages: ToWorkerMessage[] = [];
  const worker = { index: 0, post: (message: ToWorkerMessage) => messages.push(message) } as unknown as WorkerHandle;
  const broadcaster = new SnapshotBroadcaster();
  const snapshot = (...ids: number[]): SnapshotForWorkers => ({
    listeners: [], runtime: {}, node: { id: '', cluster: '', zone: '' },
    clusters: ids.map((id) => ({ id, config: clusterConfig({ name: `c${id}` }), hosts: { cluster: `c${id}`, hosts: [] } })),
  });
  const publish = async (...ids: number[]): Promise<void> => {
    const before = messages.length;
    broadcaster.publish(snapshot(...ids), () => [worker]);
    await until(() => messages.length > before, 'the snapshot is packed');
  };
  const kinds = (): number[] => messages.splice(0).map((message) => message.kind);
  return { broadcaster, worker, messages, publish, kinds };
}

const TABLES: SharedHashTable[] = [];

describe('a worker gets', () => {
  it('tables of hashes at once, and before the snapshot when it starts later', async () => {
    const { broadcaster, worker, publish, kinds } = setUp();
    broadcaster.setHashTables(1, TABLES, []);
    await publish(1, 2);
    expect(kinds()).toEqual([ToWorker.hashTables, ToWorker.applySnapshot]);
    broadcaster.setHashTables(2, TABLES, [worker]);
    broadcaster.updateHosts(2, { cluster: 'c2', hosts: [] }, [worker]);
    expect(kinds()).toEqual([ToWorker.hashTables, ToWorker.updateHosts]);
    broadcaster.sendTo(worker);
    expect(kinds()).toEqual([ToWorker.hashTables, ToWorker.hashTables, ToWorker.applySnapshot, ToWorker.updateHosts]);
  });

  it('no tables of clusters that are gone', async () => {
    const { broadcaster, messages, publish } = setUp();
    broadcaster.setHashTables(1, TABLES, []);
    broadcaster.setHashTables(2, TABLES, []);
    await publish(2);
    expect(messages[0]).toEqual({ kind: ToWorker.hashTables, clusterId: 2, tables: TABLES });
    expect(messages[1].kind).toBe(ToWorker.applySnapshot);
  });
});
