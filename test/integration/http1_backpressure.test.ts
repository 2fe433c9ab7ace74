import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { backendsUnderTest, until } from '../support/io_driver.ts';
import { InProcessWorker } from '../support/in_process_worker.ts';

const MIB = 1 << 20;
const PEER = fileURLToPath(new URL('../support/bulk_peer.ts', import.meta.url));

describe.each(backendsUnderTest())('a slow reader bounds our memory on the %s backend', (backend) => {
  let peer: ChildProcess | undefined;
  let worker: InProcessWorker | undefined;
  afterEach(() => {
    worker?.close();
    peer?.disconnect();
  });

  const total = 256 * MIB;
  // node:net reads into buffers of its own: what is left of them when the collector comes late varies with the load of the machine.
  const growthMaxMib = backend === 'ring' ? 8 : 32;

  it.each(['download', 'upload'] as const)('%s', async (direction) => {
    let origin = 0;
    let received = 0;
    const child = fork(PEER, { stdio: 'inherit', execArgv: [] });
    peer = child;
    child.on('message', (message: { origin?: number; received?: number }) => {
      origin = message.origin ?? origin;
      received = message.received ?? received;
    });
    await until(() => origin !== 0, 'the origin listens');
    const proxy = await InProcessWorker.start({ backend, upstreamPorts: [origin], cluster: { maxRequestsPerConnection: 1 } });
    worker = proxy;
    const transfer = async (bytes: number) => {
      received = 0;
      let most = 0;
      child.send({ port: proxy.port, direction, bytes });
      await until(() => {
        most = Math.max(most, process.memoryUsage.rss());
        return received !== 0;
      }, `${bytes} bytes arrive`, 60_000);
      expect(received).toBe(bytes);
      return most;
    };
    // The first transfer touches the memory that every later one uses again, and has the hot code compiled.
    await transfer(64 * MIB);
    globalThis.gc?.();
    const before = process.memoryUsage.rss();
    const most = await transfer(total);
    expect((most - before) / MIB).toBeLessThan(growthMaxMib);
    expect(proxy.stat(direction === 'download' ? 'cluster.c.upstream_flow_control_paused_reading_total' : 'http.ingress.downstream_flow_control_paused_reading_total')).toBeGreaterThan(0);
    expect(proxy.stat('http.ingress.downstream_rq_active')).toBe(0);
  }, 120_000);
});
