import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TurnBuffer } from '../../core/buffer/turn_buffer.ts';
import { writeChunkSize } from '../../core/http/http1/encoder.ts';
import { runChunked, runRequest, runResponse } from '../conformance/parser_runs.ts';
import { checkHeaderMap, type HeaderOperation, MODEL_NAMES } from '../fuzz/header_map/model.ts';

const TOKEN = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,24}$/);
const VALUE = fc.stringMatching(/^([!-~]([ \t!-~]{0,40}[!-~])?)?$/);
const TARGET = fc.stringMatching(/^\/[!-~]{0,60}$/);
const LINE = fc.record({ name: TOKEN, value: VALUE, before: fc.stringMatching(/^[ \t]{0,3}$/), after: fc.stringMatching(/^[ \t]{0,3}$/) });
const HEAD = fc.record({ method: TOKEN, target: TARGET, minor: fc.constantFrom(0, 1), lines: fc.array(LINE, { maxLength: 12 }) });
const CUTS = fc.array(fc.nat(), { maxLength: 8 });

function headText(head: typeof HEAD extends fc.Arbitrary<infer T> ? T : never): string {
  const lines = head.lines.map((line) => `${line.name}:${line.before}${line.value}${line.after}\r\n`).join('');
  return `${head.method} ${head.target} HTTP/1.${head.minor}\r\n${lines}\r\n`;
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length)).filter((piece) => piece.length > 0);
}

describe('HTTP/1 parsers', () => {
  it('read a well-formed head as it was written, however it is cut', () => {
    fc.assert(
      fc.property(HEAD, CUTS, (head, cuts) => {
        const bytes = Buffer.from(headText(head), 'latin1');
        const events = runRequest(cutAt(bytes, cuts), 100);
        expect(events).toContain(`version 1.${head.minor}\n`);
        expect(events).toContain(`head ${bytes.length} ${bytes.length}\n`);
        const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t');
        const seen = [...events.matchAll(/^header \S+ "(.*)" \S+ "(.*)"$/gm)].map((match) => [match[1], match[2]]);
        expect(seen).toEqual(head.lines.map((line) => [line.name.toLowerCase(), escaped(line.value)]));
      }),
      { numRuns: 300 },
    );
  });

  it('say the same of a spoilt head, however it is cut', () => {
    const spoil = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    fc.assert(
      fc.property(HEAD, fc.array(spoil, { minLength: 1, maxLength: 3 }), CUTS, (head, changes, cuts) => {
        const bytes = Buffer.from(headText(head), 'latin1');
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        expect(runRequest(cutAt(bytes, cuts), 100)).toBe(runRequest([bytes], 100));
      }),
      { numRuns: 500 },
    );
  });

  it('say the same of response heads, however they are cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999 }), fc.array(LINE, { maxLength: 6 }), fc.option(fc.nat()), CUTS, (status, lines, spoilt, cuts) => {
        const bytes = Buffer.from(`HTTP/1.1 ${status} ok\r\n${lines.map((line) => `${line.name}:${line.value}\r\n`).join('')}\r\n`, 'latin1');
        if (spoilt !== null) bytes[spoilt % bytes.length] ^= 0x40;
        const whole = runResponse([bytes], 100);
        if (spoilt === null) expect(whole).toContain(`status ${status}\n`);
        expect(runResponse(cutAt(bytes, cuts), 100)).toBe(whole);
      }),
      { numRuns: 300 },
    );
  });
});

describe('chunked coding', () => {
  it('decodes what was encoded, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 10 }), CUTS, (chunks, cuts) => {
        const turn = new TurnBuffer(new Uint8Array(4096), 0, 4096, 0, 0);
        const parts: Uint8Array[] = [];
        for (const chunk of chunks) {
          const at = writeChunkSize(turn, chunk.length);
          parts.push(turn.slab.slice(at, turn.position), chunk, Buffer.from('\r\n'));
        }
        const bytes = Buffer.concat([...parts, Buffer.from('0\r\n\r\nrest')]);
        const events = runChunked(cutAt(bytes, cuts));
        const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        expect(events.startsWith(length === 0 ? 'end' : `data ${length} "`)).toBe(true);
        expect(events.endsWith(`end ${bytes.length - 4}\n`)).toBe(true);
        expect(events).toBe(runChunked([bytes]));
      }),
      { numRuns: 300 },
    );
  });

  it.each([0, 1, 9, 10, 15, 16, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 2 ** 40 + 11])('writes the size %d in hex', (size) => {
    const turn = new TurnBuffer(new Uint8Array(64), 0, 64, 0, 0);
    const at = writeChunkSize(turn, size);
    expect(Buffer.from(turn.slab.subarray(at, turn.position)).toString()).toBe(`${size.toString(16)}\r\n`);
  });
});

it('a header map says at every step what a plain list of pairs says', () => {
  const name = fc.constantFrom(...MODEL_NAMES);
  const value = fc.stringMatching(/^[!-~]{0,60}$/);
  const operation: fc.Arbitrary<HeaderOperation> = fc.oneof(
    fc.record({ kind: fc.constantFrom('set', 'add', 'append', 'setBytes', 'setByName'), name, value }),
    fc.record({ kind: fc.constantFrom('remove', 'removeFirst', 'removeByName'), name }),
    fc.record({ kind: fc.constant('setInteger'), name, number: fc.maxSafeNat() }),
    fc.record({ kind: fc.constant('setPath'), value }),
    fc.record({ kind: fc.constantFrom('retain', 'copy', 'clear') }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => checkHeaderMap(operations)),
    { numRuns: 300 },
  );
});
