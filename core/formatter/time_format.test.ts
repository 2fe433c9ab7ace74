import { describe, expect, it } from 'vitest';
import { TimeFormat } from './time_format.ts';

/** 2026-11-21T05:55:20.362155Z, a Saturday. */
const WALL_MS = 1795240520362.155;

function format(pattern: string, wallMs: number = WALL_MS): string {
  const bytes = new Uint8Array(600);
  const end = new TimeFormat(pattern, false).write(bytes, null, 3, wallMs);
  return Buffer.from(bytes.subarray(3, end)).toString();
}

describe('a time format', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['%Y-%m-%dT%H:%M:%E3SZ', '2026-11-21T05:55:20.362Z'],
    ['%s|%s.%3f|%s%3f', '1795240520|1795240520.362|1795240520362'],
    ['%1f %3f %6f %9f', '3 362 362155 362155000'],
    ['%f', '362155000'],
    ['%Y/%m/%dT%H:%M:%S%z %s', '2026/11/21T05:55:20+0000 1795240520'],
    ['%E3S %E*S %E4Y %Ez %E*z %Es %E3f %E*f', '20.362 20.362155 2026 +00:00 +00:00:00 1795240520 362 362155'],
    ['%a %A %b %B %c', 'Sat Saturday Nov November Sat Nov 21 05:55:20 2026'],
    ['%d %e %D %F %g %G %h %H %I %j %k %l %m %M %p %r %R %S', '21 21 11/21/26 2026-11-21 26 2026 Nov 05 05 325  5  5 11 55 AM 05:55:20 AM 05:55 20'],
    ['%T %u %U %V %w %W %x %X %y %Y %z %Z %%', '05:55:20 6 46 47 6 46 11/21/26 05:55:20 26 2026 +0000 UTC %'],
    ['%Q %i %! %N %L %P %+ %O %Ex %0f', '%Q %i %! %N %L am %+ %O 11/21/26 %0f'],
    ['%E0S %E6S %E12S', '20 20.362155 20.362155000000'],
    ['no specifier é %', 'no specifier é %'],
  ];
  it.each(cases)('renders %s', (pattern, expected) => {
    expect(format(pattern)).toBe(expected);
  });

  it('drops trailing zeros of a trimmed fraction', () => {
    expect(format('%E*S|%E*f', 1795240520500)).toBe('20.5|5');
    expect(format('%E*S|%E*f', 1795240520000)).toBe('20|0');
  });

  it('moves on with the time, within a second and across', () => {
    const time = new TimeFormat('%T.%3f', false);
    const bytes = new Uint8Array(40);
    const at = (wallMs: number): string => Buffer.from(bytes.subarray(0, time.write(bytes, null, 0, wallMs))).toString();
    expect([0, 1.9, 999.999, 1000, 999, 61000].map((ms) => at(1795240520000 + ms))).toEqual([
      '05:55:20.000', '05:55:20.001', '05:55:20.999', '05:55:21.000', '05:55:20.999', '05:56:21.000',
    ]);
  });

  it('agrees with the calendar at the edges of years', () => {
    expect(format('%G-W%V-%u %j %U %W', Date.UTC(2027, 0, 1))).toBe('2026-W53-5 001 00 00');
    expect(format('%G-W%V-%u %j %U %W', Date.UTC(2024, 11, 31))).toBe('2025-W01-2 366 52 53');
    expect(format('%I %p %l', Date.UTC(2024, 0, 1, 12))).toBe('12 PM 12');
    expect(format('%I %p', Date.UTC(2024, 0, 1, 0))).toBe('12 AM');
  });

  it('says when it does not fit', () => {
    expect(new TimeFormat('%T', false).write(new Uint8Array(7), null, 0, WALL_MS)).toBe(8);
  });
});
