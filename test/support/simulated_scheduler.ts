import type { ScheduledTimer, Scheduler } from '../../core/event/scheduler.ts';

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time that moves only when a test says so; timers fire in order of their due time. */
export class SimulatedScheduler implements Scheduler {
  private timeMs = 0;
  private order = 0;
  private entries: Entry[] = [];

  nowMs(): number {
    return this.timeMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.timeMs;
  }

  schedule(ms: number, callback: () => void): ScheduledTimer {
    const entry: Entry = { dueMs: this.timeMs + ms, order: this.order++, callback };
    this.entries.push(entry);
    return {
      cancel: () => {
        this.entries = this.entries.filter((other) => other !== entry);
      },
    };
  }

  /** Moves time on, firing what falls due on the way (what those callbacks schedule included). */
  advance(ms: number): void {
    const end = this.timeMs + ms;
    for (;;) {
      const due = this.entries.filter((entry) => entry.dueMs <= end).sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (due === undefined) break;
      this.entries = this.entries.filter((entry) => entry !== due);
      this.timeMs = Math.max(this.timeMs, due.dueMs);
      due.callback();
    }
    this.timeMs = end;
  }

  /** Milliseconds until each timer that is set, ascending. */
  pending(): number[] {
    return this.entries.map((entry) => entry.dueMs - this.timeMs).sort((a, b) => a - b);
  }
}
