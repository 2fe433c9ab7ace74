// Compiles the product's TypeScript to dist/ with the compiler from node_modules.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const compiler = join(root, 'node_modules', 'typescript7', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit', cwd: root });
if (status !== 0) {
  process.stderr.write('tsc found errors: dist/ is not complete\n');
  process.exit(1);
}
// The descriptors are data beside the code that reads them.
for (const name of ['descriptors.binpb', 'descriptors.json']) {
  const path = join('core', 'api', 'gen', name);
  if (existsSync(join(root, path))) cpSync(join(root, path), join(dist, path));
}
const { status: gitStatus, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' });
if (gitStatus === 0) writeFileSync(join(dist, 'build_info.json'), `${JSON.stringify({ revision: stdout.trim() })}\n`);
