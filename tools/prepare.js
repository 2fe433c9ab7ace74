// npm's `prepare`: after `npm ci` in a checkout, and before the package is packed. Generates the API descriptors, builds the
// native addon where this machine can, compiles TypeScript. Plain JavaScript: runs on any Node.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

// Without development dependencies (`npm ci --omit=dev`) there is nothing to build with: whoever does that has built already.
if (!existsSync(join(root, 'node_modules', 'typescript'))) {
  console.log('prepare: development dependencies are not installed, nothing is built');
  process.exit(0);
}

const run = (...script) => spawnSync(process.execPath, [join(root, ...script)], { stdio: 'inherit', cwd: root }).status === 0;

if (!run('tools', 'codegen', 'generate.js')) fail('the API descriptors could not be generated');
// Prints one line and succeeds where there is no compiler: the portable I/O backend is used then.
if (!run('native', 'build.js')) fail('the native addon could not be built');
if (!run('tools', 'build_ts.js')) {
  // A checkout runs from its sources: a type error in work in progress must not make it impossible to install. A package
  // must be whole.
  const isInstall = ['ci', 'install', 'clean-install'].includes(process.env.npm_command ?? '');
  if (!isInstall) fail('TypeScript does not compile');
  console.log('prepare: TypeScript does not compile; the checkout runs from its sources all the same');
}

function fail(text) {
  console.error(`prepare: ${text}`);
  process.exit(1);
}
