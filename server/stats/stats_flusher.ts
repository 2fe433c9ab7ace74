import type { Timer } from '../../core/event/timer.ts';
import type { StatsRegistry } from './stats_registry.ts';

/** Where flushed stats go (statsd and the like). */
export interface StatsSink {
  /** Called after every flush; must not block. */
  flush(registry: StatsRegistry): void;
}

export interface StatsFlusherOptions {
  readonly registry: StatsRegistry;
  readonly createTimer: (callback: () => void) => Timer;
  /** Milliseconds between the end of one flush and the next; undefined = only when asked (stats_flush_on_admin). */
  readonly intervalMs: number | undefined;
  /** Brings gauges up to date. */
  readonly beforeFlush: () => void;
  /** A flush was asked for while one was running. */
  readonly onDropped: () => void;
  readonly sinks: readonly StatsSink[];
}

/** Ends the interval of histograms and feeds the sinks, again and again. Thread: main. */
export class StatsFlusher {
  private readonly options: StatsFlusherOptions;
  private readonly timer: Timer | undefined;
  private stopped = false;

  constructor(options: StatsFlusherOptions) {
    this.options = options;
    this.timer = options.intervalMs === undefined ? undefined : options.createTimer(() => void this.onTimer());
  }

  /** Arms the timer. */
  start(): void {
    this.timer?.enable(this.options.intervalMs ?? 0);
  }

  /** Flushes now. Resolves when the new values can be read. */
  async flush(): Promise<void> {
    const { registry, beforeFlush, onDropped, sinks } = this.options;
    beforeFlush();
    if (!(await registry.mergeHistograms())) {
      onDropped();
      return;
    }
    for (const sink of sinks) sink.flush(registry);
  }

  /** No further flush by the timer. */
  stop(): void {
    this.stopped = true;
    this.timer?.disable();
  }

  private async onTimer(): Promise<void> {
    await this.flush();
    if (!this.stopped) this.start();
  }
}
