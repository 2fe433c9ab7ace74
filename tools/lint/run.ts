/** Runs the project's own lint rules over every tracked source and document. Exit code 1 on any finding. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Finding, lintDocument, lintFile } from './rules.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' }).split('\n');
const findings: Finding[] = [];
let count = 0;
for (const path of files) {
  if (!existsSync(join(ROOT, path))) continue;
  if (path.endsWith('.ts')) findings.push(...lintFile({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
  else if (path.endsWith('.md') && !path.startsWith('test/')) findings.push(...lintDocument(path, readFileSync(join(ROOT, path), 'utf8'), (file) => existsSync(join(ROOT, file))));
  else continue;
  count++;
}
for (const finding of findings) console.error(`${finding.file}:${finding.line}: ${finding.rule}: ${finding.message}`);
console.log(`lint: ${count} files, ${findings.length} findings`);
process.exitCode = findings.length === 0 ? 0 : 1;
