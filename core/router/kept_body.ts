import { OwnedBytes } from '../buffer/owned_bytes.ts';

/** A request's body, kept for sending it again: nothing of it once it is larger than allowed. */
export class KeptBody {
  /** The body so far. */
  readonly bytes: OwnedBytes;
  /** Later bytes are to be kept as well. */
  isWanted: boolean;
  /** It was too large. */
  isLost: boolean;
  private limit: number;

  constructor() {
    this.bytes = new OwnedBytes();
    this.isWanted = false;
    this.isLost = false;
    this.limit = 0;
  }

  /** Keeps what comes, up to `limit` bytes. */
  begin(limit: number): void {
    this.isWanted = true;
    this.limit = limit;
  }

  append(bytes: Uint8Array, offset: number, length: number): void {
    if (this.bytes.length + length <= this.limit) {
      this.bytes.append(bytes, offset, length);
      return;
    }
    this.isWanted = false;
    this.isLost = true;
    this.bytes.clear();
  }

  /** A copy that outlives this stream. */
  take(): OwnedBytes {
    const copy = new OwnedBytes();
    copy.append(this.bytes.bytes, 0, this.bytes.length);
    return copy;
  }

  clear(): void {
    this.isWanted = false;
    this.isLost = false;
    this.bytes.clear();
  }
}
