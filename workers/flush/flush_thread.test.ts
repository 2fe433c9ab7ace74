import { describe, expect, it } from 'vitest';
import { FakeFileCalls } from '../../test/support/fake_file_calls.ts';
import { createLocalStats, type LocalStats } from '../../test/support/local_stats.ts';
import { SimulatedScheduler } from '../../test/support/simulated_scheduler.ts';
import { RingSink } from '../../core/access_log/ring_sink.ts';
import { createRing } from '../../core/shared_memory/spsc_ring.ts';
import { ToFlush } from '../protocol/flush_messages.ts';
import { createFilesystemStats } from './filesystem_stats.ts';
import { FlushThread } from './flush_thread.ts';

const INTERVAL_MS = 10_000;

class Harness {
  readonly scheduler = new SimulatedScheduler();
  readonly files = new FakeFileCalls();
  readonly stats: LocalStats = createLocalStats();
  readonly problems: string[] = [];
  isShutDown = false;
  readonly flush: FlushThread;

  constructor() {
    this.flush = new FlushThread({
      flushIntervalMs: INTERVAL_MS, flushBytes: 1000, scheduler: this.scheduler, calls: this.files,
      stats: createFilesystemStats(this.stats.scope),
      onProblem: (text) => this.problems.push(text),
      onShutDown: () => { this.isShutDown = true; },
    });
  }

  /** A worker's ring of 4 KiB for a destination. */
  ring(destination = '/a', workerIndex = 0): RingSink {
    const memory = createRing(4096);
    this.flush.deliver({ kind: ToFlush.addRing, destination, workerIndex, memory });
    return new RingSink(memory);
  }

  interval(): void {
    this.scheduler.advance(INTERVAL_MS);
  }

  /** `filesystem.*` that are not zero; gauges and line counts brought up to date first. */
  counts(): Record<string, number> {
    this.scheduler.advance(1000);
    const names = this.stats.names().map((name): [string, number] => [name.slice('filesystem.'.length), this.stats.value(name) ?? 0]);
    return Object.fromEntries(names.filter(([, value]) => value !== 0));
  }
}

function line(sink: RingSink, text: string): void {
  sink.write(Buffer.from(`${text}\n`), 0, text.length + 1);
}

const TENTH = 'x'.repeat(99);

describe('the flush thread', () => {
  it('opens a file as soon as a log names it, and writes it at the interval', () => {
    const h = new Harness();
    const sink = h.ring();
    expect(h.files.waiting()).toEqual(['open']);
    h.files.answerAll();
    line(sink, 'one');
    line(sink, 'two');
    expect(h.files.files[0].text).toBe('');
    h.interval();
    h.files.answerAll();
    expect(h.files.files).toEqual([{ destination: '/a', text: 'one\ntwo\n', isOpen: true }]);
    expect(h.counts()).toEqual({ write_buffered: 2, write_completed: 1, flushed_by_timer: 1 });
  });

  it('writes the first line of a file at once, whichever worker it comes from, and the next at the interval', async () => {
    const h = new Harness();
    const sinks = [h.ring('/a', 0), h.ring('/a', 1)];
    h.files.answerAll();
    line(sinks[1], 'one');
    await expect.poll(() => h.files.waiting(), { message: 'the wake-up by the first line' }).toEqual(['write']);
    h.files.answerAll();
    line(sinks[0], 'two');
    line(sinks[1], 'three');
    expect(h.files.files[0].text).toBe('one\n');
    expect(h.counts()).toEqual({ write_buffered: 3, write_completed: 1, write_total_buffered: 10 });
    h.interval();
    h.files.answerAll();
    expect(h.files.files[0].text).toBe('one\ntwo\nthree\n');
  });

  it('writes at once what was there before the thread heard of the ring', () => {
    const h = new Harness();
    const memory = createRing(4096);
    line(new RingSink(memory), 'early');
    h.flush.deliver({ kind: ToFlush.addRing, workerIndex: 0, destination: '/a', memory });
    h.files.answerAll();
    expect(h.files.files[0].text).toBe('early\n');
  });

  it('writes before the interval when a ring holds enough', async () => {
    const h = new Harness();
    const sink = h.ring();
    h.files.answerAll();
    for (let i = 0; i < 10; i++) line(sink, TENTH);
    await expect.poll(() => h.files.waiting(), { message: 'the wake-up of the ring' }).toEqual(['write']);
    h.files.answerAll();
    expect(h.files.files[0].text).toBe(`${TENTH}\n`.repeat(10));
    expect(h.counts()).toEqual({ write_buffered: 10, write_completed: 1 });
  });

  it('never mixes lines of different workers, and keeps each worker’s order', () => {
    const h = new Harness();
    const sinks = [0, 1, 2].map((worker) => h.ring('/a', worker));
    for (let i = 0; i < 30; i++) line(sinks[i % 3], `worker ${i % 3} line ${i}`);
    h.interval();
    h.files.answer();
    while (h.files.waiting().length > 0) h.files.answer({ atMost: 7 });
    const lines = h.files.files[0].text.trimEnd().split('\n');
    expect(lines).toHaveLength(30);
    for (const worker of [0, 1, 2]) {
      expect(lines.filter((text) => text.startsWith(`worker ${worker} `))).toEqual([...Array(10).keys()].map((i) => `worker ${worker} line ${i * 3 + worker}`));
    }
  });

  it('opens one file per destination, shared by the workers', () => {
    const h = new Harness();
    const sinks = [h.ring('/a', 0), h.ring('/b', 0), h.ring('/a', 1)];
    h.files.answerAll();
    for (const [i, sink] of sinks.entries()) line(sink, `${i}`);
    h.interval();
    h.files.answerAll();
    expect(h.files.files.map((file) => [file.destination, file.text])).toEqual([['/a', '0\n2\n'], ['/b', '1\n']]);
  });

  it('empties the rings of a dead worker and goes on with those of its successor', () => {
    const h = new Harness();
    const dead = h.ring('/a', 1);
    h.files.answerAll();
    line(dead, 'last words');
    h.flush.deliver({ kind: ToFlush.retireRings, workerIndex: 1 });
    h.files.answerAll();
    expect(h.files.files[0].text).toBe('last words\n');
    line(dead, 'nobody reads this');
    line(h.ring('/a', 1), 'successor');
    h.interval();
    h.files.answerAll();
    expect(h.files.files).toEqual([{ destination: '/a', text: 'last words\nsuccessor\n', isOpen: true }]);
  });
});

