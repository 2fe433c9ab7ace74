import { describe, expect, it } from 'vitest';
import { formatScenario, table } from './report.ts';
import type { RunSample, ScenarioRow } from './result.ts';

const SAMPLE: RunSample = {
  round: 0, requestsPerSecond: 60_000, p50Us: 900, p99Us: 1500, cpuUs: 14, userUs: 6, systemUs: 8, utilisation: 0.98,
  rssKib: 15_360, peakRssKib: 16_384, requests: 180_000,
};

describe('table', () => {
  it('aligns columns and fills short rows', () => {
    expect(table(['a', 'long'], [['xyz', '1'], ['q']])).toBe('| a   | long |\n|-----|-----:|\n| xyz |    1 |\n| q   |      |');
  });
});

describe('formatScenario', () => {
  it('shows medians, the spread of CPU per request and the ratios of the run', () => {
    const rows: ScenarioRow[] = [
      { peer: 'haproxy', samples: [SAMPLE], faults: [], cpuRatios: { haproxy: { median: 1, min: 1, max: 1 } } },
      {
        peer: 'other',
        samples: [{ ...SAMPLE, cpuUs: 28 }, { ...SAMPLE, round: 1, cpuUs: 30 }],
        faults: [],
        cpuRatios: { haproxy: { median: 2.07, min: 2, max: 2.14 } },
      },
    ];
    const line = formatScenario({ scenario: 's', what: 'w', rows }).split('\n').at(-1) ?? '';
    expect(line.split('|').map((cell) => cell.trim())).toEqual([
      '', 'other', '60000', '0.90', '1.50', '29.00', '28.00-30.00', '6.00', '8.00', '0.98', '15.0', '16.0', '2.07', '',
    ]);
  });
  it('shows no number of a row that failed, but why', () => {
    const row: ScenarioRow = { peer: 'bad', samples: [SAMPLE], faults: ['3 responses were not 2xx'], cpuRatios: {} };
    const text = formatScenario({ scenario: 's', what: 'w', rows: [row] });
    expect(text).not.toContain('60000');
    expect(text).toContain('bad FAILED: 3 responses were not 2xx');
  });
});
