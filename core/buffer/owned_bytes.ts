const INITIAL = 4096;

/** A growable buffer for what must outlive the turn: bodies a filter holds back, requests waiting for a connection. Reused. */
export class OwnedBytes {
  bytes: Uint8Array;
  length: number;

  constructor() {
    this.bytes = EMPTY;
    this.length = 0;
  }

  append(source: Uint8Array, offset: number, length: number): void {
    const need = this.length + length;
    if (need > this.bytes.length) {
      const grown = new Uint8Array(Math.max(INITIAL, need + (need >> 1)));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(source.subarray(offset, offset + length), this.length);
    this.length = need;
  }

  /** Forgets the content; gives memory back when it was large. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length > 65536) this.bytes = EMPTY;
  }
}

const EMPTY = new Uint8Array(0);
