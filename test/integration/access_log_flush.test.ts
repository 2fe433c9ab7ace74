/** The flush thread as a real thread: files, named pipes, standard output, and a destination that takes nothing. */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RingSink } from '../../core/access_log/ring_sink.ts';
import { createLogLevels } from '../../core/log/logger.ts';
import { LogLevel } from '../../core/log/log_level.ts';
import { createRing, RingGauge } from '../../core/shared_memory/spsc_ring.ts';
import { FlushHandle } from '../../workers/main/flush_handle.ts';

let directory = '';
let flush: FlushHandle;
const deaths: string[] = [];

function startFlush(flushIntervalMs: number): void {
  const logOutput = new SharedArrayBuffer(4);
  new Int32Array(logOutput)[0] = openSync(join(directory, 'process.log'), 'a');
  flush = new FlushHandle(
    {
      entry: new URL('../../workers/flush/flush_main.ts', import.meta.url),
      data: {
        flushIntervalMs, flushBytes: 1 << 16, logOutput,
        log: { levels: createLogLevels(LogLevel.info), pattern: '%v', escaped: false },
      },
      nowMs: () => performance.now(),
    },
    { onNewStats: () => {}, onDeath: (cause) => deaths.push(cause) },
  );
}

interface TestRing {
  readonly sink: RingSink;
  readonly gauge: RingGauge;
}

function addRing(destination: string, workerIndex = 0): TestRing {
  const memory = createRing(1 << 18);
  flush.addRing(workerIndex, destination, memory);
  return { sink: new RingSink(memory), gauge: new RingGauge(memory) };
}

/** Makes a line of exactly 100 bytes in the ring's own memory, as a logger does. */
function line(sink: RingSink, number: number): void {
  sink.bytes.set(Buffer.from(`${String(number).padStart(99, '.')}\n`), sink.lineOffset);
  sink.commit(100);
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function lineNumbers(contents: string): number[] {
  return contents.split('\n').slice(0, -1).map((row) => {
    expect(row).toMatch(/^\.+\d+$/);
    expect(row).toHaveLength(99);
    return Number(row.replace(/^\.+/, ''));
  });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'access_log_'));
  deaths.length = 0;
});

afterEach(async () => {
  await flush.shutDown(5000);
  rmSync(directory, { recursive: true, force: true });
  expect(deaths).toEqual([]);
});

describe('the flush thread', () => {
  it('writes at the interval, and after a rotation into the new file', async () => {
    startFlush(50);
    const path = join(directory, 'a.log');
    const { sink } = addRing(path);
    line(sink, 1);
    await expect.poll(() => lineNumbers(text(path)), { message: 'the interval' }).toEqual([1]);
    renameSync(path, `${path}.1`);
    line(sink, 2);
    await expect.poll(() => lineNumbers(text(`${path}.1`)), { message: 'the interval' }).toEqual([1, 2]);
    flush.reopen();
    // The interval may end before the thread hears of the rotation: until then lines go into the old file. None is lost.
    let last = 2;
    await expect.poll(() => {
      line(sink, ++last);
      return text(path).length;
    }, { message: 'the new file' }).toBeGreaterThan(0);
    await flush.shutDown(5000);
    const numbers = lineNumbers(text(`${path}.1`)).concat(lineNumbers(text(path)));
    expect(numbers).toEqual(Array.from({ length: last }, (_, i) => i + 1));
  });

  it('writes a full ring without waiting for the interval', async () => {
    startFlush(3_600_000);
    const path = join(directory, 'a.log');
    const { sink } = addRing(path);
    for (let i = 0; i < 1000; i++) line(sink, i);
    await expect.poll(() => lineNumbers(text(path)).length, { message: 'the wake-up' }).toBeGreaterThanOrEqual(656);
    await flush.shutDown(5000);
    expect(lineNumbers(text(path))).toEqual([...Array(1000).keys()]);
  });

  it('writes everything when it ends', async () => {
    startFlush(3_600_000);
    const paths = ['a', 'b'].map((name) => join(directory, name));
    for (const [worker, path] of [[0, paths[0]], [1, paths[0]], [0, paths[1]]] as const) line(addRing(path, worker).sink, worker);
    await flush.shutDown(5000);
    expect(lineNumbers(text(paths[0])).sort()).toEqual([0, 1]);
    expect(lineNumbers(text(paths[1]))).toEqual([0]);
  });

  it('says in the process log what is wrong with a destination', async () => {
    startFlush(50);
    addRing(join(directory, 'missing', 'a.log'));
    await expect.poll(() => text(join(directory, 'process.log')), { message: 'the log line' }).toContain('unable to open');
  });
});

