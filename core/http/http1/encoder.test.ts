import { beforeEach, describe, expect, it } from 'vitest';
import { FakeIo } from '../../../test/support/fake_io.ts';
import { headerMap } from '../../../test/support/header_map.ts';
import { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId, HeaderNames } from '../../headers/header_names.ts';
import { IoCommand } from '../../io/io.ts';
import { Connection } from '../../network/connection.ts';
import { IoDispatcher } from '../../network/io_dispatcher.ts';
import { HeadTail, Http1Literals, sendHead, startLineEquals } from './encoder.ts';
import { RequestParser } from './request_parser.ts';

const names = new HeaderNames();
const HEAD = 'GET /x HTTP/1.1\r\nhost: a\r\naccept: */*\r\nx-one: 1\r\nx-two: 2\r\n\r\n';

describe('sendHead', () => {
  let io: FakeIo;
  let dispatcher: IoDispatcher;
  let literals: Http1Literals;
  let connection: Connection;

  beforeEach(() => {
    io = new FakeIo();
    dispatcher = new IoDispatcher(io, (error) => {
      throw error;
    });
    dispatcher.start();
    literals = new Http1Literals(dispatcher.turn);
    connection = new Connection(dispatcher, io.open(), 1, { onConnected() {}, onConnectFailed() {}, onData: () => 0, onRemoteClose() {}, onConnectionError() {}, onBelowWriteBufferLowWatermark() {}, onException() {} }, 0, false, '');
  });

  /** The head of HEAD as it lies in the arena after parsing. */
  function parsed(text = HEAD): HeaderMap {
    const at = 2048;
    io.slab.set(Buffer.from(text, 'latin1'), at);
    const map = new HeaderMap(names, dispatcher.turn);
    const end = new RequestParser(io.slab).parse(map, at, at + text.length, 100);
    expect(end).toBe(at + text.length);
    return map;
  }

  /** Sends and returns what went out, in how many ranges, and the count returned. */
  function send(map: HeaderMap, tail: number, properCase = false): { sent: string; ranges: number; bytes: number } {
    let bytes = 0;
    let ranges = 0;
    dispatcher.run(() => {
      bytes = sendHead(connection, literals, map, map.startLineOffset, map.startLineEnd, tail, properCase);
      ranges = io.commands[0] >>> 8;
      expect(io.commands[0] & 255).toBe(IoCommand.send);
      expect(io.control[0]).toBe(2 + ranges * 2);
    });
    return { sent: io.socket(connection.handle).sent, ranges, bytes };
  }

  it('sends an unchanged head as one range and the empty line', () => {
    const { sent, ranges, bytes } = send(parsed(), HeadTail.plain);
    expect(sent).toBe(HEAD);
    expect(ranges).toBe(2);
    expect(bytes).toBe(HEAD.length);
  });

  it('leaves removed lines out and goes on behind them', () => {
    const map = parsed();
    map.remove(HeaderId.accept);
    const { sent, ranges, bytes } = send(map, HeadTail.plain);
    expect(sent).toBe('GET /x HTTP/1.1\r\nhost: a\r\nx-one: 1\r\nx-two: 2\r\n\r\n');
    expect(ranges).toBe(3);
    expect(bytes).toBe(sent.length);
  });

  it('sends added lines with the empty line as one range', () => {
    const map = parsed();
    dispatcher.run(() => {
      map.set(HeaderId.forwardedProto, 'http');
      map.set(HeaderId.requestId, '7');
      const bytes = sendHead(connection, literals, map, map.startLineOffset, map.startLineEnd, HeadTail.plain, false);
      expect(io.commands[0] >>> 8).toBe(2);
      expect(bytes).toBe(HEAD.length + 'x-forwarded-proto: http\r\nx-request-id: 7\r\n'.length);
    });
    expect(io.socket(connection.handle).sent).toBe(`${HEAD.slice(0, -2)}x-forwarded-proto: http\r\nx-request-id: 7\r\n\r\n`);
  });

  it.each([[HeadTail.plain, ''], [HeadTail.chunked, 'transfer-encoding: chunked\r\n'], [HeadTail.zeroLength, 'content-length: 0\r\n']])('ends with tail %d', (tail, line) => {
    const { sent, bytes } = send(parsed(), tail);
    expect(sent).toBe(`${HEAD.slice(0, -2)}${line}\r\n`);
    expect(bytes).toBe(sent.length);
  });

  it.each([false, true])('sends a map that owns its bytes (proper case: %s)', (properCase) => {
    const map = parsed();
    const start = dispatcher.turn.literal('GET /x HTTP/1.1\r\n');
    map.retain();
    dispatcher.run(() => {
      sendHead(connection, literals, map, start, start + 17, HeadTail.plain, properCase);
    });
    expect(io.socket(connection.handle).sent).toBe(properCase ? HEAD.replace('host', 'Host').replace('accept', 'Accept').replace('x-one', 'X-One').replace('x-two', 'X-Two') : HEAD);
  });

  it.each([['content-type', 'Content-Type'], ['x-a1b-c', 'X-A1b-C'], ['foo_bar', 'Foo_Bar'], ['x-2nd', 'X-2nd'], ['a', 'A'], ['--x', '--X']])('writes %s as %s in proper case', (name, expected) => {
    const { sent } = send(parsed(`GET / HTTP/1.1\r\n${name}: v\r\n\r\n`), HeadTail.plain, true);
    expect(sent).toContain(`\r\n${expected}: v\r\n`);
  });

  it('sends a head without headers', () => {
    expect(send(parsed('GET / HTTP/1.1\r\n\r\n'), HeadTail.zeroLength).sent).toBe('GET / HTTP/1.1\r\ncontent-length: 0\r\n\r\n');
  });

  it.each([[200, false, 'HTTP/1.1 200 OK\r\n'], [404, true, 'HTTP/1.0 404 Not Found\r\n'], [299, false, 'HTTP/1.1 299 Unknown\r\n'], [999, true, 'HTTP/1.0 999 Unknown\r\n']])('writes the status line of %d (HTTP/1.0: %s)', (status, isHttp10, expected) => {
    const at = literals.statusLine(status, isHttp10);
    expect(Buffer.from(io.slab.subarray(at, at + literals.lineLength)).toString()).toBe(expected);
  });

  it('tells whether a status line that arrived can be forwarded', () => {
    const line = literals.statusLine(200, false);
    const map = headerMap(names, [], dispatcher.turn);
    const arrive = (text: string) => {
      io.slab.set(Buffer.from(text), 4096);
      map.startLineOffset = 4096;
      map.startLineEnd = 4096 + text.length;
      return startLineEquals(map, io.slab, line, literals.lineLength);
    };
    expect(arrive('HTTP/1.1 200 OK\r\n')).toBe(true);
    expect(arrive('HTTP/1.0 200 OK\r\n')).toBe(false);
    expect(arrive('HTTP/1.1 200 ok\r\n')).toBe(false);
    expect(arrive('HTTP/1.1 200 OKAY\r\n')).toBe(false);
    map.startLineOffset = -1;
    expect(startLineEquals(map, io.slab, line, literals.lineLength)).toBe(false);
  });
});
