/** The demo of `npm start`: what it prints can be done. Uses its fixed ports; skipped where they are taken. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from './support/envoyts_process.ts';

const PORTS = [9901, 10000, 10001, 10002, 10003];

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

const arePortsFree = (await Promise.all(PORTS.map(isFree))).every((free) => free);

let demo: ChildProcess | undefined;
afterEach(() => demo?.kill('SIGKILL'));

describe.runIf(arePortsFree)('the front proxy demo', () => {
  it('starts everything, answers as its text says, and leaves nothing behind', async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('../../examples/front_proxy/start.ts', import.meta.url))], { stdio: ['ignore', 'pipe', 'inherit'] });
    demo = child;
    let printed = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (bytes: Buffer) => {
        printed += bytes.toString();
        if (printed.includes('Ctrl-C stops everything')) resolve();
      });
      child.once('exit', () => reject(new Error('the demo ended early')));
    });
    expect(printed.match(/^ {2}curl /gm)).toHaveLength(5);
    expect((await ask('127.0.0.1:10000', '/')).body).toContain('greeting service got GET /');
    expect(await ask('127.0.0.1:10000', '/slow/impatient')).toEqual({ status: 504, body: 'upstream request timeout' });
    const flaky = await Promise.all(Array.from({ length: 6 }, () => ask('127.0.0.1:10000', '/flaky')));
    expect(flaky.filter((answer) => answer.status === 503)).toHaveLength(2);
    expect((await ask('127.0.0.1:9901', '/stats?filter=flaky.upstream_rq_5xx')).body).toBe('cluster.flaky.upstream_rq_5xx: 2\n');
    expect((await ask('127.0.0.1:9901', '/clusters')).body).toContain('greeting::127.0.0.1:10001::rq_total::1');
    const exit = new Promise<number | null>((resolve) => {
      child.removeAllListeners('exit');
      child.once('exit', resolve);
    });
    child.kill('SIGINT');
    expect(await exit).toBe(0);
    expect(await Promise.all(PORTS.map(isFree))).toEqual(PORTS.map(() => true));
  });
});
