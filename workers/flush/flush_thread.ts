/**
 * The flush thread without the thread: destinations, their rings, the interval. flush_main.ts gives it a port; tests call it.
 *
 *     worker 0 --ring--\
 *     worker 1 --ring---+--> RingDrainer (one per destination) --> FileWriter --> file, pipe, stdout
 */
import { type ScheduledTimer, scheduleEvery, type Scheduler } from '../../core/event/scheduler.ts';
import { ToFlush, type ToFlushMessage } from '../protocol/flush_messages.ts';
import type { FileCalls } from './file_calls.ts';
import { FileWriter } from './file_writer.ts';
import type { FilesystemStats } from './filesystem_stats.ts';
import { RingDrainer } from './ring_drainer.ts';

/** How long a destination that does not take its lines may hold up the end of the process. */
const SHUT_DOWN_MAX_MS = 3000;
/** How old the counts of lines and buffered bytes may be. */
const STATS_INTERVAL_MS = 1000;

export interface FlushThreadOptions {
  /** Lines wait in their rings this long at most (the destination willing). */
  readonly flushIntervalMs: number;
  /** Bytes in one ring from which it is written without waiting for the interval. */
  readonly flushBytes: number;
  readonly scheduler: Scheduler;
  readonly calls: FileCalls;
  readonly stats: FilesystemStats;
  /** A destination begins to fail, or works again. */
  readonly onProblem: (text: string) => void;
  /** Everything is written (or given up): the thread may end. */
  readonly onShutDown: () => void;
}

export class FlushThread {
  private readonly options: FlushThreadOptions;
  private readonly drainers = new Map<string, RingDrainer>();
  private readonly timers: readonly ScheduledTimer[];
  private isShuttingDown = false;

  constructor(options: FlushThreadOptions) {
    this.options = options;
    this.timers = [
      scheduleEvery(options.scheduler, options.flushIntervalMs, () => this.onInterval()),
      scheduleEvery(options.scheduler, STATS_INTERVAL_MS, () => this.updateStats()),
    ];
  }

  deliver(message: ToFlushMessage): void {
    switch (message.kind) {
      case ToFlush.addRing:
        this.drainer(message.destination).addRing(message.workerIndex, message.memory);
        break;
      case ToFlush.retireRings:
        for (const drainer of this.drainers.values()) drainer.retireRings(message.workerIndex);
        break;
      case ToFlush.reopen:
        for (const drainer of this.drainers.values()) drainer.reopen();
        break;
      case ToFlush.shutDown:
        this.shutDown();
        break;
    }
  }

  private drainer(destination: string): RingDrainer {
    const known = this.drainers.get(destination);
    if (known !== undefined) return known;
    const { calls, scheduler, stats, onProblem, flushBytes } = this.options;
    const drainer = new RingDrainer(new FileWriter({ destination, calls, scheduler, stats, onProblem }), stats, flushBytes);
    this.drainers.set(destination, drainer);
    return drainer;
  }

  private onInterval(): void {
    for (const drainer of this.drainers.values()) {
      if (drainer.isIdle) continue;
      this.options.stats.flushedByTimer.inc();
      drainer.drain();
    }
  }

  private updateStats(): void {
    for (const drainer of this.drainers.values()) drainer.updateStats();
  }

  /** Workers write no more: writes what there is, waiting a bounded time for destinations that do not take it. */
  private shutDown(): void {
    if (this.isShuttingDown) return;
    this.isShuttingDown = true;
    for (const timer of this.timers) timer.cancel();
    let pending = this.drainers.size;
    const deadline = this.options.scheduler.schedule(SHUT_DOWN_MAX_MS, () => this.finish());
    const onDrained = (): void => {
      pending--;
      if (pending > 0) return;
      deadline.cancel();
      this.finish();
    };
    if (pending === 0) {
      pending = 1;
      onDrained();
    }
    for (const drainer of this.drainers.values()) drainer.drain(onDrained);
  }

  private finish(): void {
    for (const drainer of this.drainers.values()) drainer.close();
    this.drainers.clear();
    this.options.onShutDown();
  }
}
