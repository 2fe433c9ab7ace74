import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { nativeAvailable } from '../../native/index.ts';

const MEASURE = fileURLToPath(new URL('./measure.ts', import.meta.url));
const expected = JSON.parse(readFileSync(new URL('./expected.json', import.meta.url), 'utf8')) as { bytesPerRequest: number; margin: number };

it.runIf(nativeAvailable())('a proxied request allocates no JavaScript object', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--max-semi-space-size=64', MEASURE], { timeout: 100_000 });
  const result = JSON.parse(stdout) as { bytesPerRequest: number; collections: number; errors: number };
  expect(result.errors).toBe(0);
  expect(result.collections).toBe(0);
  // One object of the smallest kind is 12 to 16 bytes: a rise by that is one allocation per request.
  expect(result.bytesPerRequest).toBeLessThanOrEqual(expected.bytesPerRequest + expected.margin);
}, 120_000);
