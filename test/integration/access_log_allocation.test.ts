import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Measurement {
  readonly format: string;
  readonly heapBytesPerLine: number;
}

/** Runs at most: on a busy machine the compiler may finish, with garbage of its own, while a run is measured. */
const RUNS = 3;

function heapBytesPerLine(): Record<string, number> {
  const script = fileURLToPath(new URL('../../bench/micro/access_log_line.ts', import.meta.url));
  const output = execFileSync(process.execPath, ['--expose-gc', '--max-semi-space-size=64', script, '400000'], { encoding: 'utf8', timeout: 30_000 });
  return Object.fromEntries((JSON.parse(output) as Measurement[]).map(({ format, heapBytesPerLine: bytes }) => [format, bytes]));
}

describe('writing an access-log line', () => {
  it('allocates nothing, as text and as JSON', { timeout: RUNS * 40_000 }, () => {
    const least: Record<string, number> = {};
    // The smallest object per line would be 12 bytes, in every run; what is left comes from the reader and from measuring.
    const isTooMuch = (bytes: number): boolean => bytes >= 2;
    for (let run = 0; run === 0 || (run < RUNS && Object.values(least).some(isTooMuch)); run++) {
      for (const [format, bytes] of Object.entries(heapBytesPerLine())) least[format] = Math.min(least[format] ?? Infinity, bytes);
    }
    expect(Object.keys(least)).toHaveLength(2);
    expect(Object.entries(least).filter(([, bytes]) => isTooMuch(bytes))).toEqual([]);
  });
});
