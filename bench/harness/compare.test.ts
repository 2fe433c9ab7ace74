import { describe, expect, it } from 'vitest';
import { compareResults } from './compare.ts';
import type { BenchResult } from './result.ts';
import type { Spread } from './statistics.ts';

function resultWith(ratio: Spread, faults: readonly string[] = []): BenchResult {
  const cpuRatios = faults.length > 0 ? {} : { haproxy: ratio };
  return {
    schema: 1,
    startedAt: '',
    machine: { cpu: '', cores: 2, memoryGib: 1, kernel: '', node: '', commit: '', load: 0, busyBefore: 0 },
    driver: '', origin: '', accounting: '', isPinned: true, seconds: 1, runs: 3, versions: {}, absent: {},
    scenarios: [{ scenario: 'get1k', what: '', rows: [{ peer: 'envoyts', samples: [], faults, cpuRatios }] }],
    idle: [],
    syscalls: [],
  };
}

function around(median: number): Spread {
  return { median, min: median - 0.01, max: median + 0.01 };
}

describe('compareResults', () => {
  it('calls a ratio that rose beyond both ranges dearer', () => {
    const [change] = compareResults(resultWith(around(0.7)), resultWith(around(0.77)));
    expect(change?.verdict).toBe('dearer');
    expect(change?.factor).toBeCloseTo(1.1);
  });
  it('calls a ratio that fell beyond both ranges cheaper', () => {
    expect(compareResults(resultWith(around(0.7)), resultWith(around(0.6)))[0]?.verdict).toBe('cheaper');
  });
  it('calls overlapping ranges noise', () => {
    expect(compareResults(resultWith(around(0.7)), resultWith(around(0.715)))[0]?.verdict).toBe('within noise');
  });
  it('calls less than two in a hundred noise, however steady', () => {
    const steady = (median: number): Spread => ({ median, min: median, max: median });
    expect(compareResults(resultWith(steady(0.7)), resultWith(steady(0.71)))[0]?.verdict).toBe('within noise');
  });
  it('leaves out a row that failed on either side', () => {
    expect(compareResults(resultWith(around(0.7)), resultWith(around(0.7), ['broken']))).toEqual([]);
  });
});
