/**
 * Checks the layer table (.dependency-cruiser.cjs) over the whole tree, and that the check itself works: a planted violation in
 * a temporary file must be caught, and modules must really have been read. Exit code 1 on any violation.
 */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const FOLDERS = ['core', 'extensions', 'server', 'workers', 'admin', 'bin', 'native', 'test', 'bench', 'tools', 'examples'];
const PLANTED = join(ROOT, 'core', 'base', 'planted_violation.ts');

interface Report {
  readonly summary: { readonly totalCruised: number; readonly violations: readonly { readonly from: string; readonly to: string; readonly rule: { readonly name: string } }[] };
  readonly modules: readonly { readonly source: string }[];
}

function cruise(folders: readonly string[]): Report {
  const cli = join(ROOT, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruiser.mjs');
  const result = spawnSync(process.execPath, [cli, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders], {
    cwd: ROOT, encoding: 'utf8', maxBuffer: 256 << 20,
  });
  if (result.stdout === '') throw new Error(`dependency-cruiser printed nothing: ${result.stderr}`);
  return JSON.parse(result.stdout) as Report;
}

/** The planted import must be reported, else the check is blind (a TypeScript version it cannot read, for instance). */
function proveThatItSees(): void {
  writeFileSync(PLANTED, "import { Connection } from '../network/connection.ts';\nexport const planted = Connection;\n");
  try {
    const report = cruise(['core/base', 'core/network']);
    if (!report.summary.violations.some((violation) => violation.rule.name === 'core-order-base')) {
      throw new Error('the layer check did not see a planted violation: it checks nothing');
    }
  } finally {
    rmSync(PLANTED, { force: true });
  }
}

proveThatItSees();
const report = cruise(FOLDERS);
for (const violation of report.summary.violations) console.error(`${violation.rule.name}: ${violation.from} -> ${violation.to}`);
const read = report.modules.filter((module) => module.source.endsWith('.ts')).length;
console.log(`layers: ${read} TypeScript modules, ${report.summary.violations.length} violations`);
if (read < 100) throw new Error('fewer modules than there are: the layer check read too little');
process.exitCode = report.summary.violations.length === 0 ? 0 : 1;
