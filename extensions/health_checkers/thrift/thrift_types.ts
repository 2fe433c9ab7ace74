/** What Thrift's protocols and transports have in common (https://github.com/apache/thrift/tree/master/doc/specs). */

export type ThriftTransport = 'framed' | 'unframed' | 'header';

export type ThriftProtocol = 'binary' | 'lax_binary' | 'compact';

export const MessageType = { call: 1, reply: 2, exception: 3, oneway: 4 } as const;

/** Type numbers of the binary protocols. */
export const FieldType = { stop: 0, bool: 2, byte: 3, double: 4, i16: 6, i32: 8, i64: 10, string: 11, struct: 12, map: 13, set: 14, list: 15 } as const;

/** Type numbers of the compact protocol, each at the place of its number: what it is called above. */
export const COMPACT_TYPES: readonly number[] = [
  FieldType.stop, FieldType.bool, FieldType.bool, FieldType.byte, FieldType.i16, FieldType.i32, FieldType.i64, FieldType.double,
  FieldType.string, FieldType.list, FieldType.set, FieldType.map, FieldType.struct,
];

export const BINARY_VERSION = 0x8001;
export const COMPACT_VERSION = 0x8201;
/** Without the three bits of the message type. */
export const COMPACT_VERSION_MASK = 0xff1f;
export const HEADER_MAGIC = 0x0fff;
/** Magic, flags, sequence number and size of the variable part. */
export const HEADER_FIXED_BYTES = 10;

/** Number of a protocol in the header transport. */
export const HEADER_PROTOCOLS = { binary: 0, compact: 2 } as const;
