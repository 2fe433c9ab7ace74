import type { FileCalls, FileError } from '../../workers/flush/file_calls.ts';

/** What a call is to answer: an error code, or how many bytes are taken at most. */
export type FakeAnswer = { readonly error: string } | { readonly atMost: number };

interface PendingCall {
  readonly kind: 'open' | 'write';
  readonly run: (answer: FakeAnswer) => void;
}

/**
 * Files in memory whose calls wait until a test lets them go on. Content is by destination; a reopened destination starts a new
 * file, as after a rotation.
 */
export class FakeFileCalls implements FileCalls {
  /** Contents in order of opening. */
  readonly files: { readonly destination: string; text: string; isOpen: boolean }[] = [];
  private pending: PendingCall[] = [];

  open(destination: string, done: (error: FileError | null, descriptor: number) => void): void {
    this.pending.push({
      kind: 'open',
      run: (answer) => {
        if ('error' in answer) {
          done({ code: answer.error, message: answer.error }, -1);
          return;
        }
        this.files.push({ destination, text: '', isOpen: true });
        done(null, this.files.length - 1);
      },
    });
  }

  write(descriptor: number, bytes: Uint8Array, offset: number, length: number, done: (error: FileError | null, written: number) => void): void {
    const file = this.files[descriptor];
    this.pending.push({
      kind: 'write',
      run: (answer) => {
        if ('error' in answer) {
          done({ code: answer.error, message: answer.error }, 0);
          return;
        }
        const count = Math.min(length, answer.atMost);
        file.text += Buffer.from(bytes.subarray(offset, offset + count)).toString('latin1');
        done(null, count);
      },
    });
  }

  close(descriptor: number): void {
    this.files[descriptor].isOpen = false;
  }

  /** Kinds of the calls that wait. */
  waiting(): string[] {
    return this.pending.map((call) => call.kind);
  }

  /** Answers the oldest call that waits. */
  answer(answer: FakeAnswer = { atMost: Number.MAX_SAFE_INTEGER }): void {
    const call = this.pending.shift();
    if (call === undefined) throw new Error('no file call is waiting');
    call.run(answer);
  }

  /** Lets every call succeed until none waits. */
  answerAll(): void {
    while (this.pending.length > 0) this.answer();
  }
}
