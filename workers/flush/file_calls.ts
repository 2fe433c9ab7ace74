import { close, constants, fstatSync, open, write } from 'node:fs';

/** A system error: its code, e.g. ENOSPC. */
export interface FileError {
  readonly code?: string | undefined;
  readonly message: string;
}

/** What a file writer asks of the system. Calls return at once; callbacks come on a later turn. Tests bring their own. */
export interface FileCalls {
  /** Opens a destination for appending. */
  open(destination: string, done: (error: FileError | null, descriptor: number) => void): void;
  write(descriptor: number, bytes: Uint8Array, offset: number, length: number, done: (error: FileError | null, written: number) => void): void;
  close(descriptor: number): void;
}

const FILE_MODE = 0o644;

/** Standard streams by the name of their device. */
const STANDARD_STREAMS: Readonly<Record<string, number>> = { '/dev/stdout': 1, '/dev/stderr': 2 };

/** Files are opened without blocking: a named pipe that nobody reads gives an error (and is tried again) instead of a stuck thread. */
const OPEN_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);

/** The real system. */
export const systemFileCalls: FileCalls = {
  open(destination, done) {
    const standard = STANDARD_STREAMS[destination];
    if (standard === undefined) {
      open(destination, OPEN_FLAGS, FILE_MODE, done);
      return;
    }
    // A pipe is opened anew, so that not blocking on it is our own affair and not that of everyone who shares the descriptor.
    if (process.platform === 'linux' && isPipe(standard)) {
      open(`/proc/self/fd/${standard}`, constants.O_WRONLY | constants.O_NONBLOCK, (error, descriptor) => done(null, error === null ? descriptor : standard));
      return;
    }
    queueMicrotask(() => done(null, standard));
  },
  write(descriptor, bytes, offset, length, done) {
    write(descriptor, bytes, offset, length, null, done);
  },
  close(descriptor) {
    if (descriptor > 2) close(descriptor, () => {});
  },
};

function isPipe(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFIFO();
  } catch {
    return false;
  }
}
