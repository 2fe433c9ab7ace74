/** A call without arguments, with sequence number 0. */
import { BINARY_VERSION, COMPACT_VERSION, HEADER_FIXED_BYTES, HEADER_MAGIC, HEADER_PROTOCOLS, MessageType, type ThriftProtocol, type ThriftTransport } from './thrift_types.ts';

/** The header transport cannot name the lax binary protocol: the configuration refuses the two together. */
export function thriftCall(method: string, transport: ThriftTransport, protocol: ThriftProtocol): Uint8Array {
  const call = callMessage(Buffer.from(method), protocol);
  // Envoy says twice that the struct ends. In a frame that is harmless, and the same bytes go out here; without frames the second
  // would begin the next message.
  const message = transport === 'unframed' ? call : Buffer.concat([call, uint(0, 1)]);
  switch (transport) {
    case 'framed':
      return Buffer.concat([uint(message.length, 4), message]);
    case 'header':
      return headerFrame(message, protocol === 'compact' ? HEADER_PROTOCOLS.compact : HEADER_PROTOCOLS.binary);
    default:
      return message;
  }
}

/** An empty struct is one byte that says so. */
function callMessage(method: Buffer, protocol: ThriftProtocol): Buffer {
  switch (protocol) {
    case 'compact':
      return Buffer.concat([uint(COMPACT_VERSION | (MessageType.call << 5), 2), varint(0), varint(method.length), method, uint(0, 1)]);
    case 'lax_binary':
      return Buffer.concat([uint(method.length, 4), method, uint(MessageType.call, 1), uint(0, 4), uint(0, 1)]);
    default:
      return Buffer.concat([uint(BINARY_VERSION, 2), uint(MessageType.call, 2), uint(method.length, 4), method, uint(0, 4), uint(0, 1)]);
  }
}

function headerFrame(message: Buffer, protocolId: number): Buffer {
  // The protocol, no transforms, no headers; filled up to words of four bytes.
  const variable = Buffer.from([protocolId, 0, 0, 0]);
  return Buffer.concat([
    uint(HEADER_FIXED_BYTES + variable.length + message.length, 4), uint(HEADER_MAGIC, 2), uint(0, 2), uint(0, 4), uint(variable.length / 4, 2), variable, message,
  ]);
}

function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  bytes.push(left);
  return Buffer.from(bytes);
}
