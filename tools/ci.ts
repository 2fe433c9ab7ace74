/**
 * Runs the README's test command and the checks, and sums them up: every test and every check counts one. Exit code 1 when
 * anything failed. The last line is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

interface TestSummary {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
}

function run(command: string, args: readonly string[]): boolean {
  console.log(`\n== ${command} ${args.join(' ')}`);
  return spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;
}

let passed = 0;
let failed = 0;
let skipped = 0;

for (const script of ['check:types', 'check:lint', 'check:layers', 'build', 'test:sanitized']) {
  const ok = run('npm', ['run', '--silent', script]);
  console.log(`${script}: ${ok ? 'passed' : 'FAILED'}`);
  if (ok) passed++;
  else failed++;
}

const folder = mkdtempSync(join(tmpdir(), 'envoyts-ci-'));
const report = join(folder, 'tests.json');
const testsOk = run('npm', ['test', '--silent', '--', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
try {
  const summary = JSON.parse(readFileSync(report, 'utf8')) as TestSummary;
  passed += summary.numPassedTests;
  failed += summary.numFailedTests;
  skipped += summary.numPendingTests;
  // A file that could not be loaded has no tests to fail.
  if (!testsOk && summary.numFailedTests === 0) failed++;
  if (summary.numPassedTests === 0) failed++;
} catch (error) {
  console.error(`no test report: ${String(error)}`);
  failed++;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

process.exitCode = failed === 0 ? 0 : 1;
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