describe('when a destination stalls', () => {
  it('drops what finds the ring full, counts it exactly, and writes whole lines again afterwards', () => {
    const h = new Harness();
    const sink = h.ring();
    h.files.answerAll();
    line(sink, 'first');
    h.interval();
    expect(h.files.waiting()).toEqual(['write']);
    // 40 lines of 100 bytes fit into 4096; the write does not come back.
    for (let i = 0; i < 100; i++) line(sink, `${i}`.padStart(99, '.'));
    h.interval();
    expect(h.counts()).toEqual({ write_buffered: 41, write_dropped: 60, write_total_buffered: 4006, flushed_by_timer: 2 });
    h.files.answerAll();
    line(sink, 'after');
    h.interval();
    h.files.answerAll();
    const kept = [...Array(40).keys()].map((i) => `${i}`.padStart(99, '.'));
    expect(h.files.files[0].text).toBe(`${['first', ...kept, 'after'].join('\n')}\n`);
    expect(h.counts()).toMatchObject({ write_buffered: 42, write_dropped: 60, write_completed: 3 });
    expect(h.stats.value('filesystem.write_total_buffered')).toBe(0);
  });

  it('does not hold up other destinations', () => {
    const h = new Harness();
    const [stalled, fine] = [h.ring('/stalled'), h.ring('/fine')];
    h.files.answerAll();
    line(stalled, 'x');
    h.interval();
    line(fine, 'y');
    h.interval();
    expect(h.files.waiting()).toEqual(['write', 'write']);
  });

  it.each(['ENOSPC', 'EDQUOT'])('waits for room after %s and goes on at the byte where it stopped', (code) => {
    const h = new Harness();
    const sink = h.ring();
    h.files.answerAll();
    line(sink, 'abcdef');
    h.interval();
    h.files.answer({ atMost: 3 });
    h.files.answer({ error: code });
    expect(h.files.waiting()).toEqual([]);
    h.scheduler.advance(1000);
    h.files.answer({ error: code });
    h.scheduler.advance(1000);
    h.files.answerAll();
    expect(h.files.files[0].text).toBe('abcdef\n');
    expect(h.counts()).toEqual({ write_buffered: 1, write_completed: 1, write_failed: 2, flushed_by_timer: 1 });
    expect(h.problems).toEqual([`unable to write /a: ${code}`, '/a is being written again']);
  });

  it('tries a full pipe again soon, without calling it a failure', () => {
    const h = new Harness();
    const sink = h.ring();
    h.files.answerAll();
    line(sink, 'a');
    h.interval();
    h.files.answer({ error: 'EAGAIN' });
    h.scheduler.advance(20);
    h.files.answerAll();
    expect(h.files.files[0].text).toBe('a\n');
    expect(h.problems).toEqual([]);
  });

  it('gives a batch up when the reader of a pipe is gone, and opens anew for the next', () => {
    const h = new Harness();
    const sink = h.ring();
    h.files.answerAll();
    line(sink, 'a');
    line(sink, 'b');
    h.interval();
    h.files.answer({ error: 'EPIPE' });
    expect(h.files.files[0].isOpen).toBe(false);
    line(sink, 'c');
    h.interval();
    h.files.answerAll();
    expect(h.files.files[1].text).toBe('c\n');
    expect(h.counts()).toMatchObject({ write_buffered: 3, write_dropped: 2, write_failed: 1, write_completed: 1 });
  });

  it('keeps the lines while a file cannot be opened', () => {
    const h = new Harness();
    const sink = h.ring();
    h.files.answer({ error: 'ENOENT' });
    line(sink, 'a');
    h.scheduler.advance(1000);
    h.files.answer({ error: 'ENOENT' });
    expect(h.problems).toEqual(['unable to open /a: ENOENT']);
    h.interval();
    h.files.answerAll();
    h.interval();
    h.files.answerAll();
    expect(h.files.files[0].text).toBe('a\n');
    expect(h.counts()).toMatchObject({ reopen_failed: 2, write_completed: 1 });
  });
});

