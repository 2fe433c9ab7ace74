import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimulatedScheduler } from '../../test/support/simulated_scheduler.ts';
import { LogFile, SharedLogOutput } from './file_log_output.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'envoyts-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the log file', () => {
  it('is written by whoever has its shared word, and switched for all when it is reopened', () => {
    const path = join(folder, 'a.log');
    const file = new LogFile(path, new SimulatedScheduler());
    const outputs = [new SharedLogOutput(file.buffer), new SharedLogOutput(file.buffer)];
    for (const output of outputs) output.write('before\n');
    renameSync(path, join(folder, 'old.log'));
    expect(file.reopen()).toBeUndefined();
    for (const output of outputs) output.write('after\n');
    expect(readFileSync(join(folder, 'old.log'), 'utf8')).toBe('before\nbefore\n');
    expect(readFileSync(path, 'utf8')).toBe('after\nafter\n');
  });

  it('stays open where it cannot be reopened', () => {
    const sub = join(folder, 'sub');
    mkdirSync(sub);
    const file = new LogFile(join(sub, 'x.log'), new SimulatedScheduler());
    rmSync(sub, { recursive: true });
    expect(file.reopen()).toBeInstanceOf(Error);
    expect(() => new SharedLogOutput(file.buffer).write('still\n')).not.toThrow();
  });

  it('loses a line rather than throwing when nothing can be written', () => {
    const buffer = new SharedArrayBuffer(4);
    new Int32Array(buffer)[0] = 1_000_000;
    expect(() => new SharedLogOutput(buffer).write('lost\n')).not.toThrow();
  });
});
