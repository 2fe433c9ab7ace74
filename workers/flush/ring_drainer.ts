import { RingGauge, RingReader } from '../../core/shared_memory/spsc_ring.ts';
import { type FileWriter, WriteResult } from './file_writer.ts';
import type { FilesystemStats } from './filesystem_stats.ts';

const INITIAL_BATCH_BYTES = 128 << 10;
const LINE_FEED = 10;

/** One worker's ring as the drainer sees it. */
class DrainedRing {
  readonly workerIndex: number;
  readonly reader: RingReader;
  readonly gauge: RingGauge;
  /** Counts already added to the stats. */
  countedLines: number;
  countedDropped: number;
  /** The writer is gone: forgotten once empty. */
  isRetired = false;

  constructor(workerIndex: number, memory: SharedArrayBuffer) {
    this.workerIndex = workerIndex;
    this.reader = new RingReader(memory);
    this.gauge = new RingGauge(memory);
    this.countedLines = 0;
    this.countedDropped = 0;
  }
}

/**
 * Moves the lines of all workers' rings for one destination into its file. A ring is always taken out up to its last published
 * line, so lines of different workers never mix. While a write is under way the rings fill; what finds a ring full is dropped by
 * the worker. Thread: flush.
 */
export class RingDrainer {
  private readonly writer: FileWriter;
  private readonly stats: FilesystemStats;
  private readonly wakeBytes: number;
  private rings: DrainedRing[] = [];
  private batch: Uint8Array = new Uint8Array(0);
  private batchLength = 0;
  private isWriting = false;
  /** Drain once more after the write under way: somebody asked meanwhile. */
  private isAskedAgain = false;
  private waiters: (() => void)[] = [];
  private buffered = 0;

  /** `wakeBytes`: unread bytes in one ring from which it is written without waiting. */
  constructor(writer: FileWriter, stats: FilesystemStats, wakeBytes: number) {
    this.writer = writer;
    this.stats = stats;
    this.wakeBytes = wakeBytes;
  }

  /** No ring and nothing under way. */
  get isIdle(): boolean {
    return this.rings.length === 0 && !this.isWriting;
  }

  addRing(workerIndex: number, memory: SharedArrayBuffer): void {
    const ring = new DrainedRing(workerIndex, memory);
    ring.reader.setWakeBytes(this.wakeBytes);
    this.rings.push(ring);
    void this.watch(ring);
  }

  /** The worker is gone: empties its rings a last time, then forgets them. */
  retireRings(workerIndex: number): void {
    for (const ring of this.rings) if (ring.workerIndex === workerIndex) ring.isRetired = true;
    this.drain();
  }

  reopen(): void {
    this.writer.reopen();
  }

  /** Writes everything that is published now; `done` when it is written (or lost). */
  drain(done?: () => void): void {
    if (done !== undefined) this.waiters.push(done);
    if (this.isWriting) {
      this.isAskedAgain = true;
      return;
    }
    this.isAskedAgain = false;
    this.takeOut();
    this.updateStats();
    if (this.batchLength === 0) {
      const waiters = this.waiters;
      this.waiters = [];
      for (const waiter of waiters) waiter();
      return;
    }
    this.isWriting = true;
    this.writer.write(this.batch, this.batchLength, (result) => this.onBatchDone(result));
  }

  /** Gives up what could not be written and closes the file. Returns the number of lines lost. */
  close(): number {
    const rest = this.writer.close();
    let lost = rest === null ? 0 : countLines(rest, rest.length);
    this.updateStats();
    for (const ring of this.rings) {
      const left = new Uint8Array(ring.reader.available());
      lost += countLines(left, ring.reader.read(left, 0, left.length));
    }
    this.rings = [];
    this.stats.writeDropped.add(lost);
    return lost;
  }

  /** Brings counts of lines and bytes up to date. */
  updateStats(): void {
    let buffered = this.writer.unwritten;
    for (const ring of this.rings) {
      const lines = ring.gauge.lines();
      const dropped = ring.gauge.dropped();
      // Differences modulo 2^32: the counts wrap.
      this.stats.writeBuffered.add((lines - ring.countedLines) >>> 0);
      this.stats.writeDropped.add((dropped - ring.countedDropped) >>> 0);
      ring.countedLines = lines;
      ring.countedDropped = dropped;
      buffered += ring.gauge.buffered();
    }
    this.stats.writeTotalBuffered.add(buffered - this.buffered);
    this.buffered = buffered;
  }

  /** Copies rings into the batch, each up to its last published line, as long as they fit; frees their space. */
  private takeOut(): void {
    this.batchLength = 0;
    for (const ring of this.rings) {
      // Before reading: a wish that comes while we read is then not lost.
      ring.reader.clearWake();
      const available = ring.reader.available();
      if (available === 0) continue;
      if (available > this.batch.length - this.batchLength) {
        if (this.batchLength > 0) {
          this.isAskedAgain = true;
          continue;
        }
        this.batch = new Uint8Array(Math.max(INITIAL_BATCH_BYTES, available * 2));
      }
      this.batchLength += ring.reader.read(this.batch, this.batchLength, available);
    }
    this.rings = this.rings.filter((ring) => !(ring.isRetired && ring.reader.available() === 0 && this.isCounted(ring)));
  }

  private isCounted(ring: DrainedRing): boolean {
    this.stats.writeBuffered.add((ring.gauge.lines() - ring.countedLines) >>> 0);
    this.stats.writeDropped.add((ring.gauge.dropped() - ring.countedDropped) >>> 0);
    return true;
  }

  private onBatchDone(result: WriteResult): void {
    this.isWriting = false;
    if (result === WriteResult.lost) this.stats.writeDropped.add(countLines(this.batch, this.batchLength));
    this.batchLength = 0;
    if (this.isAskedAgain || this.waiters.length > 0) this.drain();
    else this.updateStats();
  }

  /** Drains whenever the ring's writer asks for it. */
  private async watch(ring: DrainedRing): Promise<void> {
    while (!ring.isRetired && this.rings.includes(ring)) {
      await ring.reader.whenWoken();
      if (!this.rings.includes(ring)) return;
      ring.reader.clearWake();
      this.drain();
    }
  }
}

function countLines(bytes: Uint8Array, length: number): number {
  let lines = 0;
  for (let i = 0; i < length; i++) if (bytes[i] === LINE_FEED) lines++;
  return lines;
}
