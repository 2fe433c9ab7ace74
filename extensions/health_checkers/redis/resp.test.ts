import { describe, expect, it } from 'vitest';
import { type RespReply, RespReader, respCommand } from './resp.ts';

function read(...chunks: readonly string[]): RespReply[] {
  const reader = new RespReader();
  const replies = chunks.flatMap((chunk) => reader.add(Buffer.from(chunk, 'latin1')));
  if (reader.malformed !== undefined) throw new Error(reader.malformed);
  return replies;
}

const REPLIES: readonly [string, RespReply][] = [
  ['+PONG\r\n', { kind: 'simple', text: 'PONG' }],
  ['+\r\n', { kind: 'simple', text: '' }],
  ['-ERR no such thing\r\n', { kind: 'error', text: 'ERR no such thing' }],
  [':0\r\n', { kind: 'integer', value: 0 }],
  [':\r\n', { kind: 'integer', value: 0 }],
  [':42\r\n', { kind: 'integer', value: 42 }],
  [':-7\r\n', { kind: 'integer', value: -7 }],
  ['$4\r\nPO\r\n\r\n', { kind: 'bulk', text: 'PO\r\n' }],
  ['$0\r\n\r\n', { kind: 'bulk', text: '' }],
  ['$-1\r\n', { kind: 'null' }],
  ['*-1\r\n', { kind: 'null' }],
  ['*0\r\n', { kind: 'array' }],
  ['*3\r\n:1\r\n*2\r\n+a\r\n$-1\r\n$1\r\nb\r\n', { kind: 'array' }],
];

describe('replies of Redis', () => {
  it.each(REPLIES)('%j', (text, reply) => {
    expect(read(text)).toEqual([reply]);
  });

  it.each(REPLIES)('%j cut anywhere', (text, reply) => {
    for (let at = 0; at <= text.length; at++) expect(read(text.slice(0, at), text.slice(at))).toEqual([reply]);
    expect(read(...text)).toEqual([reply]);
  });

  it('come one after the other, and not before they are whole', () => {
    expect(read('+a\r\n:1\r\n', '+b\r', '\n').map((reply) => reply.kind)).toEqual(['simple', 'integer', 'simple']);
    expect(read('*2\r\n+a\r\n')).toEqual([]);
  });

  it.each([
    ['?\r\n', 'no type of reply'], ['%1\r\n', 'no type of reply'], ['HTTP/1.1', 'no type of reply'],
    ['+a\rb', 'no end of line'], ['$1\r\nab', 'no end of line'], ['$1\r\na\rb', 'no end of line'],
    [':1a\r\n', 'no integer'], [':--1\r\n', 'no integer'], [':12345678901234567890\r\n', 'no integer'],
    ['$65537\r\n', 'longer than 65536 bytes'], [`+${'x'.repeat(65_536)}`, 'longer than 65536 bytes'],
    [`*9\r\n${`$8000\r\n${'x'.repeat(8000)}\r\n`.repeat(9)}`, 'longer than 65536 bytes'],
    ['*1\r\n'.repeat(40), 'deeper than 32 arrays'],
  ])('%.20j is malformed', (text, why) => {
    expect(() => read(text)).toThrow(why);
  });

  it('limits each reply, not what a connection brings', () => {
    const long = `+${'x'.repeat(40_000)}\r\n`;
    expect(read(long, long, long)).toHaveLength(3);
  });
});

it('writes commands, with lengths in bytes', () => {
  expect(Buffer.from(respCommand('PING')).toString()).toBe('*1\r\n$4\r\nPING\r\n');
  expect(Buffer.from(respCommand('EXISTS', 'schlüssel')).toString()).toBe('*2\r\n$6\r\nEXISTS\r\n$10\r\nschlüssel\r\n');
  expect(Buffer.from(respCommand('auth', 'u', '')).toString()).toBe('*3\r\n$4\r\nauth\r\n$1\r\nu\r\n$0\r\n\r\n');
});
