// Builds the native addon with node-gyp, when this machine can. Plain JavaScript: runs on any Node.
//
//   node native/build.js [--force] [--sanitize]
//
// Run by npm's `install`: in a checkout and wherever the published package is installed.
// node-gyp is the one in node_modules, else the one that npm brings. Headers come from the pinned Node in node_modules, else from
// beside the running Node or one on PATH, else from npm's `nodedir`; never downloaded.
// Without Linux, a compiler, make, python3 or headers it prints one line and exits 0: the portable backend is used then.
// Nothing is done when sources, headers and flags are those of the last build.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NATIVE = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(NATIVE);
const ADDON = 'envoyts_native.node';

/** Ends with the one line that says why there is no addon. */
function giveUp(reason) {
  console.log(`The native addon was not built (${reason}); envoyts will use the portable I/O backend.`);
  process.exit(0);
}

/**
 * The folder above an `include/node`, or undefined. An addon built with the headers of an older Node runs on newer ones, so
 * any Node of this machine will do (a later `npm install` removes the pinned one's headers: they are not in the lock file).
 */
function findHeaders() {
  const candidates = [];
  // A Node from npm's `node` package, pinned here or running this: its headers are in a package below it.
  const running = dirname(dirname(process.execPath));
  for (const pinned of [join(ROOT, 'node_modules', 'node', 'node_modules'), join(running, 'node_modules')]) {
    if (!existsSync(pinned)) continue;
    for (const name of readdirSync(pinned)) if (name.startsWith('node-')) candidates.push(join(pinned, name));
  }
  candidates.push(running);
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (existsSync(join(folder, 'node'))) candidates.push(dirname(dirname(realpathSync(join(folder, 'node')))));
  }
  if (process.env.npm_config_nodedir) candidates.push(process.env.npm_config_nodedir);
  // A Node that uses the system's OpenSSL brings no headers of it.
  return candidates.find((folder) => ['node_api.h', 'openssl/ssl.h'].every((header) => existsSync(join(folder, 'include', 'node', header))));
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** A python that node-gyp can use: NODE_GYP_FORCE_PYTHON or PYTHON first, as node-gyp does. */
function hasPython() {
  const names = [process.env.NODE_GYP_FORCE_PYTHON, process.env.PYTHON, 'python3', 'python'];
  return names.some((name) => name !== undefined && name !== '' && runs(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']));
}

function findNodeGyp() {
  try {
    return createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  } catch {
    // The published package has none: whoever runs its install script (npm, pnpm) says where theirs is.
    const brought = process.env.npm_config_node_gyp ?? '';
    return existsSync(brought) ? brought : undefined;
  }
}

/** Identifies what a build depends on: sources, build files, headers' Node version, compiler, flags. */
function fingerprint(headers, compiler, sanitize) {
  const hash = createHash('sha256');
  const sources = readdirSync(join(NATIVE, 'src')).sort().map((name) => join('src', name));
  for (const name of ['binding.gyp', 'build.js', ...sources]) hash.update(`${name}\0`).update(readFileSync(join(NATIVE, name)));
  hash.update(readFileSync(join(headers, 'include', 'node', 'node_version.h')));
  hash.update(`${process.platform} ${process.arch} ${headers} ${compiler} ${process.env.CXXFLAGS ?? ''} ${sanitize}`);
  return hash.digest('hex');
}

function build(nodeGyp, headers, sanitize, outFolder) {
  // Sanitized objects have a source copy and build folder of their own, so that the two kinds never mix.
  const folder = sanitize ? dirname(outFolder) : NATIVE;
  if (sanitize) {
    cpSync(join(NATIVE, 'src'), join(folder, 'src'), { recursive: true });
    copyFileSync(join(NATIVE, 'binding.gyp'), join(folder, 'binding.gyp'));
  }
  // `configure build` and not `rebuild`: the latter would remove the addon that running processes are about to load.
  const args = [nodeGyp, 'configure', 'build', '--directory', folder, `--nodedir=${headers}`, '--loglevel=error'];
  const env = { ...process.env, GYP_DEFINES: `envoyts_sanitize=${sanitize ? 1 : 0}` };
  const result = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    giveUp('the compiler failed, see above');
  }
  if (result.stderr.includes('warning:')) process.stderr.write(result.stderr);
  // Put in place in one step: a process that has the old one mapped keeps it.
  mkdirSync(outFolder, { recursive: true });
  const temporary = join(outFolder, `.${ADDON}.${process.pid}`);
  copyFileSync(join(folder, 'build', 'Release', ADDON), temporary);
  renameSync(temporary, join(outFolder, ADDON));
}

function main() {
  const sanitize = process.argv.includes('--sanitize');
  if (process.platform !== 'linux') giveUp(`it needs Linux, this is ${process.platform}`);
  const compiler = process.env.CXX || 'g++';
  if (!runs(compiler, ['--version'])) giveUp(`no C++ compiler: ${compiler} not found`);
  if (!runs('make', ['--version'])) giveUp('make not found');
  if (!hasPython()) giveUp('python3 not found');
  const nodeGyp = findNodeGyp();
  if (nodeGyp === undefined) giveUp('node-gyp is not installed');
  const headers = findHeaders();
  if (headers === undefined) giveUp("Node's headers (include/node, with openssl) were not found");

  const outFolder = join(NATIVE, 'build', ...(sanitize ? ['sanitized'] : []), 'addon');
  const stampFile = join(outFolder, 'stamp');
  const version = execFileSync(compiler, ['-dumpfullversion', '-dumpversion'], { encoding: 'utf8' }).trim();
  const stamp = fingerprint(headers, `${compiler} ${version}`, sanitize);
  const isCurrent = existsSync(stampFile) && existsSync(join(outFolder, ADDON)) && readFileSync(stampFile, 'utf8') === stamp;
  if (isCurrent && !process.argv.includes('--force')) return;
  rmSync(stampFile, { force: true });
  build(nodeGyp, headers, sanitize, outFolder);
  writeFileSync(stampFile, stamp);
  console.log(`Built the native addon${sanitize ? ' with sanitizers' : ''}.`);
}

main();
