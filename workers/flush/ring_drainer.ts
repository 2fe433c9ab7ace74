import { RingGauge, RingReader } from '../../core/shared_memory/spsc_ring.ts';
import { type FileWriter, WriteResult } from './file_writer.ts';
import type { FilesystemStats } from './filesystem_stats.ts';

/** Kept from one write to the next; more is taken only while rings are fuller than that. */
const BATCH_BYTES = 256 << 10;
const EMPTY = new Uint8Array(0);
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
  private batch: Uint8Array = EMPTY;
  private batchLength = 0;
  private isWriting = false;
  /** Somebody asked while a write was under way. */
  private isAskedAgain = false;
  /** Called when what was published at their asking is written; those of the batch under way, and those that came since. */
  private waiters: (() => void)[] = [];
  private lateWaiters: (() => void)[] = [];
  private buffered = 0;
  /** A first line came: from then on lines wait for the interval. */
  private hasBegun = false;

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

  /** The first ring opens the file. */
  addRing(workerIndex: number, memory: SharedArrayBuffer): void {
    const ring = new DrainedRing(workerIndex, memory);
    // The first line of a file is written at once, as in Envoy: whoever looks sees that the log works.
    ring.reader.setWakeBytes(this.hasBegun ? this.wakeBytes : 1);
    this.rings.push(ring);
    if (this.rings.length === 1) this.writer.open();
    void this.watch(ring);
    // Lines that were there before anybody asked for them.
    if (!this.hasBegun && ring.reader.available() > 0) this.drain();
  }

  /** The worker is gone: empties its rings a last time, then forgets them. */
  retireRings(workerIndex: number): void {
    for (const ring of this.rings) if (ring.workerIndex === workerIndex) ring.isRetired = true;
    this.drain();
  }

  reopen(): void {
    this.writer.reopen();
  }

  /** Writes everything that is published now; `done` when it is written (or lost for good). */
  drain(done?: () => void): void {
    if (done !== undefined) this.lateWaiters.push(done);
    if (this.isWriting) {
      this.isAskedAgain = true;
      return;
    }
    this.isAskedAgain = false;
    this.waiters = this.lateWaiters;
    this.lateWaiters = [];
    this.takeOut();
    if (this.batchLength === 0) {
      this.onDrained();
      return;
    }
    this.isWriting = true;
    this.writer.write(this.batch, this.batchLength, (result) => this.onBatchDone(result));
    this.updateStats();
  }

  /** Gives up what could not be written and closes the file. */
  close(): void {
    const rest = this.writer.close();
    let lost = rest === null ? 0 : countLines(rest, rest.length);
    for (const ring of this.rings) {
      this.countRing(ring);
      const left = new Uint8Array(ring.reader.available());
      lost += countLines(left, ring.reader.read(left, 0, left.length));
      ring.isRetired = true;
      ring.reader.cancelWait();
    }
    this.rings = [];
    this.stats.writeDropped.add(lost);
  }

  /** Brings counts of lines and bytes up to date. */
  updateStats(): void {
    let buffered = this.writer.unwritten;
    for (const ring of this.rings) {
      this.countRing(ring);
      buffered += ring.gauge.buffered();
    }
    this.stats.writeTotalBuffered.add(buffered - this.buffered);
    this.buffered = buffered;
  }

  private countRing(ring: DrainedRing): void {
    const lines = ring.gauge.lines();
    const dropped = ring.gauge.dropped();
    // Differences modulo 2^32: the counts wrap.
    this.stats.writeBuffered.add((lines - ring.countedLines) >>> 0);
    this.stats.writeDropped.add((dropped - ring.countedDropped) >>> 0);
    ring.countedLines = lines;
    ring.countedDropped = dropped;
  }

  /** Copies every ring into the batch up to its last published line and frees the space; forgets retired rings. */
  private takeOut(): void {
    // Before looking: a wish that comes while we read is then not lost.
    for (const ring of this.rings) ring.reader.clearWake();
    const available = this.rings.map((ring) => ring.reader.available());
    const total = available.reduce((sum, bytes) => sum + bytes, 0);
    if (total > this.batch.length) this.batch = new Uint8Array(Math.max(BATCH_BYTES, total));
    this.batchLength = 0;
    this.rings.forEach((ring, i) => {
      this.batchLength += ring.reader.read(this.batch, this.batchLength, available[i]);
      if (!ring.isRetired) return;
      this.countRing(ring);
      ring.reader.cancelWait();
    });
    this.rings = this.rings.filter((ring) => !ring.isRetired);
    if (this.hasBegun || this.batchLength === 0) return;
    this.hasBegun = true;
    for (const ring of this.rings) ring.reader.setWakeBytes(this.wakeBytes);
  }

  private onBatchDone(result: WriteResult): void {
    this.isWriting = false;
    if (result === WriteResult.lost) this.stats.writeDropped.add(countLines(this.batch, this.batchLength));
    this.batchLength = 0;
    // After a stall: do not keep what was piled up then.
    if (this.batch.length > BATCH_BYTES) this.batch = EMPTY;
    this.onDrained();
  }

  private onDrained(): void {
    this.updateStats();
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter();
    if (!this.isWriting && (this.isAskedAgain || this.lateWaiters.length > 0)) this.drain();
  }

  /** Drains whenever the ring's writer asks for it. */
  private async watch(ring: DrainedRing): Promise<void> {
    while (!ring.isRetired) {
      await ring.reader.whenWoken();
      if (ring.isRetired) return;
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
