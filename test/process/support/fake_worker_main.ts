/**
 * A worker thread with a tiny worker: answers every request with a few facts about itself. Paths that make it misbehave:
 * `/exit` ends the thread, `/throw` lets an exception escape, `/stall` blocks the loop for 2.5 s, `/stall-for-ever` for ever, `/stall-and-exit` for 0.5 s and
 * then ends the thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { CommandWriter } from '../../../core/io/command_writer.ts';
import { CloseMode, EVENT_WORDS, IoEvent } from '../../../core/io/io.ts';
import { FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import type { Snapshot } from '../../../core/snapshot/snapshot.ts';
import type { HostSetConfig } from '../../../core/upstream/cluster_config.ts';
import type { WorkerData } from '../../../workers/protocol/worker_data.ts';
import { runWorkerThread, type ThreadWorker, type ThreadWorkerDependencies } from '../../../workers/worker/worker_thread.ts';

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

class FakeWorker implements ThreadWorker {
  private readonly deps: ThreadWorkerDependencies;
  private readonly commands: CommandWriter;
  private readonly listeners = new Map<number, 'inbound' | 'other'>();
  private readonly hosts = new Map<number, string>();
  private version = 0;

  constructor(deps: ThreadWorkerDependencies) {
    this.deps = deps;
    this.commands = new CommandWriter(deps.io);
  }

  start(): void {
    this.deps.io.start(() => this.onTurn());
  }

  applySnapshot(snapshot: Snapshot): void {
    this.version = snapshot.version;
    for (const cluster of snapshot.clusters) this.updateHosts(cluster.id, cluster.hosts);
    if (this.listeners.size > 0) return;
    for (const listener of snapshot.listeners) {
      for (const source of listener.sockets) {
        this.listeners.set(this.deps.io.adoptListener(source), listener.config.trafficDirection === 'inbound' ? 'inbound' : 'other');
      }
      this.deps.sinks.sink('/dev/stderr');
    }
  }

  updateHosts(clusterId: number, { hosts }: HostSetConfig): void {
    this.hosts.set(clusterId, hosts.map((host) => `${host.id}=${host.address}:${host.port}`).join(','));
  }

  onHealthChanged(): void {}

  setHashTables(): void {}

  stopListening(inboundOnly: boolean): void {
    for (const [listener, direction] of this.listeners) {
      if (!inboundOnly || direction === 'inbound') this.deps.io.releaseListener(listener);
    }
  }

  close(): void {}

  private onTurn(): void {
    const { io } = this.deps;
    this.commands.reset();
    for (let e = 0; e < io.control[1] * EVENT_WORDS; e += EVENT_WORDS) {
      const [connection, kind, offset, length] = io.events.subarray(e, e + EVENT_WORDS);
      if (kind === IoEvent.data) {
        const path = io.slabBuffer.toString('latin1', offset, offset + length).split(' ')[1] ?? '/';
        io.events[e + 3] = 0;
        this.answer(connection, path);
      } else if (kind === IoEvent.eof || kind === IoEvent.error) {
        this.commands.close(connection, CloseMode.now);
      }
    }
  }

  private answer(connection: number, path: string): void {
    if (path === '/exit') process.exit(7);
    if (path === '/throw') setTimeout(() => { throw new Error('a filter broke'); }, 0);
    if (path === '/stall') block(2500);
    if (path === '/stall-for-ever') block(Number.POSITIVE_INFINITY);
    if (path === '/stall-and-exit') {
      this.deps.log.warning('about to end');
      block(500);
      process.exit(7);
    }
    this.deps.stats.rootScope().counter('fake.requests').inc();
    const body = JSON.stringify({ worker: this.deps.index, version: this.version, hosts: Object.fromEntries(this.hosts) });
    const text = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
    this.deps.io.sendBytes(connection, text, 0, text.length);
    this.commands.close(connection, CloseMode.flush);
  }
}

if (parentPort === null) throw new Error('runs on a worker thread');
runWorkerThread({
  port: parentPort, data: workerData as WorkerData, registry: new FactoryRegistry(), acceptsStat: () => true,
  createWorker: (dependencies) => new FakeWorker(dependencies),
});
