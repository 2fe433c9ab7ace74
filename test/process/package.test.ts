/** The package as it is published: packed, installed in an empty folder, run there. No registry: dependencies are this checkout's. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../native/index.ts';
import { bootstrap } from './support/bootstraps.ts';
import { ask, EnvoytsProcess } from './support/envoyts_process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'envoyts-package-'));
const installed = join(folder, 'node_modules', 'envoyts');
const LAUNCHER = join(installed, 'bin', 'envoyts.js');

function run(command: string, args: readonly string[], cwd: string, environment: Readonly<Record<string, string>> = {}): SpawnSyncReturns<string> {
  // npm runs on the Node of this test, and so does what it starts.
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, ...environment };
  return spawnSync(command, args, { cwd, encoding: 'utf8', env });
}

function must(result: SpawnSyncReturns<string>): string {
  if (result.status !== 0) throw new Error(`${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** What npm does when it installs the package, after the files are in place. */
const install = (environment: Readonly<Record<string, string>> = {}) =>
  must(run('npm', ['run', '--silent', 'install'], installed, environment)).split('\n').filter((line) => line !== '');

/** Serves one request with the installed package; returns what it said. */
async function serve(): Promise<string> {
  const envoyts = new EnvoytsProcess({ launcher: LAUNCHER }, bootstrap(), ['--concurrency', '1']);
  try {
    await envoyts.ready();
    expect(await ask(await envoyts.listener('main'), '/')).toEqual({ status: 200, body: 'direct' });
    envoyts.signal('SIGTERM');
    expect(await envoyts.exit()).toEqual({ code: 0, signal: null });
    return envoyts.stderr;
  } finally {
    await envoyts.dispose();
  }
}

beforeAll(() => {
  must(run(process.execPath, ['tools/build_ts.js', '--if-changed'], ROOT));
  const tarball = must(run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], ROOT)).trim();
  mkdirSync(installed, { recursive: true });
  must(run('tar', ['-xzf', join(folder, tarball), '--strip-components=1', '-C', installed], folder));
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  }
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the installed package', () => {
  it('has no sources, tests or tools, and prints its version', () => {
    for (const name of ['core', 'server', 'test', 'tools', 'bin/envoyts.ts', 'native/build']) expect(existsSync(join(installed, name)), name).toBe(false);
    expect(must(run(process.execPath, [LAUNCHER, '--version'], folder))).toMatch(/envoyts {2}version: /);
  });

  it('says in one line that there is no compiler, and serves all the same', async () => {
    expect(install({ CXX: '/nowhere/g++' })).toEqual([
      'The native addon was not built (no C++ compiler: /nowhere/g++ not found); envoyts will use the portable I/O backend.',
    ]);
    expect(await serve()).toMatch(/the native addon was not built: using the portable I\/O backend/);
  }, 60_000);

  // Where this checkout has an addon there is all that building one takes.
  it.runIf(nativeAvailable())('builds the addon where there is a compiler, and uses it', async () => {
    expect(install()).toEqual(['Built the native addon.']);
    expect(await serve()).not.toContain('portable');
  }, 180_000);
});
