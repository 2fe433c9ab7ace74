import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { boundAddress, closeFd, createListenSocket, nativeAvailable, nativeUnavailableReason } from '../../native/index.ts';
import { Peer, until } from '../support/io_driver.ts';
import type { EchoWorkerData } from '../support/io_echo_worker.ts';

if (!nativeAvailable()) console.warn(`\n*** THE RING'S THREAD TESTS ARE SKIPPED: ${nativeUnavailableReason()} ***\n`);

describe.runIf(nativeAvailable())('ring io in worker threads', () => {
  const workers: Worker[] = [];
  const peers: Peer[] = [];
  const fds: number[] = [];

  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.socket.destroy();
    for (const worker of workers.splice(0)) await worker.terminate();
    for (const fd of fds.splice(0)) closeFd(fd);
  });

  function listenSocket(): { fd: number; port: number } {
    const fd = createListenSocket({ address: '127.0.0.1', port: 0, reusePort: true });
    fds.push(fd);
    return { fd, port: boundAddress(fd).port };
  }

  async function startWorker(fd: number): Promise<{ worker: Worker; exit: Promise<number>; failure: { message: string } }> {
    const workerData: EchoWorkerData = { fd };
    const worker = new Worker(new URL('../support/io_echo_worker.ts', import.meta.url), { workerData });
    workers.push(worker);
    const failure = { message: '' };
    worker.on('error', (error: unknown) => {
      failure.message = error instanceof Error ? error.message : String(error);
    });
    const exit = new Promise<number>((resolve) => worker.once('exit', resolve));
    await new Promise((resolve) => worker.once('message', resolve));
    return { worker, exit, failure };
  }

  function dial(port: number): Peer {
    const peer = new Peer({ host: '127.0.0.1', port });
    peers.push(peer);
    return peer;
  }

  /** Peers that keep a worker busy: each sends again whatever comes back. */
  async function load(port: number, connections: number): Promise<Peer[]> {
    const made = Array.from({ length: connections }, () => dial(port));
    for (const peer of made) {
      peer.socket.on('data', (chunk) => peer.socket.write(chunk));
      peer.socket.write(Buffer.alloc(2000, 'l'));
    }
    await until(() => made.every((peer) => peer.received > 100_000), 'the worker is under load');
    return made;
  }

  it('serves a listen socket that the main thread made', async () => {
    const { fd, port } = listenSocket();
    await startWorker(fd);
    const peer = dial(port);
    peer.socket.write('hello');
    await until(() => peer.text === 'hello', 'the echo came back');
  });

  it('shares one listen socket among threads', async () => {
    const { fd, port } = listenSocket();
    await startWorker(fd);
    await startWorker(fd);
    const made = Array.from({ length: 50 }, () => dial(port));
    for (const peer of made) peer.socket.write('hello');
    await until(() => made.every((peer) => peer.text === 'hello'), 'all echoed');
  });

  it('ends by terminate() under load, closes its connections, and leaves the listen socket open', async () => {
    const { fd, port } = listenSocket();
    const { worker, exit } = await startWorker(fd);
    const made = await load(port, 40);
    await worker.terminate();
    expect(await exit).toBe(1);
    await until(() => made.every((peer) => peer.ended || peer.closed), 'all connections are closed');
    // A connection that comes while nobody accepts waits for the next thread.
    const waiting = dial(port);
    waiting.socket.write('patience');
    await startWorker(fd);
    await until(() => waiting.text === 'patience', 'the next thread serves it');
  });

  it('survives many threads that come and go under load', async () => {
    for (let i = 0; i < 5; i++) {
      const { fd, port } = listenSocket();
      const { worker } = await startWorker(fd);
      const made = await load(port, 10);
      await worker.terminate();
      await until(() => made.every((peer) => peer.ended || peer.closed), 'all connections are closed');
    }
  }, 20_000);

  it('ends by terminate() while it sleeps', async () => {
    const { worker } = await startWorker(-1);
    await worker.terminate();
  });

  it('closes its connections when process.exit is called in a turn', async () => {
    const { fd, port } = listenSocket();
    const { exit } = await startWorker(fd);
    const idle = dial(port);
    idle.socket.write('idle');
    await until(() => idle.text === 'idle', 'served');
    const peer = dial(port);
    peer.socket.write('exit');
    expect(await exit).toBe(7);
    await until(() => (idle.ended || idle.closed) && (peer.ended || peer.closed), 'both are closed');
  });

  it('ends with the error of a turn that throws', async () => {
    const { fd, port } = listenSocket();
    const { exit, failure } = await startWorker(fd);
    const peer = dial(port);
    peer.socket.write('throw');
    expect(await exit).toBe(1);
    expect(failure.message).toBe('thrown in a turn');
    await until(() => peer.ended || peer.closed, 'its connection is closed');
  });
});
