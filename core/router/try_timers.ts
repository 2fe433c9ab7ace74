import type { Timer } from '../event/timer.ts';
import type { TimerTarget } from '../http/filter.ts';
import type { TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import type { RequestTimeouts } from './request_timeouts.ts';

/** Who is told that a try takes too long. */
export interface TimedTry {
  /** per_try_timeout: no response yet. */
  onPerTryTimeout(): void;
  /** per_try_idle_timeout: nothing was received for so long. */
  onPerTryIdleTimeout(): void;
  /** max_stream_duration: it takes too long altogether. */
  onMaxStreamDuration(): void;
}

/** The timers of one try; each is made when first needed and then used again. */
export class TryTimers implements TimerTarget {
  owner: TimedTry;
  private attempt: Timer | null;
  private idle: Timer | null;
  private stream: Timer | null;

  constructor(owner: TimedTry) {
    this.owner = owner;
    this.attempt = null;
    this.idle = null;
    this.stream = null;
  }

  /** The try has its connection; `streamMs`: how long it may take altogether, 0 = for ever. */
  begin(timeouts: RequestTimeouts, streamMs: number, callbacks: TerminalFilterCallbacks): void {
    if (timeouts.perTryMs > 0 && callbacks.isRequestComplete()) this.startAttempt(timeouts.perTryMs, callbacks);
    if (timeouts.perTryIdleMs > 0) {
      this.idle ??= callbacks.createTimer(this);
      this.idle.enable(timeouts.perTryIdleMs);
    }
    if (streamMs > 0) {
      this.stream ??= callbacks.createTimer(this);
      this.stream.enable(streamMs);
    }
  }

  /** Connection and whole request are there. */
  startAttempt(ms: number, callbacks: TerminalFilterCallbacks): void {
    this.attempt ??= callbacks.createTimer(this);
    this.attempt.enable(ms);
  }

  /** The response has begun; a next silence is measured from now (0 = is not). */
  onResponse(idleMs: number): void {
    if (this.attempt !== null) this.attempt.disable();
    if (idleMs > 0) this.idle?.enable(idleMs);
  }

  /** More has been received. */
  onData(idleMs: number): void {
    this.idle?.enable(idleMs);
  }

  /** Slow or not, it may go on: only its whole duration is limited. */
  endPatience(): void {
    this.attempt?.disable();
    this.idle?.disable();
  }

  stop(): void {
    if (this.attempt !== null) this.attempt.disable();
    if (this.idle !== null) this.idle.disable();
    if (this.stream !== null) this.stream.disable();
  }

  onTimeout(timer: Timer): void {
    if (timer === this.stream) this.owner.onMaxStreamDuration();
    else if (timer === this.attempt) this.owner.onPerTryTimeout();
    else this.owner.onPerTryIdleTimeout();
  }
}
