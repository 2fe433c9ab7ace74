/**
 * Where process-log lines go: one descriptor that all threads of the process write to (threads share descriptors). Its number
 * lies in a shared word, so that main can reopen the file without telling anyone.
 *
 * Each line is one `write`, on files with O_APPEND, so lines of different threads never mix.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Scheduler } from '../event/scheduler.ts';
import type { LogOutput } from './logger.ts';

const STDERR = 2;

/** How long a replaced descriptor stays open for a thread that had just read its number. */
const CLOSE_AFTER_MS = 2000;

/** A thread's end: writes to whatever descriptor the shared word names. */
export class SharedLogOutput implements LogOutput {
  private readonly word: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.word = new Int32Array(buffer);
  }

  write(line: string): void {
    try {
      writeSync(this.word[0], line);
    } catch {
      // A full pipe (EAGAIN) or a full disk loses the line: logging must never stop the thread.
    }
  }
}

/** Main's end: owns the file. */
export class LogFile {
  /** For the threads' `SharedLogOutput`. */
  readonly buffer = new SharedArrayBuffer(4);
  private readonly word = new Int32Array(this.buffer);
  private readonly path: string;
  private readonly scheduler: Scheduler;

  /** `path` '' = stderr. Throws when the file cannot be opened. */
  constructor(path: string, scheduler: Scheduler) {
    this.path = path;
    this.scheduler = scheduler;
    this.word[0] = path === '' ? STDERR : openSync(path, 'a');
  }

  /** Opens the path again (after a rotation) and switches every thread over. Keeps the old file when that fails: returns the error. */
  reopen(): Error | undefined {
    if (this.path === '') return undefined;
    const old = this.word[0];
    try {
      this.word[0] = openSync(this.path, 'a');
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
    this.scheduler.schedule(CLOSE_AFTER_MS, () => closeSync(old));
    return undefined;
  }
}
