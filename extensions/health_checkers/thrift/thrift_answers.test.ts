import { describe, expect, it } from 'vitest';
import { ThriftAnswers } from './thrift_answers.ts';
import { thriftCall } from './thrift_call.ts';
import { FieldType as T, type ThriftProtocol, type ThriftTransport } from './thrift_types.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const u32 = (value: number): Buffer => hex(value.toString(16).padStart(8, '0'));
const framed = (message: Buffer): Buffer => Buffer.concat([u32(message.length), message]);
const STOP = '00';

/** A message with a struct given in hexadecimal. */
function message(protocol: ThriftProtocol, type: number, struct: string): Buffer {
  const name = Buffer.from('ping');
  if (protocol === 'compact') return Buffer.concat([hex('82'), Buffer.from([0x01 | (type << 5)]), hex('00 04'), name, hex(struct)]);
  if (protocol === 'lax_binary') return Buffer.concat([u32(4), name, Buffer.from([type]), u32(0), hex(struct)]);
  return Buffer.concat([hex('8001 00'), Buffer.from([type]), u32(4), name, u32(0), hex(struct)]);
}

function header(message: Buffer, variable: string, magic = '0fff'): Buffer {
  const rest = hex(variable);
  return framed(Buffer.concat([hex(`${magic} 0000 00000000`), hex((rest.length / 4).toString(16).padStart(4, '0')), rest, message]));
}

function read(transport: ThriftTransport, protocol: ThriftProtocol, ...chunks: readonly Uint8Array[]): boolean[] {
  const answers = new ThriftAnswers(transport, protocol);
  const all = chunks.flatMap((chunk) => answers.add(chunk));
  if (answers.malformed !== undefined) throw new Error(answers.malformed);
  return all;
}

const [REPLY, EXCEPTION] = [2, 3];
/** Every kind of value, in a struct that is the result (field 0). */
const BINARY_RESULT = `${T.struct.toString(16).padStart(2, '0')} 0000
  02 0001 01  03 0002 7f  04 0003 0000000000000000  06 0004 0001  08 0005 00000001  0a 0006 0000000000000001  0b 0007 00000002 6162
  0f 0008 08 00000002 00000001 00000002  0e 0009 0b 00000001 00000000  0d 000a 0b 0c 00000001 00000001 61 00  00 00`.replace(/\s/g, '');
/** The same in the compact protocol: short and long fields, a boolean in the field and one in a list. */
const COMPACT_RESULT = `0c 00
  11 12 13 7f 17 0000000000000000 14 02 15 8201 16 02 18 02 6162
  19 25 0204 1a 18 00 1b 01 8c 0161 00  19 f1 02 0101  05 c801 02  00 00`.replace(/\s/g, '');

type Row = readonly [name: string, transport: ThriftTransport, protocol: ThriftProtocol, bytes: Buffer, isSuccess: boolean];

const ANSWERS: readonly Row[] = [
  ['nothing to return', 'framed', 'binary', framed(message('binary', REPLY, STOP)), true],
  ['a result', 'framed', 'binary', framed(message('binary', REPLY, BINARY_RESULT)), true],
  ['an exception of the service', 'framed', 'binary', framed(message('binary', REPLY, `0c 0001 00 ${STOP}`)), false],
  ['an exception of the protocol', 'framed', 'binary', framed(message('binary', EXCEPTION, `0b 0001 00000001 78 08 0002 00000006 ${STOP}`)), false],
  ['a call', 'framed', 'binary', framed(message('binary', 1, STOP)), false],
  ['a call without answer', 'framed', 'binary', framed(message('binary', 4, STOP)), false],
  ['bytes after the message, within its frame', 'framed', 'binary', framed(Buffer.concat([message('binary', REPLY, STOP), hex('00 00')])), true],
  ['without frames', 'unframed', 'binary', message('binary', REPLY, BINARY_RESULT), true],
  ['lax', 'framed', 'lax_binary', framed(message('lax_binary', REPLY, STOP)), true],
  ['lax without frames, failed', 'unframed', 'lax_binary', message('lax_binary', EXCEPTION, STOP), false],
  ['compact', 'framed', 'compact', framed(message('compact', REPLY, STOP)), true],
  ['compact without frames', 'unframed', 'compact', message('compact', REPLY, COMPACT_RESULT), true],
  ['a boolean for a compact result', 'framed', 'compact', framed(message('compact', REPLY, `01 00 ${STOP}`)), true],
  ['a compact exception of the service', 'framed', 'compact', framed(message('compact', REPLY, `1c 00 ${STOP}`)), false],
  ['a compact exception with a long field', 'framed', 'compact', framed(message('compact', REPLY, `0c 02 00 ${STOP}`)), false],
  ['a field below 0', 'framed', 'binary', framed(message('binary', REPLY, `08 ffff 00000000 ${STOP}`)), false],
  ['a header', 'header', 'binary', header(message('binary', REPLY, STOP), '00 00 00 00'), true],
  ['a header with names and values', 'header', 'compact', header(message('compact', REPLY, STOP), '02 00 01 01 01 61 01 62'), true],
];

