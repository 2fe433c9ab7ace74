import { describe, expect, it } from 'vitest';
import { TurnBuffer } from '../../buffer/turn_buffer.ts';
import { ENTRY_WORDS, HeaderMap } from '../../headers/header_map.ts';
import { HeaderNames } from '../../headers/header_names.ts';
import { settleBlanks } from './header_blanks.ts';
import { RequestParser } from './request_parser.ts';

/** The header lines of a request as they would go out. */
function linesOf(...received: string[]): { lines: string[]; hasRepeats: boolean } {
  const slab = new Uint8Array(8192);
  const turn = new TurnBuffer(slab, 4096, 8192, 0, 0);
  const headers = new HeaderMap(new HeaderNames(), turn);
  const head = Buffer.from(`GET / HTTP/1.1\r\n${received.map((line) => `${line}\r\n`).join('')}\r\n`);
  slab.set(head, 64);
  const parser = new RequestParser(slab, new Int32Array(slab.buffer), new Int32Array(4), null);
  expect(parser.parse(headers, 64, 64 + head.length, 100)).toBe(64 + head.length);
  const { hasRepeats } = headers;
  if (hasRepeats) settleBlanks(headers, turn);
  const lines: string[] = [];
  for (let k = 0; k < headers.count * ENTRY_WORDS; k += ENTRY_WORDS) {
    lines.push(Buffer.from(slab.subarray(headers.entries[k], headers.entries[k + 1])).toString());
    expect(headers.valueAt(k)).toBe(lines.at(-1)?.slice(headers.nameAt(k).length + 2, -2));
  }
  return { lines, hasRepeats };
}

describe('blanks of header lines', () => {
  it.each([
    ['host:', 'host: \r\n'], ['host: ', 'host: \r\n'], ['host:x', 'host: x\r\n'], ['x-own:  a b\t', 'x-own: a b\r\n'], ['x-own:a ', 'x-own: a\r\n'],
  ])('become the usual ones: %o', (line, expected) => {
    expect(linesOf('a: 1', line, 'z: 2').lines).toEqual(['a: 1\r\n', expected, 'z: 2\r\n']);
  });

  it('are left alone where they are usual', () => {
    expect(linesOf('host: a', 'x-own: a  b')).toEqual({ lines: ['host: a\r\n', 'x-own: a  b\r\n'], hasRepeats: false });
  });
});
