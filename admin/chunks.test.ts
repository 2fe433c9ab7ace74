import { describe, expect, test } from 'vitest';
import { CHUNK_CHARS, inChunks, PIECES_PER_CHUNK } from './chunks.ts';

describe('chunks', () => {
  test('small pieces are gathered, none is lost', () => {
    const pieces = Array.from({ length: 5000 }, (_, i) => `line ${i}\n`);
    const chunks = [...inChunks(pieces)];
    expect(chunks.join('')).toBe(pieces.join(''));
    expect(chunks.length).toBeGreaterThan(2);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(CHUNK_CHARS + 16);
  });

  test('pieces that are left out still end a chunk, so that a search without hits lets others work', () => {
    const chunks = [...inChunks(new Array<string>(3 * PIECES_PER_CHUNK).fill(''))];
    expect(chunks).toEqual(['', '', '']);
  });

  test('a huge piece is cut', () => {
    const huge = 'x'.repeat(20 * CHUNK_CHARS + 5);
    const chunks = [...inChunks(['a', huge, 'b'])];
    expect(chunks.join('')).toBe(`a${huge}b`);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(5 * CHUNK_CHARS);
  });

  test('nothing is made before it is asked for', () => {
    let made = 0;
    const pieces = function* () {
      for (;;) {
        made++;
        yield 'x'.repeat(1024);
      }
    };
    const chunks = inChunks(pieces());
    chunks.next();
    expect(made).toBe(CHUNK_CHARS / 1024);
  });
});
