import { TurnBuffer } from '../buffer/turn_buffer.ts';
import { TimerWheel, type WheelTimer, type WheelTimerTarget } from '../event/timer_wheel.ts';
import { CommandWriter } from '../io/command_writer.ts';
import { CloseMode, EVENT_WORDS, type Io, IoEvent } from '../io/io.ts';

/** Who the events of one connection number go to. Everything runs inside a turn. */
export interface IoHandler {
  /** A listener accepted `connection`. */
  onAccept(connection: number): void;
  /** An outgoing connect ended; `error` 0 = connected. */
  onConnect(error: number): void;
  /** Bytes arrived; returns how many at the end were not consumed (the I/O layer keeps and redelivers them). */
  onData(offset: number, length: number): number;
  onEof(): void;
  onError(error: number): void;
  onDrain(queued: number): void;
  /** An exception escaped one of the methods above: reset what it belongs to. Must not throw. */
  onException(error: unknown): void;
}

/** Something destroyed at the end of the turn, when nobody on the stack uses it any more. */
export interface DeferredDelete {
  onDeferredDelete(): void;
}

/**
 * One worker's loop on top of the I/O seam: hands events to connections, keeps the turn's buffers, runs timers and deferred
 * deletions. One per worker.
 *
 * Turn: clock -> events (each in a `try`) -> timers -> deferred deletions -> the backend executes the commands.
 */
export class IoDispatcher {
  readonly io: Io;
  readonly turn: TurnBuffer;
  readonly commands: CommandWriter;
  readonly wheel: TimerWheel;
  /** Handler by connection number; null = nobody's. */
  private readonly handlers: (IoHandler | null)[];
  private readonly deferred: (DeferredDelete | null)[];
  private deferredCount: number;
  /** Counts turns, and flushes within one: what was borrowed under another number is gone. */
  turnNumber: number;
  private tickMs: number;
  private inTurn: boolean;
  /** Called when an exception escapes a callback (after the connection was told). */
  private readonly onEscaped: (error: unknown) => void;

  constructor(io: Io, onEscaped: (error: unknown) => void) {
    this.io = io;
    this.turn = new TurnBuffer(io.slab, io.outOffset, io.outSize, io.staticOffset, io.staticSize);
    this.commands = new CommandWriter(io);
    this.wheel = new TimerWheel(io.clock, onEscaped, () => this.flushIfFull());
    this.handlers = new Array<IoHandler | null>(io.maxConnections).fill(null);
    this.deferred = [];
    this.deferredCount = 0;
    this.turnNumber = 0;
    this.tickMs = 0;
    this.inTurn = false;
    this.onEscaped = onEscaped;
  }

  /** Monotonic milliseconds of this turn. */
  get nowMs(): number {
    return this.io.clock[0];
  }

  /** Wall-clock milliseconds of this turn. */
  get wallMs(): number {
    return this.io.clock[1];
  }

  start(): void {
    this.io.start(() => this.onTurn());
  }

  setHandler(connection: number, handler: IoHandler | null): void {
    this.handlers[connection] = handler;
  }

  createTimer(target: WheelTimerTarget): WheelTimer {
    return this.wheel.createTimer(target);
  }

  deferDelete(object: DeferredDelete): void {
    const at = this.deferredCount++;
    if (at < this.deferred.length) this.deferred[at] = object;
    else this.deferred.push(object);
  }

  /**
   * Runs `work` as a turn of its own when called outside one (a message from main, a completed promise): afterwards its
   * commands are executed at once. Inside a turn it just runs.
   */
  run(work: () => void): void {
    if (this.inTurn) {
      work();
      return;
    }
    this.io.updateClock();
    this.beginTurn();
    try {
      work();
    } catch (error) {
      this.onEscaped(error);
    }
    this.endTurn();
    this.commands.flush();
  }

  /** Registers the escape of an exception from a place that has handled its own stream already. */
  reportException(error: unknown): void {
    this.onEscaped(error);
  }

  /**
   * Executes this turn's commands and begins the turn's buffer anew if much of it is used. Only where nobody holds a range of it:
   * between events, timers, and requests that were pipelined. What was borrowed is gone then, as after a turn.
   */
  flushIfFull(): void {
    if (!this.turn.wantsFlush() && !this.commands.isNearlyFull()) return;
    this.commands.flush();
    this.forgetRanges();
  }

  private forgetRanges(): void {
    this.turnNumber = (this.turnNumber + 1) & 0x3fffffff;
    this.turn.reset();
  }

  private beginTurn(): void {
    this.inTurn = true;
    this.forgetRanges();
    this.commands.reset();
    this.wheel.update();
  }

  private onTurn(): void {
    this.beginTurn();
    const events = this.io.events;
    const count = this.io.control[1] * EVENT_WORDS;
    for (let e = 0; e < count; e += EVENT_WORDS) {
      const connection = events[e];
      if (connection >= 0) {
        const isAccept = events[e + 1] === IoEvent.accept;
        const handler = this.handlers[isAccept ? events[e + 2] : connection];
        if (handler !== null) this.dispatch(handler, events, e);
        else if (isAccept) this.commands.close(connection, CloseMode.now);
        else if (events[e + 1] === IoEvent.data) events[e + 3] = 0;
        this.flushIfFull();
      }
    }
    this.endTurn();
  }

  private dispatch(handler: IoHandler, events: Int32Array, e: number): void {
    try {
      switch (events[e + 1]) {
        case IoEvent.data: {
          const offset = events[e + 2];
          const length = events[e + 3];
          // Before the handler runs: whatever happens in it, these bytes do not come again unless it says so.
          events[e + 3] = 0;
          const left = handler.onData(offset, length);
          if (left > 0) {
            events[e + 2] = offset + length - left;
            events[e + 3] = left;
          }
          break;
        }
        case IoEvent.accept:
          handler.onAccept(events[e]);
          break;
        case IoEvent.connect:
          handler.onConnect(events[e + 2]);
          break;
        case IoEvent.eof:
          handler.onEof();
          break;
        case IoEvent.error:
          handler.onError(events[e + 2]);
          break;
        case IoEvent.drain:
          handler.onDrain(events[e + 2]);
          break;
        default:
      }
    } catch (error) {
      this.onEscaped(error);
      handler.onException(error);
    }
  }

  private endTurn(): void {
    if (this.wheel.isDue()) this.wheel.advance();
    // The list is not shortened, so that its memory stays; entries that are done are overwritten.
    for (let i = 0; i < this.deferredCount; i++) {
      const object = this.deferred[i];
      this.deferred[i] = null;
      object?.onDeferredDelete();
    }
    this.deferredCount = 0;
    const wanted = this.wheel.wantedTickMs();
    if (wanted !== this.tickMs) {
      this.tickMs = wanted;
      this.io.setTick(wanted);
    }
    this.inTurn = false;
  }
}
