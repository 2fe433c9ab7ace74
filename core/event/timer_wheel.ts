import type { Timer } from './timer.ts';

/** Width of one tick in milliseconds, and slots of the near wheel: a horizon of about eight seconds. */
const TICK_MS = 8;
const SLOTS = 1024;
const SLOT_MASK = SLOTS - 1;
/** How often, in ticks, the far list is looked at. */
const FAR_CHECK_TICKS = 512;
/** Slot number of a timer in the far list / in no list. */
const FAR = -2;
const NONE = -1;
/** Deadline of a timer that is not armed. */
const NEVER = 0x7fffffff;

/** Who a wheel timer calls. */
export interface WheelTimerTarget {
  onTimeout(timer: WheelTimer): void;
}

/**
 * A timer on the wheel. Re-arming to a later time only stores the new deadline; the wheel moves the timer when its old slot
 * comes up. So a per-request timer costs two stores. Ticks are small integers: storing one allocates nothing (198 days long).
 */
export class WheelTimer implements Timer {
  private readonly wheel: TimerWheel;
  private readonly target: WheelTimerTarget;
  /** Tick at which it is due. */
  deadline: number;
  /** The tick its slot comes up. */
  scheduledAt: number;
  slot: number;
  next: WheelTimer | null;
  previous: WheelTimer | null;

  constructor(wheel: TimerWheel, target: WheelTimerTarget) {
    this.wheel = wheel;
    this.target = target;
    this.deadline = NEVER;
    this.scheduledAt = NEVER;
    this.slot = NONE;
    this.next = null;
    this.previous = null;
  }

  get enabled(): boolean {
    return this.deadline !== NEVER;
  }

  enable(ms: number): void {
    const deadline = this.wheel.nowTick + ticksFor(ms);
    this.deadline = deadline;
    if (deadline < this.scheduledAt) this.wheel.schedule(this);
  }

  disable(): void {
    this.deadline = NEVER;
  }

  /** Takes it off the wheel altogether: for timers that are thrown away. */
  close(): void {
    this.deadline = NEVER;
    this.wheel.unlink(this);
  }

  fire(): void {
    this.deadline = NEVER;
    this.target.onTimeout(this);
  }
}

/** Ticks after which `ms` have certainly passed, whatever part of the current tick is over. */
function ticksFor(ms: number): number {
  const ticks = Math.ceil(ms / TICK_MS) + 1;
  return ticks < 0x3fffffff ? ticks : 0x3fffffff;
}

/**
 * One worker's timers. `advance` is called once per turn; `wantedTickMs` says how often the loop must be woken when nothing else
 * happens. Timers never fire early, and late by at most two ticks plus the turn.
 */
export class TimerWheel {
  /** This turn's tick. */
  nowTick: number;
  private readonly clock: Float64Array;
  private readonly startMs: number;
  private readonly slots: (WheelTimer | null)[];
  private far: WheelTimer | null;
  private nearCount: number;
  private farCount: number;
  /** Tick processed last. */
  private processed: number;
  private farChecked: number;
  private readonly onEscaped: (error: unknown) => void;
  private readonly afterEach: () => void;

  /**
   * `clock[0]` is the monotonic time in milliseconds; `onEscaped` gets what a callback throws: the other timers still fire.
   * `afterEach` is called after each that fired.
   */
  constructor(clock: Float64Array, onEscaped: (error: unknown) => void, afterEach: () => void = () => {}) {
    this.clock = clock;
    this.startMs = clock[0];
    this.onEscaped = onEscaped;
    this.afterEach = afterEach;
    this.nowTick = 0;
    this.slots = new Array<WheelTimer | null>(SLOTS).fill(null);
    this.far = null;
    this.nearCount = 0;
    this.farCount = 0;
    this.processed = 0;
    this.farChecked = 0;
  }

  createTimer(target: WheelTimerTarget): WheelTimer {
    return new WheelTimer(this, target);
  }

  /** Milliseconds between wake-ups the wheel needs; 0 = none. */
  wantedTickMs(): number {
    if (this.nearCount > 0) return TICK_MS;
    return this.farCount > 0 ? 1000 : 0;
  }

  /** Reads the clock, without firing anything: the start of each turn. */
  update(): void {
    this.nowTick = Math.floor((this.clock[0] - this.startMs) / TICK_MS);
  }

  /** Whether `advance` has something to do. */
  isDue(): boolean {
    return this.nowTick > this.processed;
  }

  /** Fires what is due. */
  advance(): void {
    const last = this.nowTick;
    if (last - this.processed > SLOTS) this.processed = last - SLOTS;
    while (this.processed < last) {
      const at = ++this.processed;
      const index = at & SLOT_MASK;
      // Nothing is scheduled back into this slot meanwhile: `schedule` stays below one horizon.
      for (let timer = this.slots[index]; timer !== null; timer = this.slots[index]) {
        this.unlink(timer);
        this.expire(timer, last);
      }
    }
    if (last - this.farChecked >= FAR_CHECK_TICKS) this.cascade(last);
  }

  /** Puts a timer where its deadline belongs. */
  schedule(timer: WheelTimer): void {
    this.unlink(timer);
    const deadline = timer.deadline;
    if (deadline === NEVER) return;
    if (deadline - this.processed >= SLOTS - 1) {
      timer.slot = FAR;
      timer.scheduledAt = deadline;
      timer.next = this.far;
      if (this.far !== null) this.far.previous = timer;
      this.far = timer;
      this.farCount++;
      return;
    }
    const at = deadline > this.processed ? deadline : this.processed + 1;
    const index = at & SLOT_MASK;
    timer.slot = index;
    timer.scheduledAt = at;
    const head = this.slots[index];
    timer.next = head;
    if (head !== null) head.previous = timer;
    this.slots[index] = timer;
    this.nearCount++;
  }

  unlink(timer: WheelTimer): void {
    if (timer.slot === NONE) return;
    if (timer.previous !== null) timer.previous.next = timer.next;
    else if (timer.slot === FAR) this.far = timer.next;
    else this.slots[timer.slot] = timer.next;
    if (timer.next !== null) timer.next.previous = timer.previous;
    if (timer.slot === FAR) this.farCount--;
    else this.nearCount--;
    timer.slot = NONE;
    timer.next = null;
    timer.previous = null;
    timer.scheduledAt = NEVER;
  }

  private expire(timer: WheelTimer, now: number): void {
    if (timer.deadline === NEVER) return;
    if (timer.deadline > now) {
      this.schedule(timer);
      return;
    }
    try {
      timer.fire();
    } catch (error) {
      this.onEscaped(error);
    }
    this.afterEach();
  }

  /** Brings timers of the far list that are near now onto the wheel, drops disarmed ones. */
  private cascade(last: number): void {
    this.farChecked = last;
    let timer = this.far;
    while (timer !== null) {
      const next: WheelTimer | null = timer.next;
      if (timer.deadline === NEVER) this.unlink(timer);
      else if (timer.deadline - last < SLOTS - 1) this.schedule(timer);
      else timer.scheduledAt = timer.deadline;
      timer = next;
    }
  }
}
