import { beforeEach, describe, expect, it } from 'vitest';
import { TimerWheel, type WheelTimer } from './timer_wheel.ts';

const TICK_MS = 8;

describe('TimerWheel', () => {
  let clock: Float64Array;
  let wheel: TimerWheel;
  let escaped: unknown[];
  let fired: { readonly name: string; readonly atMs: number }[];

  beforeEach(() => {
    clock = new Float64Array([12_345.678, 0]);
    escaped = [];
    fired = [];
    wheel = new TimerWheel(clock, (error) => escaped.push(error));
  });

  const start = 12_345.678;
  const elapsed = () => clock[0] - start;

  function turn(ms: number): void {
    clock[0] += ms;
    wheel.update();
    if (wheel.isDue()) wheel.advance();
  }

  /** Lets time pass as the loop would: woken as often as the wheel asks. */
  function pass(ms: number): void {
    for (let left = ms; left > 0; ) {
      const step = Math.min(left, wheel.wantedTickMs() || left);
      turn(step);
      left -= step;
    }
  }

  function timer(name: string, onFire: (timer: WheelTimer) => void = () => {}): WheelTimer {
    return wheel.createTimer({
      onTimeout: (self) => {
        fired.push({ name, atMs: elapsed() });
        onFire(self);
      },
    });
  }

  it.each([0, 1, 7, 8, 9, 100, 1000, 8000, 8176, 8184, 8192, 8200, 15_000, 60_000, 300_000, 3_600_000])('fires a timer of %d ms once, never early, late by two ticks at most', (ms) => {
    turn(3.3);
    const armedAt = elapsed();
    const t = timer('t');
    t.enable(ms);
    expect(t.enabled).toBe(true);
    pass(ms + 3000);
    expect(fired.length).toBe(1);
    expect(fired[0].atMs - armedAt).toBeGreaterThanOrEqual(ms);
    expect(fired[0].atMs - armedAt).toBeLessThanOrEqual(ms + 2 * TICK_MS + 0.01);
    expect(t.enabled).toBe(false);
    expect(wheel.wantedTickMs()).toBe(0);
  });

  it('fires in the order of their times', () => {
    for (const ms of [500, 10, 9000, 300, 20_000, 80]) timer(String(ms)).enable(ms);
    pass(25_000);
    expect(fired.map((event) => event.name)).toEqual(['10', '80', '300', '500', '9000', '20000']);
  });

  it('fires later when armed again for later', () => {
    const t = timer('t');
    t.enable(100);
    pass(50);
    t.enable(100);
    pass(90);
    expect(fired).toEqual([]);
    pass(40);
    expect(fired.length).toBe(1);
    expect(fired[0].atMs).toBeGreaterThanOrEqual(150);
  });

  it('fires earlier when armed again for earlier', () => {
    const t = timer('t');
    t.enable(5000);
    t.enable(50);
    pass(100);
    expect(fired.length).toBe(1);
    pass(6000);
    expect(fired.length).toBe(1);
  });

  it.each([[100, 20_000], [20_000, 100], [20_000, 40_000], [9000, 8000]])('moves between near and far: %d ms, then %d ms', (first, second) => {
    const t = timer('t');
    t.enable(first);
    pass(50);
    const armedAt = elapsed();
    t.enable(second);
    pass(50_000);
    expect(fired.length).toBe(1);
    expect(fired[0].atMs - armedAt).toBeGreaterThanOrEqual(second);
    expect(fired[0].atMs - armedAt).toBeLessThanOrEqual(second + 2 * TICK_MS + 0.01);
  });

  it.each([100, 20_000])('does not fire what was disarmed, of %d ms', (ms) => {
    const t = timer('t');
    t.enable(ms);
    pass(10);
    t.disable();
    expect(t.enabled).toBe(false);
    pass(60_000);
    expect(fired).toEqual([]);
    expect(wheel.wantedTickMs()).toBe(0);
  });

  it.each([100, 20_000])('forgets a closed timer at once, of %d ms', (ms) => {
    const t = timer('t');
    t.enable(ms);
    t.close();
    expect(wheel.wantedTickMs()).toBe(0);
    t.close();
    t.enable(10);
    pass(50);
    expect(fired.length).toBe(1);
  });

  it('keeps count when many share a slot and some leave', () => {
    const timers = Array.from({ length: 10 }, (_, i) => timer(String(i)));
    for (const t of timers) t.enable(100);
    for (const i of [0, 3, 9]) timers[i].close();
    pass(200);
    expect(fired.map((event) => event.name).sort()).toEqual(['1', '2', '4', '5', '6', '7', '8']);
    expect(wheel.wantedTickMs()).toBe(0);
  });

  it('lets a callback arm its own timer again', () => {
    const t = timer('t', (self) => fired.length < 5 && self.enable(0));
    t.enable(0);
    pass(500);
    expect(fired.length).toBe(5);
    for (let i = 1; i < 5; i++) expect(fired[i].atMs).toBeGreaterThan(fired[i - 1].atMs);
  });

  it('lets a callback close or disarm others that are due at the same time', () => {
    const others: WheelTimer[] = [];
    let ran = 0;
    for (let i = 0; i < 3; i++) {
      others.push(
        timer(String(i), () => {
          if (++ran === 1) {
            others[0].close();
            others[1].disable();
            others[2].close();
          }
        }),
      );
    }
    for (const t of others) t.enable(50);
    pass(200);
    expect(fired.length).toBe(1);
  });

  it('goes on with the others when a callback throws', () => {
    timer('bad', () => {
      throw new Error('bad');
    }).enable(50);
    timer('good').enable(50);
    timer('later').enable(60);
    pass(200);
    expect(fired.map((event) => event.name).sort()).toEqual(['bad', 'good', 'later']);
    expect(escaped.length).toBe(1);
  });

  it('fires everything that is due after the loop stood still', () => {
    timer('near').enable(100);
    timer('nearer').enable(50);
    timer('far').enable(20_000);
    timer('farther').enable(100_000);
    turn(50_000);
    // Those of the far list come one tick later.
    turn(TICK_MS);
    expect(fired.map((event) => event.name).sort()).toEqual(['far', 'near', 'nearer']);
    pass(60_000);
    expect(fired.at(-1)?.name).toBe('farther');
  });

  it('arms correctly after a long time without timers', () => {
    turn(10_000_000);
    const armedAt = elapsed();
    timer('t').enable(5000);
    pass(10_000);
    expect(fired.length).toBe(1);
    expect(fired[0].atMs - armedAt).toBeGreaterThanOrEqual(5000);
    expect(fired[0].atMs - armedAt).toBeLessThanOrEqual(5000 + 2 * TICK_MS + 0.01);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('agrees with a plain list over random operations (seed %d)', (seed) => {
    let state = seed * 7919;
    const below = (limit: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return state % limit;
    };
    const due = new Map<number, number>();
    const timers = Array.from({ length: 20 }, (_, i) =>
      wheel.createTimer({
        onTimeout: () => {
          const wanted = due.get(i);
          expect(wanted, `timer ${i} is armed`).toBeDefined();
          expect(elapsed()).toBeGreaterThanOrEqual(wanted ?? Number.POSITIVE_INFINITY);
          due.delete(i);
        },
      }),
    );
    for (let step = 0; step < 3000; step++) {
      const i = below(timers.length);
      const kind = below(10);
      if (kind < 5) {
        const ms = below(4) === 0 ? below(60_000) : below(500);
        timers[i].enable(ms);
        due.set(i, elapsed() + ms);
      } else if (kind === 5) {
        timers[i].disable();
        due.delete(i);
      } else if (kind === 6) {
        timers[i].close();
        due.delete(i);
      } else {
        pass(below(40));
        for (const [other, wanted] of due) expect(elapsed(), `timer ${other} is late`).toBeLessThanOrEqual(wanted + 3 * TICK_MS + 1000);
      }
    }
    pass(200_000);
    expect(due.size).toBe(0);
    expect(escaped).toEqual([]);
  });
});
