/**
 * Answers of a Thrift host to calls. All that matters of one is whether the call succeeded: a reply whose first field is the
 * result (number 0) or that has none at all. An exception, of the service or of the protocol, is a failure. The rest of the
 * struct is read for its end only.
 */
import { ByteReader, MalformedAnswer, resume } from '../common/byte_reader.ts';
import {
  BINARY_VERSION, COMPACT_TYPES, COMPACT_VERSION, COMPACT_VERSION_MASK, FieldType, HEADER_FIXED_BYTES, HEADER_MAGIC, HEADER_PROTOCOLS, MessageType, type ThriftProtocol, type ThriftTransport,
} from './thrift_types.ts';

/** A health check's answer is a few bytes. */
const MAX_ANSWER_BYTES = 1 << 20;
const MAX_DEPTH = 64;
const MAX_VARINT_BYTES = 10;
/** Sizes are signed. */
const MAX_SIZE = 0x7fffffff;

const FIXED_BYTES: Readonly<Record<number, number>> = {
  [FieldType.bool]: 1, [FieldType.byte]: 1, [FieldType.i16]: 2, [FieldType.i32]: 4, [FieldType.i64]: 8, [FieldType.double]: 8,
};

type Parse<T> = Generator<undefined, T>;

interface Field {
  readonly type: number;
  readonly id: number;
  /** The value is in the field's own byte. */
  readonly isRead: boolean;
}

/** Answers of one connection, however they are cut. */
export class ThriftAnswers {
  /** Why there will be no more answers; undefined: all is well. */
  malformed: string | undefined;
  private readonly transport: ThriftTransport;
  private readonly protocol: ThriftProtocol;
  private readonly bytes = new ByteReader(MAX_ANSWER_BYTES);
  private readonly complete: boolean[] = [];
  private readonly parser = this.parse();

  constructor(transport: ThriftTransport, protocol: ThriftProtocol) {
    this.transport = transport;
    this.protocol = protocol;
  }

  /** For each answer that is complete with these bytes whether the call succeeded. */
  add(chunk: Uint8Array): boolean[] {
    this.bytes.give(chunk);
    this.malformed ??= resume(this.parser);
    return this.complete.splice(0);
  }

  private *parse(): Parse<never> {
    for (;;) {
      this.bytes.begin();
      // Messages without frames end where their struct does.
      const end = this.transport === 'unframed' ? null : yield* this.frame();
      const isSuccess = yield* this.message();
      if (end !== null) {
        if (this.bytes.position > end) throw new MalformedAnswer('a message that is longer than its frame');
        yield* this.bytes.skip(end - this.bytes.position);
      }
      this.complete.push(isSuccess);
    }
  }

  /** Where the frame ends. */
  private *frame(): Parse<number> {
    const size = yield* this.bytes.uint(4);
    const end = this.bytes.position + size;
    if (size === 0 || size > MAX_ANSWER_BYTES) throw new MalformedAnswer(`a frame of ${size} bytes`);
    if (this.transport === 'header') yield* this.header();
    return end;
  }

  private *header(): Parse<void> {
    const { bytes } = this;
    if ((yield* bytes.uint(2)) !== HEADER_MAGIC) throw new MalformedAnswer('no header');
    yield* bytes.skip(HEADER_FIXED_BYTES - 4);
    const words = yield* bytes.uint(2);
    const end = bytes.position + words * 4;
    const wanted = this.protocol === 'compact' ? HEADER_PROTOCOLS.compact : HEADER_PROTOCOLS.binary;
    if (words === 0 || (yield* this.varint()) !== wanted) throw new MalformedAnswer('another protocol');
    if ((yield* this.varint()) !== 0) throw new MalformedAnswer('a transform');
    if (bytes.position > end) throw new MalformedAnswer('a header that is longer than it says');
    // Names and values that come with the message.
    yield* bytes.skip(end - bytes.position);
  }

  private *message(): Parse<boolean> {
    const type = yield* this.messageHead();
    if (type < MessageType.call || type > MessageType.oneway) throw new MalformedAnswer(`message type ${type}`);
    const first = yield* this.struct(0);
    return type === MessageType.reply && (first === null || first === 0);
  }

