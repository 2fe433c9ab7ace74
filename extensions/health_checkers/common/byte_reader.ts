/**
 * Bytes of a peer as they come, for parsers written as generators: `yield` waits for more, so that it does not matter where the
 * peer's bytes are cut. Parsers of health checks only: they see a few bytes every few seconds.
 */

/** What a peer sent is not what it should be. */
export class MalformedAnswer extends Error {}

/**
 * Lets a parser go on with what there is. Returns why the peer's bytes are malformed, undefined: they are not. A parser that has
 * complained is over.
 */
export function resume(parser: Generator<undefined, never>): string | undefined {
  try {
    parser.next();
    return undefined;
  } catch (error) {
    if (error instanceof MalformedAnswer) return error.message;
    throw error;
  }
}

const NOTHING = new Uint8Array();

export class ByteReader {
  private readonly limit: number;
  private chunk: Uint8Array = NOTHING;
  private at = 0;
  private taken = 0;

  /** `limit`: bytes of one answer; more are malformed. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** The next bytes. The last ones have been taken, as parsers go on until they have. */
  give(chunk: Uint8Array): void {
    this.chunk = chunk;
    this.at = 0;
  }

  /** From here on it is another answer. */
  begin(): void {
    this.taken = 0;
  }

  /** Bytes of this answer so far. */
  get position(): number {
    return this.taken;
  }

  *byte(): Generator<undefined, number> {
    this.count(1);
    while (this.at === this.chunk.length) yield;
    return this.chunk[this.at++];
  }

  *skip(length: number): Generator<undefined, void> {
    this.count(length);
    for (let left = length; left > 0; ) {
      while (this.at === this.chunk.length) yield;
      const taken = Math.min(left, this.chunk.length - this.at);
      this.at += taken;
      left -= taken;
    }
  }

  /** Big-endian, without a sign. `bytes`: at most 4. */
  *uint(bytes: number): Generator<undefined, number> {
    let value = 0;
    for (let i = 0; i < bytes; i++) value = value * 256 + (yield* this.byte());
    return value;
  }

  private count(length: number): void {
    this.taken += length;
    if (this.taken > this.limit) throw new MalformedAnswer(`longer than ${this.limit} bytes`);
  }
}
