import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whyNotAppendable } from './appendable_file.ts';

describe('whyNotAppendable', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'appendable-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is content with a file, and with a file that can be made, which it does not make', () => {
    writeFileSync(join(folder, 'a.log'), '');
    expect(whyNotAppendable(join(folder, 'a.log'))).toBe(undefined);
    expect(whyNotAppendable(join(folder, 'b.log'))).toBe(undefined);
    expect(existsSync(join(folder, 'b.log'))).toBe(false);
    expect(whyNotAppendable('/dev/null')).toBe(undefined);
  });

  it.each([
    ['a folder that is not there', 'x/a.log', /^No such file or directory \(the folder '.*\/x' does not exist\)$/],
    ['a folder', 'folder', /^Is a directory$/],
    ['a file for a folder', 'file/a.log', /^Not a directory$/],
    ['a link to itself', 'loop', /^Too many levels of symbolic links$/],
    ['a name that is too long', 'n'.repeat(300), /^File name too long$/],
  ])('says what is wrong with %s', (_what, name, text) => {
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'file'), '');
    symlinkSync(join(folder, 'loop'), join(folder, 'loop'));
    expect(whyNotAppendable(join(folder, name))).toMatch(text);
  });

  // Root may write everywhere.
  it.skipIf(process.getuid?.() === 0)('says what may not be written', () => {
    writeFileSync(join(folder, 'a.log'), '', { mode: 0o400 });
    expect(whyNotAppendable(join(folder, 'a.log'))).toBe('Permission denied');
    chmodSync(folder, 0o500);
    expect(whyNotAppendable(join(folder, 'b.log'))).toBe('Permission denied');
    chmodSync(folder, 0o700);
  });
});
