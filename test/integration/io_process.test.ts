import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { backendsUnderTest } from '../support/io_driver.ts';

const SCENARIOS = fileURLToPath(new URL('../support/io_scenarios.ts', import.meta.url));

/** Runs one scenario in a process of its own, optionally with a limit on descriptors. */
function run(backend: string, scenario: string, descriptors?: number): { lines: string[]; status: number | null; errors: string } {
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors}; `;
  const command = `${limit}exec "$0" "$@"`;
  const result = spawnSync('/bin/sh', ['-c', command, process.execPath, SCENARIOS, backend, scenario], { encoding: 'utf8', timeout: 20_000 });
  return { lines: result.stdout.trim().split('\n'), status: result.status, errors: result.stderr };
}

describe.each(backendsUnderTest())('a process with %s io', (backend) => {
  it('stays alive while started', () => {
    expect(run(backend, 'stays_alive')).toMatchObject({ lines: ['alive'], status: 0 });
  });

  it('ends by itself after close', () => {
    expect(run(backend, 'exits_after_close')).toMatchObject({ lines: ['stopped'], status: 0 });
  });

  it('survives an exception in a turn without losing commands or bytes', () => {
    expect(run(backend, 'throws_in_turn')).toMatchObject({ lines: ['uncaught in turn', 'kept again'], status: 0 });
  });

  it('goes on when nobody holds the object any more', () => {
    expect(run(backend, 'survives_collection')).toMatchObject({ lines: ['goes on'], status: 0 });
  });

  it.runIf(backend === 'ring')('rests a listener that runs out of descriptors, and goes on later', () => {
    expect(run(backend, 'out_of_descriptors', 64)).toMatchObject({ lines: ['rests', 'accepts again'], status: 0 });
  });
});
