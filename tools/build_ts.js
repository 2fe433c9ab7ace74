// Checks the product's TypeScript and bundles it to dist/: a few dozen files instead of hundreds, which halves the time to start.
// Every thread's entry keeps its path; what threads share lies in dist/core/chunks/, two folders deep like the sources, so that
// paths relative to a module mean the same. Dependencies stay packages of their own.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt } from '../bin/is_built.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// Processes may be running from dist/: it is not taken from under them without need.
if (process.argv.includes('--if-changed') && isBuilt(`${root}/`)) process.exit(0);
const dist = join(root, 'dist');
const startedMs = Date.now();
rmSync(dist, { recursive: true, force: true });
const compiler = join(root, 'node_modules', 'typescript7', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit', cwd: root });
if (status !== 0) {
  process.stderr.write('tsc found errors: there is no dist/\n');
  process.exit(1);
}

/** What a thread begins with (bin/envoyts.ts names them). */
const ENTRIES = ['bin/envoyts', 'bin/config_main', 'bin/explain_main', 'workers/worker/worker_main', 'workers/flush/flush_main'];
const packages = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies);
const isPackage = (id) => packages.some((name) => id === name || id.startsWith(`${name}/`));
// Loaded now: the bundler wants a newer Node than this file does when it is only asked to check.
const { rolldown } = await import('rolldown');
const bundle = await rolldown({
  cwd: root,
  platform: 'node',
  input: Object.fromEntries(ENTRIES.map((entry) => [entry, join(root, `${entry}.ts`)])),
  external: (id) => id.startsWith('node:') || isPackage(id),
});
await bundle.write({ dir: dist, format: 'esm', sourcemap: true, entryFileNames: '[name].js', chunkFileNames: 'core/chunks/[name].js' });
await bundle.close();

// The descriptors are data beside the code that reads them.
for (const name of ['descriptors.binpb', 'descriptors.json']) {
  const path = join('core', 'api', 'gen', name);
  if (existsSync(join(root, path))) cpSync(join(root, path), join(dist, path));
}
const { status: gitStatus, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' });
const revision = gitStatus === 0 ? stdout.trim() : undefined;
// Last: only a whole dist/ has it. The launcher of a checkout compares the times of these with it.
const sources = ['core', 'extensions', 'server', 'workers', 'admin', 'bin', 'native/index.ts'];
writeFileSync(join(dist, 'build_info.json'), `${JSON.stringify({ revision, startedMs, sources })}\n`);
