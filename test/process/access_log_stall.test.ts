/** A destination of the access log that takes nothing must not hold a request up. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { bootstrap, fileAccessLog } from './support/bootstraps.ts';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Path of a named pipe that somebody holds open and does not read, and that descriptor. */
function stalledPipe(): { path: string; descriptor: number } {
  const folder = mkdtempSync(join(tmpdir(), 'access_log_stall_'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  cleanups.push(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true, force: true });
  });
  return { path, descriptor };
}

function readAvailable(descriptor: number): string {
  const chunk = Buffer.alloc(1 << 20);
  try {
    return chunk.toString('latin1', 0, readSync(descriptor, chunk));
  } catch (error) {
    if ((error as { code?: string }).code === 'EAGAIN') return '';
    throw error;
  }
}

describe.skipIf(process.platform === 'win32')('a stalled access log', () => {
  it('leaves requests alone, counts the lines it loses, and goes on with whole lines', async () => {
    const { path, descriptor } = stalledPipe();
    // Four times a long path: a line of 24 KB, so that a hundred requests fill pipe, batch and ring.
    const text = bootstrap({ accessLog: fileAccessLog(path, '<%REQ(:PATH)%%REQ(:PATH)%%REQ(:PATH)%%REQ(:PATH)%>\\n') });
    const envoyts = new EnvoytsProcess('real', text, ['--concurrency', '1', '--file-flush-interval-msec', '50']);
    cleanups.push(() => envoyts.dispose());
    await envoyts.ready();
    const address = await envoyts.listener('main');

    let sent = 0;
    const request = async (): Promise<void> => {
      const answer = await ask(address, `/${String(sent++).padStart(6000, '.')}`);
      expect(answer).toEqual({ status: 200, body: 'direct' });
    };
    await envoyts.until('lines to be dropped', async () => {
      for (let i = 0; i < 20; i++) await request();
      return ((await envoyts.stat('filesystem.write_dropped')) ?? 0) > 0;
    });
    await envoyts.until('all lines to be counted', async () => {
      const [kept, dropped] = [await envoyts.stat('filesystem.write_buffered'), await envoyts.stat('filesystem.write_dropped')];
      return (kept ?? 0) + (dropped ?? 0) === sent;
    });
    const kept = (await envoyts.stat('filesystem.write_buffered')) ?? 0;

    const lineBytes = 4 * 6001 + 3;
    let log = '';
    await envoyts.until('the lines that were kept', () => {
      log += readAvailable(descriptor);
      return log.length >= kept * lineBytes;
    });
    await request();
    await envoyts.until('the next line', () => {
      log += readAvailable(descriptor);
      return log.length >= (kept + 1) * lineBytes;
    });
    const lines = log.split('\n').slice(0, -1);
    expect(lines).toHaveLength(kept + 1);
    for (const line of lines) expect(line).toMatch(/^<(\/\.+\d+)\1\1\1>$/);
    expect(Number(/(\d+)>$/.exec(lines.at(-1) ?? '')?.[1])).toBe(sent - 1);
  });
});
