import type { ScheduledTimer, Scheduler } from '../../core/event/scheduler.ts';
import type { FileCalls, FileError } from './file_calls.ts';
import type { FilesystemStats } from './filesystem_stats.ts';

/** A full pipe is tried again soon, a full disk or a file that cannot be opened after a while. */
const FULL_PIPE_RETRY_MS = 20;
const FAILURE_RETRY_MS = 1000;

/** What became of a batch. */
export const WriteResult = { written: 0, lost: 1 } as const;
export type WriteResult = (typeof WriteResult)[keyof typeof WriteResult];

export interface FileWriterOptions {
  readonly destination: string;
  readonly calls: FileCalls;
  readonly scheduler: Scheduler;
  readonly stats: FilesystemStats;
  /** Told once when the destination begins to fail, and once when it works again. */
  readonly onProblem: (text: string) => void;
}

/**
 * Writes batches of lines to one destination, one at a time, and never gives half a batch up for trouble that may pass (full disk,
 * full pipe, missing directory): it goes on at the byte where it stopped, so that lines stay whole. Thread: flush.
 *
 *     idle --write--> opening? --> writing --> (rest left: writing again) --> idle, done
 *                        ^            |
 *                        +-- waiting <+   trouble; reopen() ends the waiting
 */
export class FileWriter {
  private readonly options: FileWriterOptions;
  private descriptor = -1;
  /** A system call is under way. */
  private isCalling = false;
  private reopenWanted = false;
  private waiting: ScheduledTimer | null = null;
  private isFailing = false;
  private isClosed = false;
  private bytes: Uint8Array | null = null;
  private position = 0;
  private length = 0;
  private done: (result: WriteResult) => void = ignore;

  constructor(options: FileWriterOptions) {
    this.options = options;
  }

  /** Bytes of the batch under way that are not written yet. */
  get unwritten(): number {
    return this.bytes === null ? 0 : this.length - this.position;
  }

  /** Writes `length` bytes, which must stay as they are until `done`. Not while another batch is under way. */
  write(bytes: Uint8Array, length: number, done: (result: WriteResult) => void): void {
    this.bytes = bytes;
    this.position = 0;
    this.length = length;
    this.done = done;
    this.step();
  }

  /** Opens the destination if it is not open: files exist as soon as a log names them. */
  open(): void {
    if (this.descriptor < 0) this.reopen();
  }

  /** Opens the destination anew: at once, or as soon as the call under way is over. */
  reopen(): void {
    this.reopenWanted = true;
    this.waiting?.cancel();
    this.waiting = null;
    this.step();
  }

  /** Gives up what is left of a batch and closes the file. Returns the batch's unwritten rest, if any, for counting. */
  close(): Uint8Array | null {
    this.isClosed = true;
    this.reopenWanted = false;
    this.waiting?.cancel();
    this.waiting = null;
    const rest = this.bytes?.subarray(this.position, this.length) ?? null;
    this.bytes = null;
    this.done = ignore;
    if (!this.isCalling) this.closeDescriptor();
    return rest;
  }

  private step(): void {
    if (this.isCalling || this.waiting !== null || this.isClosed) return;
    if (this.reopenWanted) {
      this.reopenWanted = false;
      this.closeDescriptor();
      this.openDescriptor();
    } else if (this.bytes !== null) {
      if (this.descriptor < 0) this.openDescriptor();
      else this.writeRest(this.bytes);
    }
  }

  private openDescriptor(): void {
    this.isCalling = true;
    this.options.calls.open(this.options.destination, (error, descriptor) => {
      this.isCalling = false;
      if (error === null) {
        this.descriptor = descriptor;
        if (this.isClosed) this.closeDescriptor();
        this.step();
        return;
      }
      if (this.isClosed) return;
      this.reopenWanted = true;
      this.options.stats.reopenFailed.inc();
      this.reportFailure(`unable to open ${this.options.destination}: ${error.message}`);
      this.retryAfter(FAILURE_RETRY_MS);
    });
  }

  private writeRest(bytes: Uint8Array): void {
    this.isCalling = true;
    this.options.calls.write(this.descriptor, bytes, this.position, this.length - this.position, (error, written) => {
      this.isCalling = false;
      if (this.bytes === null) this.closeDescriptor();
      else if (error === null) this.onWritten(written);
      else this.onWriteError(error);
    });
  }

  private onWritten(written: number): void {
    this.position += written;
    if (this.position < this.length) {
      this.step();
      return;
    }
    if (this.isFailing) this.options.onProblem(`${this.options.destination} is being written again`);
    this.isFailing = false;
    this.options.stats.writeCompleted.inc();
    this.finish(WriteResult.written);
  }

  private onWriteError(error: FileError): void {
    if (error.code === 'EAGAIN' || error.code === 'EWOULDBLOCK' || error.code === 'EINTR') {
      this.retryAfter(FULL_PIPE_RETRY_MS);
      return;
    }
    this.options.stats.writeFailed.inc();
    this.reportFailure(`unable to write ${this.options.destination}: ${error.message}`);
    if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
      this.retryAfter(FAILURE_RETRY_MS);
      return;
    }
    // Nobody reads the pipe any more, the device is broken: the next batch opens anew.
    this.closeDescriptor();
    this.finish(WriteResult.lost);
  }

  private finish(result: WriteResult): void {
    const done = this.done;
    this.bytes = null;
    this.done = ignore;
    done(result);
    this.step();
  }

  private retryAfter(ms: number): void {
    this.waiting = this.options.scheduler.schedule(ms, () => {
      this.waiting = null;
      this.step();
    });
  }

  private reportFailure(text: string): void {
    if (!this.isFailing) this.options.onProblem(text);
    this.isFailing = true;
  }

  private closeDescriptor(): void {
    if (this.descriptor >= 0) this.options.calls.close(this.descriptor);
    this.descriptor = -1;
  }
}

function ignore(): void {}
