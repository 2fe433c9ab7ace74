import { describe, expect, it } from 'vitest';
import { runRequest, runResponse } from '../../../test/conformance/parser_runs.ts';

/** Lines longer than what the parsers scan anew with every read. */
const LONG = 'v'.repeat(5000);

/** In reads of a few bytes, of changing sizes. */
function pieces(text: string, size: number): Uint8Array[] {
  const bytes = Buffer.from(text, 'latin1');
  const parts: Uint8Array[] = [];
  for (let at = 0, n = size; at < bytes.length; at += n, n = size + (parts.length % 3)) parts.push(bytes.subarray(at, at + n));
  return parts;
}

describe.each([7, 100, 1023])('a long line in reads of %d bytes', (size) => {
  it.each([
    ['request target', `GET /${LONG} HTTP/1.1\r\nhost: a\r\n\r\n`], ['request header', `GET / HTTP/1.1\r\nhost: a\r\nx-long: ${LONG}\r\nx-next: 1\r\n\r\n`],
    ['request line without an end', `GET /${LONG}${LONG}`], ['request header without an end', `GET / HTTP/1.1\r\nx-long: ${LONG}`],
    ['bad byte late in a request', `GET / HTTP/1.1\r\nx-long: ${LONG}\u0000\r\n\r\n`],
  ])('%s', (_name, text) => {
    expect(runRequest(pieces(text, size), 100)).toBe(runRequest([Buffer.from(text, 'latin1')], 100));
  });

  it.each([
    ['reason phrase', `HTTP/1.1 200 ${LONG}\r\nserver: a\r\n\r\n`], ['response header', `HTTP/1.1 200 OK\r\nx-long: ${LONG}\r\nx-next: 1\r\n\r\n`],
    ['status line without an end', `HTTP/1.1 200 ${LONG}`], ['response header without an end', `HTTP/1.1 200 OK\r\nx-long: ${LONG}`],
    ['bad byte late in a response', `HTTP/1.1 200 OK\r\nx-long: ${LONG}\u0000\r\n\r\n`],
  ])('%s', (_name, text) => {
    expect(runResponse(pieces(text, size), 100)).toBe(runResponse([Buffer.from(text, 'latin1')], 100));
  });
});

it('a long line really arrives', () => {
  expect(runRequest(pieces(`GET /${LONG} HTTP/1.1\r\nhost: a\r\n\r\n`, 7), 100)).toContain('target 4..5005 ');
  expect(runResponse(pieces(`HTTP/1.1 204 ${LONG}\r\nx-a: b\r\n\r\n`, 7), 100)).toMatch(/^status 204\nversion 1\.1\nheader .* "x-a" .* "b"\n/);
});
