/** Memory of the whole process while a slow reader is at the other end: what a user would see in top. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { backendsUnderTest } from '../support/io_driver.ts';
import { bootstrap, cluster } from './support/bootstraps.ts';
import { EnvoytsProcess } from './support/envoyts_process.ts';

const MIB = 1 << 20;
const PEER = fileURLToPath(new URL('../support/bulk_peer.ts', import.meta.url));
const canMeasure = process.platform === 'linux';
if (!canMeasure) console.warn('back-pressure memory SKIPPED: the peak of a process is read from /proc');

/** Bytes: the process's memory now and its peak since it was last forgotten. */
function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
  return { now: field('VmRSS'), peak: field('VmHWM') };
}

/** proc(5): VmHWM begins anew at VmRSS. */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

describe.runIf(canMeasure).each(backendsUnderTest())('a slow reader bounds the memory of the process on the %s backend', (backend) => {
  let peer: ChildProcess | undefined;
  let envoyts: EnvoytsProcess | undefined;
  afterEach(async () => {
    peer?.disconnect();
    await envoyts?.dispose();
  });

  it.each([
    ['download', 'cluster.c.upstream_flow_control_paused_reading_total'],
    ['upload', 'http.main.downstream_flow_control_paused_reading_total'],
  ])('%s', async (direction, paused) => {
    const child = fork(PEER, { stdio: 'inherit', execArgv: [] });
    peer = child;
    const [{ origin }] = (await once(child, 'message')) as [{ origin: number }];
    const config = bootstrap({
      routes: '- { match: { prefix: / }, route: { cluster: c, timeout: 0s } }',
      clusters: cluster('c', 'STATIC', '127.0.0.1', origin, 'max_requests_per_connection: 1'),
    });
    const proxy = new EnvoytsProcess('real', config, ['--concurrency', '1', '-l', 'warn'], { ENVOYTS_IO: backend });
    envoyts = proxy;
    await proxy.ready();
    const port = Number((await proxy.listener('main')).split(':')[1]);
    const transfer = async (bytes: number): Promise<void> => {
      child.send({ port, direction, bytes });
      const [answer] = (await once(child, 'message')) as [{ received: number }];
      expect(answer.received).toBe(bytes);
    };
    // The first transfer touches the memory that every later one uses again, and has the hot code compiled.
    await transfer(64 * MIB);
    forgetPeak(proxy.pid);
    const before = memoryOf(proxy.pid).now;
    await transfer(256 * MIB);
    const grown = (memoryOf(proxy.pid).peak - before) / MIB;
    expect(await proxy.stat(paused)).toBeGreaterThan(0);
    expect(await proxy.stat('http.main.downstream_rq_active')).toBe(0);
    expect(grown).toBeLessThan(16);
  }, 120_000);
});
