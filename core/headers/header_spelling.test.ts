import { describe, expect, it } from 'vitest';
import { capitalise, HeaderSpelling, reasonOf } from './header_spelling.ts';

const CONFIG = { capitalisesOthers: false, forwardsReason: false };

/** Reads `text` in pieces as a parser does: after each, names are lowered up to the unfinished line, which is given again. */
function readInPieces(text: string, cuts: readonly number[]): HeaderSpelling {
  const spelling = new HeaderSpelling(CONFIG);
  const bytes = Buffer.from(text, 'latin1');
  let line = 0;
  for (const end of [...cuts, bytes.length]) {
    spelling.note(bytes, line, end);
    for (let p = line; p < end; p++) if (bytes[p] >= 65 && bytes[p] <= 90) bytes[p] += 32;
    line = bytes.lastIndexOf(10, end - 1) + 1;
  }
  return spelling;
}

describe('HeaderSpelling', () => {
  const HEAD = 'Host: a\r\nX-CamelCase: 1: 2\r\nx-low: 3\r\nX-CAMELCASE: 4\r\n\r\n';

  it('keeps the first spelling of each name', () => {
    const spelling = readInPieces(HEAD, []);
    expect(['host', 'x-camelcase', 'x-low', 'x-other'].map((name) => spelling.spell(name))).toEqual(['Host', 'X-CamelCase', 'x-low', undefined]);
  });

  it('keeps it wherever the bytes are cut', () => {
    for (let cut = 1; cut < HEAD.length; cut++) {
      for (const cuts of [[cut], [cut, Math.min(cut + 2, HEAD.length - 1)]]) {
        const spelling = readInPieces(HEAD, cuts);
        expect([spelling.spell('host'), spelling.spell('x-camelcase'), spelling.spell('x-low')], `cut at ${cuts.join(',')}`).toEqual(['Host', 'X-CamelCase', 'x-low']);
      }
    }
  });
});

describe('reasonOf', () => {
  it.each([['HTTP/1.1 200 Fine by me\r\n', 'Fine by me'], ['HTTP/1.1 200 \r\n', ''], ['HTTP/1.1 200\r\n', '']])('%j: %j', (line, reason) => {
    expect(reasonOf(Buffer.from(line), 0, line.length)).toBe(reason);
  });
});

describe('capitalise', () => {
  it.each([['x-request-id', 'X-Request-Id'], ['etag', 'Etag'], ['x-1st_b', 'X-1st_B'], ['', '']])('%s: %s', (name, expected) => {
    const bytes = Buffer.from(name);
    capitalise(bytes, 0, bytes.length);
    expect(bytes.toString()).toBe(expected);
  });
});
