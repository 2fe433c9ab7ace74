import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readGolden, writeGolden } from './golden.ts';
import type { Recording } from './recording.ts';

it('reads back what it wrote, in spite of what the file leaves out', () => {
  const directory = mkdtempSync(join(tmpdir(), 'envoyts-golden-'));
  const base: Recording = { downstream: [{ messages: [], fate: 'open' }], upstream: {}, log: [{ a: 1, b: 'x' }], stats: { 'http.main.rq_total': 1, 'http.main.fault.aborts': 2 } };
  const recordings = new Map<string, Recording>([
    ['one', base],
    ['two', { ...base, log: [{ a: 1 }, 'text line'] }],
    ['three', { ...base, log: [{ a: 2, b: 'x', c: true }] }],
  ]);
  writeGolden(directory, 'group', ['one', 'two', 'three'], recordings, '1.0');
  expect(readGolden(directory, 'group')).toEqual(recordings);
  rmSync(directory, { recursive: true });
});
