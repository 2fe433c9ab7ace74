/** What bin/envoyts.js runs in a checkout: dist/ while it is what the sources would build, else the sources. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../../bin', import.meta.url));
let root = '';

function write(path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
}

const launch = (): string => spawnSync(process.execPath, [join(root, 'bin', 'envoyts.js')], { encoding: 'utf8' }).stdout.trim();

/** Waits, in the file system's own clock, until it has moved on: a change in the build's own millisecond counts as later. */
function now(): number {
  const before = Date.now();
  while (Date.now() === before);
  return Date.now();
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'envoyts-launcher-'));
  write('package.json', '{ "type": "module" }');
  write('bin/envoyts.ts', "import { text } from '../core/text.ts';\nconsole.log(text);\n");
  for (const name of ['envoyts.js', 'is_built.js']) copyFileSync(join(BIN, name), join(root, 'bin', name));
  write('core/text.ts', "export const text: string = 'sources';\n");
  write('core/text.test.ts', '');
  write('dist/bin/envoyts.js', "console.log('dist');\n");
  // What the file system calls now may lie a clock tick behind what Date.now() says, never before it by more.
  write('dist/build_info.json', JSON.stringify({ startedMs: now() + 20, sources: ['bin', 'core'] }));
  while (Date.now() < (JSON.parse(readFileSync(join(root, 'dist/build_info.json'), 'utf8')) as { startedMs: number }).startedMs + 20);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('the launcher in a checkout', () => {
  it('runs dist/ when nothing has changed since it was built', () => {
    expect(launch()).toBe('dist');
  });

  it.each([
    ['a source was edited', () => write('core/text.ts', "export const text = 'edited';\n"), 'edited'],
    ['a source was added', () => write('core/deep/other.ts', ''), 'sources'],
    ['an older file was moved over a source', () => {
      write('elsewhere.ts', "export const text = 'moved';\n");
      renameSync(join(root, 'elsewhere.ts'), join(root, 'core/text.ts'));
    }, 'moved'],
    ['a folder of sources is gone', () => renameSync(join(root, 'core'), join(root, 'core2')), ''],
    ['the build was never finished', () => rmSync(join(root, 'dist/build_info.json')), 'sources'],
    ['there is no build', () => rmSync(join(root, 'dist'), { recursive: true }), 'sources'],
  ])('runs the sources when %s', (_, change, expected) => {
    change();
    expect(launch()).toBe(expected);
  });

  it('is not put off by an edited test', () => {
    writeFileSync(join(root, 'core/text.test.ts'), '// edited\n');
    expect(launch()).toBe('dist');
  });
});
