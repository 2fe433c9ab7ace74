/**
 * Main's end of the flush thread. The thread starts with the first ring: a process without access logs has none. It is started
 * again when it dies, with all rings that exist (what the dead one had taken out and not written is lost). Thread: main.
 */
import { Worker } from 'node:worker_threads';
import type { StatsAnnouncement } from '../../core/stats/store.ts';
import { type FlushData, type FromFlushMessage, ToFlush, type ToFlushMessage } from '../protocol/flush_messages.ts';

export interface FlushHandleEvents {
  onNewStats(announcement: StatsAnnouncement): void;
  /** The thread ended unasked; it is started again unless this was the third time in a minute. */
  onDeath(cause: string): void;
}

interface KnownRing {
  readonly workerIndex: number;
  readonly destination: string;
  readonly memory: SharedArrayBuffer;
}

const DEATHS_MAX = 3;
const DEATH_WINDOW_MS = 60_000;

export interface FlushHandleOptions {
  /** The module the thread runs. */
  readonly entry: URL;
  readonly data: FlushData;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

export class FlushHandle {
  private readonly options: FlushHandleOptions;
  private readonly events: FlushHandleEvents;
  private thread: Worker | undefined;
  private rings: KnownRing[] = [];
  private deathTimes: number[] = [];
  private isClosing = false;

  constructor(options: FlushHandleOptions, events: FlushHandleEvents) {
    this.options = options;
    this.events = events;
  }

  addRing(workerIndex: number, destination: string, memory: SharedArrayBuffer): void {
    const ring = { workerIndex, destination, memory };
    this.rings.push(ring);
    if (this.thread === undefined) this.startThread();
    else this.post({ kind: ToFlush.addRing, ...ring });
  }

  /** A worker is gone. */
  retireRings(workerIndex: number): void {
    this.rings = this.rings.filter((ring) => ring.workerIndex !== workerIndex);
    this.post({ kind: ToFlush.retireRings, workerIndex });
  }

  reopen(): void {
    this.post({ kind: ToFlush.reopen });
  }

  /** Writes everything and ends the thread; by force after `forceAfterMs` (a disk that does not answer). */
  async shutDown(forceAfterMs: number): Promise<void> {
    this.isClosing = true;
    const thread = this.thread;
    if (thread === undefined) return;
    const gone = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    this.post({ kind: ToFlush.shutDown });
    const force = setTimeout(() => void thread.terminate(), forceAfterMs);
    await gone;
    clearTimeout(force);
  }

  private post(message: ToFlushMessage): void {
    this.thread?.postMessage(message);
  }

  private startThread(): void {
    const thread = new Worker(this.options.entry, { workerData: this.options.data, name: 'flush' });
    let cause = '';
    thread.on('message', (message: FromFlushMessage) => this.events.onNewStats(message.announcement));
    thread.on('error', (error: unknown) => {
      cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    thread.on('exit', (code) => {
      this.thread = undefined;
      if (!this.isClosing) this.onDeath(cause === '' ? `the thread ended by itself with code ${code}` : cause);
    });
    this.thread = thread;
    for (const ring of this.rings) this.post({ kind: ToFlush.addRing, ...ring });
  }

  private onDeath(cause: string): void {
    this.events.onDeath(cause);
    const nowMs = this.options.nowMs();
    this.deathTimes = this.deathTimes.filter((time) => nowMs - time < DEATH_WINDOW_MS);
    this.deathTimes.push(nowMs);
    if (this.deathTimes.length < DEATHS_MAX) this.startThread();
  }
}
