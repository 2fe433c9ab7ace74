import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeJson, isUtf8 } from './json_escape.ts';

function escaped(bytes: Uint8Array): string {
  const memory = new Uint8Array(bytes.length * 6 + 10);
  memory.set(bytes, 4);
  const end = escapeJson(memory, 4, 4 + bytes.length);
  expect([...memory.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
  return Buffer.from(memory.subarray(4, end)).toString('latin1');
}

describe('JSON escaping in place', () => {
  it('keeps UTF-8, and escapes what JSON demands', () => {
    expect(escaped(Buffer.from('a\0\x01\x1f"\\/\b\f\n\r\tz\x7f'))).toBe('a\\u0000\\u0001\\u001f\\"\\\\/\\b\\f\\n\\r\\tz\x7f');
    expect(escaped(Buffer.from('é€😀'))).toBe(Buffer.from('é€😀').toString('latin1'));
  });

  it('writes every odd byte of what is no UTF-8 as a code', () => {
    expect(escaped(Buffer.from('"\\\t\x01\x7f/a\xc3', 'latin1'))).toBe('\\u0022\\u005c\\u0009\\u0001\\u007f/a\\u00c3');
  });

  it('gives back any UTF-8 text through a JSON parser', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(JSON.parse(`"${Buffer.from(escaped(Buffer.from(text)), 'latin1').toString()}"`)).toBe(Buffer.from(text).toString());
    }));
  });

  it('gives valid JSON for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const text = JSON.parse(`"${Buffer.from(escaped(bytes), 'latin1').toString()}"`) as string;
      expect(text).toBe(isUtf8(bytes, 0, bytes.length) ? Buffer.from(bytes).toString() : Buffer.from(bytes).toString('latin1'));
    }));
  });

  it('changes nothing and says so when there is no room', () => {
    const memory = Buffer.from('"""');
    expect(escapeJson(memory, 0, 3)).toBe(6);
    expect(memory.toString()).toBe('"""');
  });
});

describe('UTF-8 validation', () => {
  it('agrees with the platform on any bytes', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf));
    fc.assert(fc.property(fc.array(byte, { maxLength: 8 }), (list) => {
      const bytes = Uint8Array.from(list);
      let valid = true;
      try {
        decoder.decode(bytes);
      } catch {
        valid = false;
      }
      expect(isUtf8(bytes, 0, bytes.length)).toBe(valid);
    }), { numRuns: 2000 });
  });
});