  /** The message's type; name and sequence number do not matter. */
  private *messageHead(): Parse<number> {
    const { bytes } = this;
    if (this.protocol === 'compact') {
      const head = yield* bytes.uint(2);
      if ((head & COMPACT_VERSION_MASK) !== COMPACT_VERSION) throw new MalformedAnswer('no compact message');
      yield* this.varint();
      yield* bytes.skip(yield* this.size());
      return (head >> 5) & 7;
    }
    let type = 0;
    if (this.protocol === 'binary') {
      if ((yield* bytes.uint(2)) !== BINARY_VERSION) throw new MalformedAnswer('no binary message');
      // The first of the two bytes is unused.
      type = (yield* bytes.uint(2)) & 0xff;
    }
    yield* bytes.skip(yield* this.size());
    if (this.protocol === 'lax_binary') type = yield* bytes.byte();
    yield* bytes.skip(4);
    return type;
  }

  /** Number of the first field; null = there is none. */
  private *struct(depth: number): Parse<number | null> {
    if (depth === MAX_DEPTH) throw new MalformedAnswer(`deeper than ${MAX_DEPTH}`);
    let first: number | null = null;
    for (let lastId = 0; ; ) {
      const field = yield* this.field(lastId);
      if (field === null) return first;
      first ??= field.id;
      lastId = field.id;
      if (!field.isRead) yield* this.value(field.type, depth + 1);
    }
  }

  private *field(lastId: number): Parse<Field | null> {
    const { bytes } = this;
    const byte = yield* bytes.byte();
    if (this.protocol !== 'compact') return byte === FieldType.stop ? null : { type: byte, id: toInt16(yield* bytes.uint(2)), isRead: false };
    if ((byte & 15) === 0) return null;
    const type = compactType(byte & 15);
    const delta = byte >> 4;
    const id = delta === 0 ? zigzag(yield* this.varint()) : lastId + delta;
    return { type, id, isRead: type === FieldType.bool };
  }

  private *value(type: number, depth: number): Parse<void> {
    const isCompact = this.protocol === 'compact';
    switch (type) {
      case FieldType.struct:
        yield* this.struct(depth);
        return;
      case FieldType.map:
        return yield* this.map(depth);
      case FieldType.list:
      case FieldType.set:
        return yield* this.list(depth);
      case FieldType.string:
        return yield* this.bytes.skip(yield* this.size());
      case FieldType.i16:
      case FieldType.i32:
      case FieldType.i64:
        if (!isCompact) break;
        yield* this.varint();
        return;
    }
    const length = FIXED_BYTES[type];
    if (length === undefined) throw new MalformedAnswer(`field type ${type}`);
    yield* this.bytes.skip(length);
  }

  private *list(depth: number): Parse<void> {
    let type: number;
    let size: number;
    if (this.protocol === 'compact') {
      const byte = yield* this.bytes.byte();
      type = compactType(byte & 15);
      size = byte >> 4 === 15 ? yield* this.size() : byte >> 4;
    } else {
      type = yield* this.bytes.byte();
      size = yield* this.size();
    }
    yield* this.values(size, depth, type);
  }

  private *map(depth: number): Parse<void> {
    let key: number;
    let value: number;
    let size: number;
    if (this.protocol === 'compact') {
      size = yield* this.size();
      if (size === 0) return;
      const types = yield* this.bytes.byte();
      key = compactType(types >> 4);
      value = compactType(types & 15);
    } else {
      key = yield* this.bytes.byte();
      value = yield* this.bytes.byte();
      size = yield* this.size();
    }
    yield* this.values(size, depth, key, value);
  }

  /** Each takes at least a byte, so that the limit of bytes is one of rounds. */
  private *values(count: number, depth: number, ...types: readonly number[]): Parse<void> {
    if (depth === MAX_DEPTH) throw new MalformedAnswer(`deeper than ${MAX_DEPTH}`);
    for (let i = 0; i < count; i++) for (const type of types) yield* this.value(type, depth + 1);
  }

  /** Of a string or of a collection. */
  private *size(): Parse<number> {
    const size = this.protocol === 'compact' ? yield* this.varint() : yield* this.bytes.uint(4);
    if (size > MAX_SIZE) throw new MalformedAnswer('a negative size');
    return size;
  }

  /** Without a sign; exact up to 2^53, which none that matter reach. */
  private *varint(): Parse<number> {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i++, scale *= 128) {
      const byte = yield* this.bytes.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new MalformedAnswer('a number that is too long');
  }
}

function compactType(number: number): number {
  const type = COMPACT_TYPES[number];
  if (type === undefined || type === FieldType.stop) throw new MalformedAnswer(`field type ${number}`);
  return type;
}

function toInt16(value: number): number {
  return (value << 16) >> 16;
}

/** Signed from unsigned. */
function zigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
