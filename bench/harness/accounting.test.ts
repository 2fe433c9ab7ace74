import { describe, expect, it } from 'vitest';
import { cpuBetween, parseKib, parseSchedstat, parseStat } from './accounting.ts';

describe('parseStat', () => {
  it('reads utime and stime behind a command name with spaces and parentheses', () => {
    const text = '4321 (a b) c) R 1 4321 4321 0 -1 4194304 68 0 1 0 17 29 0 0 20 0 1 0 86469 430080 33 1844';
    expect(parseStat(text)).toEqual({ user: 17, system: 29 });
  });
});

describe('parseSchedstat', () => {
  it('reads the nanoseconds on a CPU', () => {
    expect(parseSchedstat('169578967 11560354 409\n')).toBe(169_578_967);
  });
});

describe('parseKib', () => {
  const status = 'Name:\tnode\nVmPeak:\t 1000 kB\nVmHWM:\t   15200 kB\nVmRSS:\t   14000 kB\n';
  it('reads a line of the status file', () => {
    expect(parseKib(status, 'VmHWM')).toBe(15_200);
    expect(parseKib(status, 'VmRSS')).toBe(14_000);
  });
  it('is undefined for a line that is not there', () => {
    expect(parseKib(status, 'Pss')).toBeUndefined();
  });
});

describe('cpuBetween', () => {
  it('splits the exact total in the proportion of the sampled ticks', () => {
    const before = { totalUs: 1000, userUs: 0, systemUs: 10_000 };
    const after = { totalUs: 5000, userUs: 10_000, systemUs: 40_000 };
    expect(cpuBetween(before, after)).toEqual({ totalUs: 4000, userUs: 1000, systemUs: 3000 });
  });
  it('does not divide by zero when no tick fell into the span', () => {
    const still = { totalUs: 0, userUs: 0, systemUs: 0 };
    expect(cpuBetween(still, { ...still, totalUs: 3 })).toEqual({ totalUs: 3, userUs: 0, systemUs: 3 });
  });
});
