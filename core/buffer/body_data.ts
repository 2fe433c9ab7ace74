/**
 * A piece of a body as a filter sees it: a range of bytes, valid until the method returns. One reused object per stream and
 * direction.
 */
export class BodyData {
  /** The memory the range lies in; do not keep it. */
  bytes: Uint8Array;
  offset: number;
  length: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.offset = 0;
    this.length = 0;
  }

  /** Points at other bytes (which must stay unchanged until the turn ends): how a filter replaces or shortens the data. */
  set(bytes: Uint8Array, offset: number, length: number): void {
    this.bytes = bytes;
    this.offset = offset;
    this.length = length;
  }

  /** A copy the caller may keep. */
  toBytes(): Uint8Array {
    return this.bytes.slice(this.offset, this.offset + this.length);
  }

  /** The bytes as UTF-8 text. */
  toString(): string {
    return Buffer.prototype.utf8Slice.call(this.bytes, this.offset, this.offset + this.length);
  }
}
