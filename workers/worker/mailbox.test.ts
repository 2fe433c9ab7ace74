import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../core/snapshot/snapshot.ts';
import { SimulatedScheduler } from '../../test/support/simulated_scheduler.ts';
import { FromWorker, type FromWorkerMessage, type SnapshotMessage, ToWorker } from '../protocol/messages.ts';
import { Mailbox } from './mailbox.ts';

const SNAPSHOT: SnapshotMessage = { version: 7, listeners: [], packed: { listeners: [], clusters: [] }, runtime: {}, node: { id: '', cluster: '', zone: '' } };

function setUp() {
  const posted: FromWorkerMessage[] = [];
  const calls: string[] = [];
  const scheduler = new SimulatedScheduler();
  const mailbox = new Mailbox({ postMessage: (message) => posted.push(message) }, scheduler, () => calls.push('shutDown'));
  const target = {
    applySnapshot: (snapshot: Snapshot) => calls.push(`apply ${snapshot.version}`),
    updateHosts: (clusterId: number) => calls.push(`hosts ${clusterId}`),
    onHealthChanged: (clusterId: number) => calls.push(`health ${clusterId}`),
    setHashTables: (clusterId: number, tables: readonly unknown[]) => calls.push(`tables ${clusterId} ${tables.length}`),
    stopListening: (inboundOnly: boolean) => calls.push(`stop ${inboundOnly}`),
  };
  return { posted, calls, scheduler, mailbox, target };
}

describe('a mailbox', () => {
  it('hands each message to the worker', () => {
    const { calls, mailbox, target } = setUp();
    mailbox.deliver({ kind: ToWorker.applySnapshot, snapshot: SNAPSHOT }, target);
    mailbox.deliver({ kind: ToWorker.updateHosts, clusterId: 3, hosts: { cluster: 'c', hosts: [] } }, target);
    mailbox.deliver({ kind: ToWorker.healthChanged, clusterId: 4 }, target);
    mailbox.deliver({ kind: ToWorker.hashTables, clusterId: 5, tables: [] }, target);
    mailbox.deliver({ kind: ToWorker.stopListening, inboundOnly: true, sequence: 1 }, target);
    mailbox.deliver({ kind: ToWorker.shutDown }, target);
    expect(calls).toEqual(['apply 7', 'hosts 3', 'health 4', 'tables 5 0', 'stop true', 'shutDown']);
  });

  it('acknowledges a snapshot in a later turn, and a stop at once', () => {
    const { posted, scheduler, mailbox, target } = setUp();
    mailbox.deliver({ kind: ToWorker.applySnapshot, snapshot: SNAPSHOT }, target);
    expect(posted).toEqual([]);
    scheduler.advance(1);
    mailbox.deliver({ kind: ToWorker.stopListening, inboundOnly: false, sequence: 9 }, target);
    expect(posted).toEqual([{ kind: FromWorker.applied, version: 7 }, { kind: FromWorker.stoppedListening, sequence: 9 }]);
  });

  it('does not acknowledge a snapshot that does not apply', () => {
    const { posted, scheduler, mailbox, target } = setUp();
    const broken = { ...target, applySnapshot: () => { throw new Error('bug'); } };
    expect(() => mailbox.deliver({ kind: ToWorker.applySnapshot, snapshot: SNAPSHOT }, broken)).toThrow('bug');
    scheduler.advance(1000);
    expect(posted).toEqual([]);
  });
});
