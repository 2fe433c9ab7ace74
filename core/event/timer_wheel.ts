import type { Timer } from './timer.ts';

/** Width of one slot in milliseconds, and slots of the near wheel: a horizon of about eight seconds. */
const SLOT_MS = 8;
const SLOTS = 1024;
const SLOT_MASK = SLOTS - 1;
const HORIZON_MS = SLOT_MS * SLOTS;
/** How often the far list is looked at. */
const FAR_CHECK_MS = 4096;
/** Slot number of a timer in the far list / in no list. */
const FAR = -2;
const NONE = -1;

/** Who a wheel timer calls. */
export interface WheelTimerTarget {
  onTimeout(timer: WheelTimer): void;
}

/**
 * A timer on the wheel. Re-arming to a later time only stores the new deadline; the wheel moves the timer when its old slot
 * comes up. So a per-request timer costs two stores.
 */
export class WheelTimer implements Timer {
  private readonly wheel: TimerWheel;
  private readonly target: WheelTimerTarget;
  /** Absolute milliseconds, Infinity = disarmed. */
  deadline: number;
  /** The time its slot comes up. */
  scheduledAt: number;
  slot: number;
  next: WheelTimer | null;
  previous: WheelTimer | null;

  constructor(wheel: TimerWheel, target: WheelTimerTarget) {
    this.wheel = wheel;
    this.target = target;
    this.deadline = Infinity;
    this.scheduledAt = Infinity;
    this.slot = NONE;
    this.next = null;
    this.previous = null;
  }

  get enabled(): boolean {
    return this.deadline !== Infinity;
  }

  enable(ms: number): void {
    const deadline = this.wheel.nowMs + ms;
    this.deadline = deadline;
    if (deadline < this.scheduledAt) this.wheel.schedule(this);
  }

  disable(): void {
    this.deadline = Infinity;
  }

  /** Takes it off the wheel altogether: for timers that are thrown away. */
  close(): void {
    this.deadline = Infinity;
    this.wheel.unlink(this);
  }

  fire(): void {
    this.deadline = Infinity;
    this.target.onTimeout(this);
  }
}

/**
 * One worker's timers. `advance` is called once per turn with the turn's clock; `wantedTickMs` says how often the loop must be
 * woken when nothing else happens. Timers never fire early, and late by at most one slot plus the turn.
 */
export class TimerWheel {
  /** This turn's clock. */
  nowMs: number;
  private readonly slots: (WheelTimer | null)[];
  private far: WheelTimer | null;
  private nearCount: number;
  private farCount: number;
  /** Slot time processed last. */
  private processedMs: number;
  private farCheckedMs: number;
  private readonly onEscaped: (error: unknown) => void;

  /** `onEscaped` gets what a timer's callback throws; the other timers still fire. */
  constructor(nowMs: number, onEscaped: (error: unknown) => void) {
    this.onEscaped = onEscaped;
    this.nowMs = nowMs;
    this.slots = new Array<WheelTimer | null>(SLOTS).fill(null);
    this.far = null;
    this.nearCount = 0;
    this.farCount = 0;
    this.processedMs = Math.floor(nowMs / SLOT_MS) * SLOT_MS;
    this.farCheckedMs = this.processedMs;
  }

  createTimer(target: WheelTimerTarget): WheelTimer {
    return new WheelTimer(this, target);
  }

  /** Milliseconds between wake-ups the wheel needs; 0 = none. */
  wantedTickMs(): number {
    if (this.nearCount > 0) return SLOT_MS;
    return this.farCount > 0 ? 1000 : 0;
  }

  /** Moves the clock without firing anything (the start of each turn). */
  setNow(nowMs: number): void {
    this.nowMs = nowMs;
  }

  /** Whether `advance` has something to do. */
  isDue(): boolean {
    return this.nowMs - this.processedMs >= SLOT_MS;
  }

  /** Fires what is due. */
  advance(): void {
    const now = this.nowMs;
    const last = Math.floor(now / SLOT_MS) * SLOT_MS;
    let at = this.processedMs;
    if (last - at > HORIZON_MS) at = last - HORIZON_MS;
    while (at < last) {
      at += SLOT_MS;
      this.processedMs = at;
      const index = (at / SLOT_MS) & SLOT_MASK;
      // Nothing is scheduled back into this slot meanwhile: `schedule` stays below one horizon.
      for (let timer = this.slots[index]; timer !== null; timer = this.slots[index]) {
        this.unlink(timer);
        this.expire(timer, now);
      }
    }
    if (last - this.farCheckedMs >= FAR_CHECK_MS) this.cascade(last);
  }

  /** Puts a timer where its deadline belongs. */
  schedule(timer: WheelTimer): void {
    this.unlink(timer);
    const deadline = timer.deadline;
    if (deadline === Infinity) return;
    if (deadline - this.processedMs >= HORIZON_MS - SLOT_MS) {
      timer.slot = FAR;
      timer.scheduledAt = deadline;
      timer.next = this.far;
      if (this.far !== null) this.far.previous = timer;
      this.far = timer;
      this.farCount++;
      return;
    }
    let slotTime = Math.ceil(deadline / SLOT_MS) * SLOT_MS;
    if (slotTime <= this.processedMs) slotTime = this.processedMs + SLOT_MS;
    const index = (slotTime / SLOT_MS) & SLOT_MASK;
    timer.slot = index;
    timer.scheduledAt = slotTime;
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
    timer.scheduledAt = Infinity;
  }

  private expire(timer: WheelTimer, now: number): void {
    if (timer.deadline === Infinity) return;
    if (timer.deadline > now) {
      this.schedule(timer);
      return;
    }
    try {
      timer.fire();
    } catch (error) {
      this.onEscaped(error);
    }
  }

  /** Brings timers of the far list that are near now onto the wheel, drops disarmed ones. */
  private cascade(last: number): void {
    this.farCheckedMs = last;
    let timer = this.far;
    while (timer !== null) {
      const next: WheelTimer | null = timer.next;
      if (timer.deadline === Infinity) this.unlink(timer);
      else if (timer.deadline - last < HORIZON_MS - SLOT_MS) this.schedule(timer);
      else timer.scheduledAt = timer.deadline;
      timer = next;
    }
  }
}
