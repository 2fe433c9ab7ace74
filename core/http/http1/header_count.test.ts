import { describe, expect, it } from 'vitest';
import { runRequest, runResponse } from '../../../test/conformance/parser_runs.ts';

const LINES = Array.from({ length: 40 }, (_, i) => `x-line-${i}: ${i}\r\n`).join('');
const REQUEST = `GET / HTTP/1.1\r\n${LINES}\r\n`;
const RESPONSE = `HTTP/1.1 200 OK\r\n${LINES}\r\n`;

function twoPieces(text: string, at: number): Uint8Array[] {
  return [Buffer.from(text.slice(0, at), 'latin1'), Buffer.from(text.slice(at), 'latin1')];
}

describe('a head with too many lines', () => {
  it('is refused at its end, wherever it is cut', () => {
    const whole = runRequest([Buffer.from(REQUEST)], 5);
    expect(whole).toContain('tooManyHeaders');
    for (let at = 1; at < REQUEST.length; at++) expect(runRequest(twoPieces(REQUEST, at), 5)).toBe(whole);
    expect(runRequest([Buffer.from(REQUEST.slice(0, -1))], 5)).not.toContain('tooManyHeaders');
    expect(runResponse([Buffer.from(RESPONSE)], 5)).toContain('tooManyHeaders');
    expect(runRequest([Buffer.from(REQUEST)], 40)).not.toContain('tooManyHeaders');
  });

  it('is malformed first', () => {
    expect(runRequest([Buffer.from(REQUEST.replace('x-line-39:', 'x line:'))], 5)).toContain('badName');
    expect(runResponse([Buffer.from(RESPONSE.replace(': 39', ': \u0000'))], 5)).toContain('badValue');
  });
});