describe.skipIf(process.platform === 'win32')('a destination that takes nothing', () => {
  it('neither slows the writer nor tears lines: what finds the ring full is dropped and counted', async () => {
    startFlush(20);
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    // Somebody holds the pipe open and does not read.
    const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const { sink, gauge } = addRing(path);
    let written = 0;
    // The pipe, the batch under way and the ring are full when lines begin to be dropped; none of these appends waits.
    await expect.poll(() => {
      for (let i = 0; i < 2000; i++) line(sink, written++);
      return gauge.dropped();
    }, { message: 'the ring to be full', timeout: 10_000 }).toBeGreaterThan(5000);
    const isStalled = gauge.lines() + gauge.dropped();
    expect(isStalled).toBe(written);

    let contents = '';
    const chunk = Buffer.alloc(1 << 16);
    const readOn = (): number => {
      try {
        contents += chunk.toString('latin1', 0, readSync(reader, chunk));
      } catch (error) {
        if ((error as { code?: string }).code !== 'EAGAIN') throw error;
      }
      return contents.length;
    };
    await expect.poll(readOn, { message: 'the lines that were kept', interval: 1, timeout: 10_000 }).toBe(gauge.lines() * 100);
    line(sink, 999_999_999);
    await expect.poll(readOn, { message: 'the line after the stall', interval: 1 }).toBe(gauge.lines() * 100);
    const numbers = lineNumbers(contents);
    expect(numbers).toHaveLength(gauge.lines());
    expect(numbers.at(-1)).toBe(999_999_999);
    expect(numbers.every((number, i) => i === 0 || number > numbers[i - 1])).toBe(true);
    closeSync(reader);
  });

  it('holds up neither other files nor the end of the thread', async () => {
    startFlush(20);
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const stalled = addRing(pipe);
    const fine = addRing(join(directory, 'fine'));
    line(stalled.sink, 1);
    line(fine.sink, 2);
    await expect.poll(() => lineNumbers(text(join(directory, 'fine'))), { message: 'the other file' }).toEqual([2]);
    await flush.shutDown(10_000);
  });
});

describe('the standard streams', () => {
  it('get their lines', async () => {
    startFlush(1000);
    const script = join(directory, 'script.mjs');
    writeFileSync(script, `
      import { RingSink } from '${new URL('../../core/access_log/ring_sink.ts', import.meta.url).href}';
      import { createRing } from '${new URL('../../core/shared_memory/spsc_ring.ts', import.meta.url).href}';
      import { createLogLevels } from '${new URL('../../core/log/logger.ts', import.meta.url).href}';
      import { FlushHandle } from '${new URL('../../workers/main/flush_handle.ts', import.meta.url).href}';
      const flush = new FlushHandle({ entry: new URL('${new URL('../../workers/flush/flush_main.ts', import.meta.url).href}'), nowMs: () => 0,
        data: { flushIntervalMs: 10000, flushBytes: 65536, log: { levels: createLogLevels(0), pattern: '%v', escaped: false }, logOutput: new SharedArrayBuffer(4) } },
        { onNewStats() {}, onDeath(cause) { throw new Error(cause); } });
      for (const name of ['stdout', 'stderr']) {
        const memory = createRing(4096);
        flush.addRing(0, '/dev/' + name, memory);
        new RingSink(memory).write(Buffer.from('to ' + name + '\\n'), 0, 10);
      }
      await flush.shutDown(5000);
    `);
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (data: Buffer) => { output.stdout += data.toString(); });
    child.stderr.on('data', (data: Buffer) => { output.stderr += data.toString(); });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, output]).toEqual([0, { stdout: 'to stdout\n', stderr: 'to stderr\n' }]);
  });
});
