/**
 * Connects to the first of several addresses that answers (RFC 8305, "happy eyeballs"): one after the other, the next as soon as one
 * fails and at the latest 300 ms after the one before, all of them together as one connection. Per worker, within its turns.
 *
 *     dial 1 -+- connected -> that one it is, the others are closed
 *             +- failed, or 300 ms -> dial the next, while there is one
 *             +- all failed -> the connection fails as the last of them did
 */
import { CloseMode } from '../io/io.ts';
import type { WheelTimer, WheelTimerTarget } from '../event/timer_wheel.ts';
import type { Connection } from './connection.ts';
import type { IoDispatcher, IoHandler } from './io_dispatcher.ts';

/** Between two attempts. */
const NEXT_ATTEMPT_MS = 300;

/** Begins the connect to the address of this index: a connection number, or a negative errno. */
export type DialAddress = (index: number) => number;

/** The first address that can be dialled at all, and its number; or the errno of the last. */
export function dialFirst(dial: DialAddress, count: number): { readonly index: number; readonly handle: number } {
  let handle = -1;
  for (let index = 0; index < count; index++) {
    handle = dial(index);
    if (handle >= 0) return { index, handle };
  }
  return { index: count, handle };
}

export class AddressRace implements WheelTimerTarget {
  private readonly dispatcher: IoDispatcher;
  private readonly connection: Connection;
  private readonly dial: DialAddress;
  private readonly count: number;
  private readonly onAttemptFailed: (handle: number) => void;
  private next: number;
  /** Those that are under way; the connection has the number of one of them. */
  private readonly attempts: Set<Attempt>;
  private readonly timer: WheelTimer;

  /**
   * `connection` has been made with the number of the attempt at address `first`; it is told how the race ends. `onAttemptFailed` is told
   * of each attempt that fails while others go on.
   */
  constructor(dispatcher: IoDispatcher, connection: Connection, dial: DialAddress, first: number, count: number, onAttemptFailed: (handle: number) => void) {
    this.dispatcher = dispatcher;
    this.connection = connection;
    this.dial = dial;
    this.count = count;
    this.onAttemptFailed = onAttemptFailed;
    this.next = first + 1;
    this.attempts = new Set();
    this.timer = dispatcher.createTimer(this);
    this.begin(connection.handle);
  }

  /** Nobody waits for it any more. The attempt whose number the connection has is the connection's to close. */
  close(): void {
    this.timer.close();
    for (const { handle } of this.attempts) if (handle !== this.connection.handle) this.drop(handle);
    this.attempts.clear();
  }

  // === WheelTimerTarget ===

  onTimeout(): void {
    this.dialNext();
  }

  // === from attempts ===

  onAttempt(attempt: Attempt, error: number): void {
    this.attempts.delete(attempt);
    const { connection, dispatcher } = this;
    if (error !== 0 && (this.dialNext() || this.attempts.size > 0)) {
      this.onAttemptFailed(attempt.handle);
      this.drop(attempt.handle);
      for (const { handle } of this.attempts) connection.handle = handle;
      return;
    }
    connection.handle = attempt.handle;
    this.close();
    dispatcher.setHandler(attempt.handle, connection);
    connection.onConnect(error);
  }

  /** False: there is no further address. */
  private dialNext(): boolean {
    while (this.next < this.count) {
      const handle = this.dial(this.next++);
      if (handle < 0) continue;
      this.begin(handle);
      return true;
    }
    return false;
  }

  private begin(handle: number): void {
    const attempt = new Attempt(this, handle);
    this.attempts.add(attempt);
    this.dispatcher.setHandler(handle, attempt);
    if (this.next < this.count) this.timer.enable(NEXT_ATTEMPT_MS);
    else this.timer.disable();
  }

  private drop(handle: number): void {
    this.dispatcher.setHandler(handle, null);
    this.dispatcher.commands.close(handle, CloseMode.now);
  }
}

/** One address that is dialled. */
class Attempt implements IoHandler {
  readonly handle: number;
  private readonly race: AddressRace;

  constructor(race: AddressRace, handle: number) {
    this.race = race;
    this.handle = handle;
  }

  onConnect(error: number): void {
    this.race.onAttempt(this, error);
  }

  onError(error: number): void {
    this.race.onAttempt(this, error);
  }

  onException(_error: unknown): void {
    this.race.close();
  }

  // Nothing else happens before the connect.
  onAccept(): void {}
  onData(): number {
    return 0;
  }
  onEof(): void {}
  onDrain(): void {}
}