describe('reopening', () => {
  it('switches to the new file at once; what is buffered goes there', () => {
    const h = new Harness();
    const sink = h.ring();
    h.files.answerAll();
    line(sink, 'old');
    h.interval();
    h.files.answerAll();
    line(sink, 'buffered');
    h.flush.deliver({ kind: ToFlush.reopen });
    h.files.answerAll();
    h.interval();
    h.files.answerAll();
    expect(h.files.files).toEqual([{ destination: '/a', text: 'old\n', isOpen: false }, { destination: '/a', text: 'buffered\n', isOpen: true }]);
  });

  it('lets a write that is under way end in the old file', () => {
    const h = new Harness();
    const sink = h.ring();
    h.files.answerAll();
    line(sink, 'under way');
    h.interval();
    h.flush.deliver({ kind: ToFlush.reopen });
    expect(h.files.waiting()).toEqual(['write']);
    h.files.answer();
    h.files.answerAll();
    expect(h.files.files.map((file) => [file.text, file.isOpen])).toEqual([['under way\n', false], ['', true]]);
  });

  it('ends the waiting for a full disk', () => {
    const h = new Harness();
    const sink = h.ring();
    h.files.answerAll();
    line(sink, 'a');
    h.interval();
    h.files.answer({ error: 'ENOSPC' });
    h.flush.deliver({ kind: ToFlush.reopen });
    h.files.answerAll();
    expect(h.files.files[1].text).toBe('a\n');
  });
});

describe('shutting down', () => {
  it('writes everything, then ends', () => {
    const h = new Harness();
    const sinks = [h.ring('/a'), h.ring('/b')];
    h.files.answerAll();
    line(sinks[0], 'a');
    line(sinks[1], 'b');
    h.flush.deliver({ kind: ToFlush.shutDown });
    expect(h.isShutDown).toBe(false);
    h.files.answerAll();
    expect(h.files.files.map((file) => [file.text, file.isOpen])).toEqual([['a\n', false], ['b\n', false]]);
    expect(h.isShutDown).toBe(true);
  });

  it('ends at once without a log', () => {
    const h = new Harness();
    h.flush.deliver({ kind: ToFlush.shutDown });
    expect(h.isShutDown).toBe(true);
  });

  it('waits a bounded time for a destination that takes nothing, and counts what is lost', () => {
    const h = new Harness();
    const sink = h.ring();
    h.files.answerAll();
    line(sink, 'a');
    h.interval();
    line(sink, 'b');
    line(sink, 'c');
    h.flush.deliver({ kind: ToFlush.shutDown });
    h.scheduler.advance(2999);
    expect(h.isShutDown).toBe(false);
    h.scheduler.advance(1);
    expect(h.isShutDown).toBe(true);
    expect(h.stats.value('filesystem.write_dropped')).toBe(3);
  });
});
