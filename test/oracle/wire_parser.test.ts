import { describe, expect, it } from 'vitest';
import { headerValues, readRequests, readResponses } from './wire_parser.ts';

describe('reading responses', () => {
  it('separates pipelined responses by content-length', () => {
    const reading = readResponses('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', ['GET', 'GET'], false);
    expect(reading.messages.map((message) => [message.startLine, message.body])).toEqual([['HTTP/1.1 200 OK', 'a'], ['HTTP/1.1 404 Not Found', '']]);
    expect(reading.finalCount).toBe(2);
  });

  it('does not count an informational response as final', () => {
    const reading = readResponses('HTTP/1.1 100 Continue\r\n\r\n', ['POST'], false);
    expect([reading.messages.length, reading.finalCount]).toEqual([1, 0]);
  });

  it('expects no body after HEAD whatever the framing says', () => {
    const reading = readResponses('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n', ['HEAD'], false);
    expect(reading.messages[0]).toMatchObject({ framing: 'content-length', body: '', isComplete: true });
  });

  it('joins chunks, and keeps trailers', () => {
    const reading = readResponses('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nX-T: v\r\n\r\n', ['GET'], false);
    expect(reading.messages[0]).toMatchObject({ framing: 'chunked', body: 'abc', trailers: ['x-t: v'], isComplete: true });
  });

  it('says that a body is incomplete', () => {
    expect(readResponses('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab', ['GET'], true).messages[0]?.isComplete).toBe(false);
    expect(readResponses('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab', ['GET'], true).messages[0]?.isComplete).toBe(false);
  });

  it('completes a body without framing only when the connection has ended', () => {
    const text = 'HTTP/1.0 200 OK\r\n\r\nab';
    expect(readResponses(text, ['GET'], false).finalCount).toBe(0);
    expect(readResponses(text, ['GET'], true).finalCount).toBe(1);
  });

  it('keeps what is no message', () => {
    expect(readResponses('\x00\x01', [], false).rest).toBe('\x00\x01');
  });
});

describe('reading requests', () => {
  it('takes no body without framing', () => {
    const reading = readRequests('GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi');
    expect(reading.messages.map((message) => [message.startLine, message.headers, message.body])).toEqual([
      ['GET /a HTTP/1.1', ['host: h'], ''],
      ['POST /b HTTP/1.1', ['content-length: 2'], 'hi'],
    ]);
  });

  it('finds the values of a name in order', () => {
    expect(headerValues(['a: 1', 'b: 2', 'a: 3'], 'a')).toEqual(['1', '3']);
  });
});
