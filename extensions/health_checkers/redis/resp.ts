/** The protocol of Redis (RESP 2, https://redis.io/docs/latest/develop/reference/protocol-spec/): commands out, replies in. */
import { ByteReader, MalformedAnswer, resume } from '../common/byte_reader.ts';

/** A reply. What is within arrays is read and left out. */
export type RespReply =
  | { readonly kind: 'simple' | 'error' | 'bulk'; readonly text: string }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'array' | 'null' };

/** A health check's reply is a few bytes. */
const MAX_REPLY_BYTES = 65_536;
const MAX_DEPTH = 32;
/** Of 64 bits. */
const MAX_DIGITS = 19;

const CR = 13;
const LF = 10;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;

/** A command as an array of strings. */
export function respCommand(...parts: readonly string[]): Uint8Array {
  return Buffer.from(`*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`);
}

/** Replies of one connection, however they are cut. */
export class RespReader {
  /** Why there will be no more replies; undefined: all is well. */
  malformed: string | undefined;
  private readonly bytes = new ByteReader(MAX_REPLY_BYTES);
  private readonly complete: RespReply[] = [];
  private readonly parser = this.parse();

  /** Replies that are complete with these bytes. */
  add(chunk: Uint8Array): RespReply[] {
    this.bytes.give(chunk);
    this.malformed ??= resume(this.parser);
    return this.complete.splice(0);
  }

  private *parse(): Generator<undefined, never> {
    for (;;) {
      this.bytes.begin();
      this.complete.push(yield* this.value(0));
    }
  }

  private *value(depth: number): Generator<undefined, RespReply> {
    const type = String.fromCharCode(yield* this.bytes.byte());
    switch (type) {
      case '+':
        return { kind: 'simple', text: yield* this.line() };
      case '-':
        return { kind: 'error', text: yield* this.line() };
      case ':':
        return { kind: 'integer', value: yield* this.integer() };
      case '$':
        return yield* this.bulk();
      case '*':
        return yield* this.array(depth);
      default:
        throw new MalformedAnswer(`no type of reply: ${JSON.stringify(type)}`);
    }
  }

  private *line(): Generator<undefined, string> {
    let text = '';
    for (;;) {
      const byte = yield* this.bytes.byte();
      if (byte === CR) break;
      text += String.fromCharCode(byte);
    }
    yield* this.expect(LF);
    return text;
  }

  /** Without digits it is 0, as in Envoy. */
  private *integer(): Generator<undefined, number> {
    let byte = yield* this.bytes.byte();
    const isNegative = byte === MINUS;
    if (isNegative) byte = yield* this.bytes.byte();
    let value = 0;
    for (let digits = 1; byte !== CR; digits++) {
      if (byte < ZERO || byte > NINE || digits > MAX_DIGITS) throw new MalformedAnswer('no integer');
      value = value * 10 + byte - ZERO;
      byte = yield* this.bytes.byte();
    }
    yield* this.expect(LF);
    return isNegative ? -value : value;
  }

  private *bulk(): Generator<undefined, RespReply> {
    const length = yield* this.integer();
    if (isNull(length)) return { kind: 'null' };
    let text = '';
    if (length > MAX_REPLY_BYTES) throw new MalformedAnswer(`longer than ${MAX_REPLY_BYTES} bytes`);
    for (let i = 0; i < length; i++) text += String.fromCharCode(yield* this.bytes.byte());
    yield* this.expect(CR);
    yield* this.expect(LF);
    return { kind: 'bulk', text };
  }

  private *array(depth: number): Generator<undefined, RespReply> {
    const length = yield* this.integer();
    if (isNull(length)) return { kind: 'null' };
    if (depth === MAX_DEPTH) throw new MalformedAnswer(`deeper than ${MAX_DEPTH} arrays`);
    for (let i = 0; i < length; i++) yield* this.value(depth + 1);
    return { kind: 'array' };
  }

  private *expect(wanted: number): Generator<undefined, void> {
    if ((yield* this.bytes.byte()) !== wanted) throw new MalformedAnswer('no end of line');
  }
}

/** -0 as well: it is the sign that counts. */
function isNull(length: number): boolean {
  return length < 0 || Object.is(length, -0);
}
