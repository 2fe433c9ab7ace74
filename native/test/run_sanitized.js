// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer into native/build/sanitized and runs the I/O tests
// on it: `node native/test/run_sanitized.js [vitest filter ...]`. Plain JavaScript: runs on any Node.
//
// libasan has to be loaded before anything else, so it is preloaded into the pinned Node. Leaks are not looked for: Node
// does not free everything at exit. Where libasan or the compiler is missing, one line says that nothing was run.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NATIVE = dirname(dirname(fileURLToPath(import.meta.url)));
const ROOT = dirname(NATIVE);
const ADDON_FOLDER = join(NATIVE, 'build', 'sanitized', 'addon');

function skip(reason) {
  console.log(`*** SANITIZED I/O TESTS SKIPPED: ${reason} ***`);
  process.exit(0);
}

/** The shared library as the compiler finds it; undefined when it has none. */
function library(name) {
  const result = spawnSync(process.env.CXX || 'g++', [`-print-file-name=${name}`], { encoding: 'utf8' });
  const path = result.stdout?.trim() ?? '';
  return result.status === 0 && isAbsolute(path) && existsSync(path) ? path : undefined;
}

/** The pinned Node if it is installed: vitest needs a recent one. */
function pinnedNode() {
  const folder = join(ROOT, 'node_modules', 'node', 'node_modules');
  const name = existsSync(folder) ? readdirSync(folder).find((entry) => existsSync(join(folder, entry, 'bin', 'node'))) : undefined;
  return name === undefined ? process.execPath : join(folder, name, 'bin', 'node');
}

const asan = library('libasan.so');
const ubsan = library('libubsan.so');
if (process.platform !== 'linux') skip('they need Linux');
if (asan === undefined || ubsan === undefined) skip('libasan or libubsan is missing');

const built = spawnSync(process.execPath, [join(NATIVE, 'build.js'), '--sanitize'], { encoding: 'utf8' });
process.stdout.write(`${built.stdout}${built.stderr}`);
// build.js ends with 0 when it cannot build; an addon of an earlier run must not pass for the present one.
if (built.status !== 0 || built.stdout.includes('was not built') || !existsSync(join(ADDON_FOLDER, 'envoyts_native.node'))) skip('the sanitized addon could not be built');

const filters = process.argv.length > 2 ? process.argv.slice(2) : ['test/integration/io_', 'core/io/'];
const result = spawnSync(pinnedNode(), [join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--root', ROOT, ...filters], {
  stdio: 'inherit',
  cwd: ROOT,
  timeout: 600_000,
  env: {
    ...process.env,
    ENVOYTS_NATIVE_DIR: ADDON_FOLDER,
    LD_PRELOAD: asan,
    // An error ends the process, which fails its tests; the report is on stderr.
    ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=0:exitcode=99:detect_stack_use_after_return=1',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  },
});
process.exit(result.status ?? 1);
