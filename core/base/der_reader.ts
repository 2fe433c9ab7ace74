/** What a DER element is not, or not within its bounds. */
export class DerError extends Error {}

/**
 * Reads DER (X.690 §8.1) element by element; definite lengths and one-byte tags only. Every offset is checked. Throws DerError.
 */
export class DerReader {
  private readonly bytes: Uint8Array;
  private at: number;
  private readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  /** Tag of the next element; -1 = there is none. */
  peekTag(): number {
    return this.isAtEnd ? -1 : this.bytes[this.at];
  }

  /** The content of the next element, whose tag must be this one. */
  enter(tag: number): DerReader {
    const { content, end } = this.element(tag);
    return new DerReader(this.bytes, content, end);
  }

  /** The bytes of the next element's content. */
  content(tag: number): Uint8Array {
    const { content, end } = this.element(tag);
    return this.bytes.subarray(content, end);
  }

  /** The next element whole, tag and length included. */
  whole(): Uint8Array {
    const begin = this.at;
    const { end } = this.element(this.peekTag());
    return this.bytes.subarray(begin, end);
  }

  skip(): void {
    this.element(this.peekTag());
  }

  private element(tag: number): { readonly content: number; readonly end: number } {
    const { bytes, end } = this;
    let at = this.at;
    if (at + 2 > end || bytes[at] !== tag || (tag & 0x1f) === 0x1f) throw new DerError('unexpected element');
    let length = bytes[at + 1];
    at += 2;
    if (length > 0x7f) {
      const count = length & 0x7f;
      if (count === 0 || count > 4 || at + count > end) throw new DerError('bad length');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + bytes[at + i];
      at += count;
    }
    if (at + length > end) throw new DerError('element beyond its bounds');
    this.at = at + length;
    return { content: at, end: at + length };
  }
}

/** An OBJECT IDENTIFIER's content as `1.2.3`; '' = it is none. */
export function oidText(bytes: Uint8Array): string {
  const parts: number[] = [];
  let value = 0;
  for (const byte of bytes) {
    value = value * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(value)) return '';
    if (byte > 0x7f) continue;
    if (parts.length === 0) {
      const first = Math.min(2, Math.floor(value / 40));
      parts.push(first, value - first * 40);
    } else parts.push(value);
    value = 0;
  }
  return parts.join('.');
}
