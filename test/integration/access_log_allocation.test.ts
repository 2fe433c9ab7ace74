import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Measurement {
  readonly format: string;
  readonly heapBytesPerLine: number;
}

describe('writing an access-log line', () => {
  it('allocates nothing, as text and as JSON', () => {
    const script = fileURLToPath(new URL('../../bench/micro/access_log_line.ts', import.meta.url));
    const output = execFileSync(process.execPath, ['--expose-gc', '--max-semi-space-size=64', script, '400000'], { encoding: 'utf8', timeout: 30_000 });
    const measurements = JSON.parse(output) as Measurement[];
    expect(measurements).toHaveLength(2);
    // The smallest object per line would be 12 bytes; what is left comes from the reader and from measuring.
    for (const { format, heapBytesPerLine } of measurements) expect(heapBytesPerLine, format).toBeLessThan(2);
  });
});
