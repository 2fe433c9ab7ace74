import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { backendsUnderTest } from '../support/io_driver.ts';

const CHECK = fileURLToPath(new URL('./check_shapes.ts', import.meta.url));
/** Classes of the data path. */
const HOT = ['Connection', 'ActiveStream', 'HeaderMap', 'StreamInfo', 'Http1PoolClient', 'UpstreamRequest', 'WheelTimer', 'ConnectionManager', 'Http1ServerConnection', 'Http1ClientConnection', 'FilterIteration'];

describe.each(backendsUnderTest())('hot objects on the %s backend', (backend) => {
  it('have one shape each, used or new', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--allow-natives-syntax', CHECK, backend], { timeout: 60_000 });
    const seen = JSON.parse(stdout) as Record<string, { objects: number; shapes: number }>;
    for (const name of HOT) {
      expect(seen[name]?.objects, name).toBeGreaterThan(1);
      expect(seen[name]?.shapes, name).toBe(1);
    }
  }, 60_000);
});