describe('answers of Thrift hosts', () => {
  it.each(ANSWERS)('%s (%s, %s)', (_name, transport, protocol, bytes, isSuccess) => {
    expect(read(transport, protocol, bytes)).toEqual([isSuccess]);
    expect(read(transport, protocol, bytes.subarray(0, -1))).toEqual([]);
  });

  it.each(ANSWERS)('%s (%s, %s), cut anywhere, and twice', (_name, transport, protocol, bytes, isSuccess) => {
    for (let at = 0; at <= bytes.length; at++) expect(read(transport, protocol, bytes.subarray(0, at), bytes.subarray(at))).toEqual([isSuccess]);
    expect(read(transport, protocol, ...[...bytes, ...bytes].map((byte) => Buffer.from([byte])))).toEqual([isSuccess, isSuccess]);
  });

  const binary = (struct: string) => framed(message('binary', REPLY, struct));
  const compact = (struct: string) => framed(message('compact', REPLY, struct));
  it.each<[string, ThriftTransport, ThriftProtocol, Buffer, string]>([
    ['HTTP', 'framed', 'binary', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'a frame of 1213486160 bytes'],
    ['an empty frame', 'framed', 'binary', u32(0), 'a frame of 0 bytes'],
    ['a frame below 0', 'framed', 'binary', u32(0xffffffff), 'a frame of'],
    ['a message longer than its frame', 'framed', 'binary', Buffer.concat([u32(5), message('binary', REPLY, STOP)]), 'longer than its frame'],
    ['another protocol', 'framed', 'binary', framed(message('compact', REPLY, STOP)), 'no binary message'],
    ['another protocol', 'framed', 'compact', framed(message('binary', REPLY, STOP)), 'no compact message'],
    ['another type of message', 'framed', 'binary', framed(message('binary', 9, STOP)), 'message type 9'],
    ['a type of field that is none', 'framed', 'binary', binary('63 0000 00'), 'field type 99'],
    ['a type of field that is none', 'framed', 'compact', compact('1d 00'), 'field type 13'],
    ['a list of nothing', 'framed', 'binary', binary('0f 0000 00 7fffffff 00'), 'field type 0'],
    ['a size below 0', 'framed', 'binary', binary('0b 0000 80000000'), 'a negative size'],
    ['a size below 0', 'framed', 'compact', compact('08 00 ffffffff0f'), 'a negative size'],
    ['a string that is too long', 'unframed', 'binary', message('binary', REPLY, '0b 0000 7fffffff'), 'longer than 1048576 bytes'],
    ['a number that is too long', 'framed', 'compact', compact('05 00 ffffffffffffffffffff01'), 'a number that is too long'],
    ['structs without end', 'framed', 'binary', binary('0c 0000'.repeat(80)), 'deeper than 64'],
    ['lists without end', 'framed', 'compact', compact(`09 00 ${'19'.repeat(80)}`), 'deeper than 64'],
    ['no header', 'header', 'binary', header(message('binary', REPLY, STOP), '00 00 00 00', '0ffe'), 'no header'],
    ['a header without contents', 'header', 'binary', header(message('binary', REPLY, STOP), ''), 'another protocol'],
    ['a header of another protocol', 'header', 'binary', header(message('binary', REPLY, STOP), '02 00 00 00'), 'another protocol'],
    ['a transform', 'header', 'binary', header(message('binary', REPLY, STOP), '00 01 01 00'), 'a transform'],
  ])('%s (%s, %s) is malformed', (_name, transport, protocol, bytes, why) => {
    expect(() => read(transport, protocol, bytes)).toThrow(why);
  });
});

describe('calls', () => {
  it.each<[ThriftTransport, ThriftProtocol, string]>([
    ['framed', 'binary', '00000012 80010001 00000004 70696e67 00000000 00 00'],
    ['unframed', 'binary', '80010001 00000004 70696e67 00000000 00'],
    ['framed', 'lax_binary', '0000000f 00000004 70696e67 01 00000000 00 00'],
    ['framed', 'compact', '0000000a 8221 00 04 70696e67 00 00'],
    ['unframed', 'compact', '8221 00 04 70696e67 00'],
    ['header', 'binary', '00000020 0fff0000 00000000 0001 00000000 80010001 00000004 70696e67 00000000 00 00'],
    ['header', 'compact', '00000018 0fff0000 00000000 0001 02000000 8221 00 04 70696e67 00 00'],
  ])('%s, %s', (transport, protocol, bytes) => {
    expect(Buffer.from(thriftCall('ping', transport, protocol)).toString('hex')).toBe(hex(bytes).toString('hex'));
  });

  it('names methods of any length', () => {
    expect(Buffer.from(thriftCall('m'.repeat(200), 'unframed', 'compact')).subarray(0, 5).toString('hex')).toBe('822100c801');
  });
});
