import { describe, expect, it } from 'vitest';
import { headerMap, headerPairs } from '../../../test/support/header_map.ts';
import { TurnBuffer } from '../../buffer/turn_buffer.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId, HeaderNames } from '../../headers/header_names.ts';
import { BodyKind } from '../codec.ts';
import { Framing, FramingError, isUpgrade, settleLines, sanitizeConnectionHeader, wantsKeepAlive } from './framing.ts';

const names = new HeaderNames();
type Pairs = readonly (readonly [string, string])[];
const map = (...pairs: Pairs): HeaderMap => headerMap(names, pairs);
const CL = (value: string) => ['content-length', value] as const;
const TE = (value: string) => ['transfer-encoding', value] as const;

describe('Framing.request', () => {
  it.each<[string, Pairs, number, number]>([
    ['nothing', [], 1, BodyKind.none], ['length 0', [CL('0')], 1, BodyKind.none], ['a length', [CL('12')], 1, BodyKind.length],
    ['chunked', [TE('chunked')], 1, BodyKind.chunked], ['chunked in any case', [TE('Chunked')], 1, BodyKind.chunked],
    ['chunked in HTTP/1.0', [TE('chunked')], 0, FramingError.badTransferEncoding], ['another coding', [TE('gzip')], 1, FramingError.badTransferEncoding],
    ['a list of codings', [TE('gzip, chunked')], 1, FramingError.badTransferEncoding], ['chunked twice', [TE('chunked'), TE('chunked')], 1, FramingError.badTransferEncoding],
    ['both', [CL('3'), TE('chunked')], 1, FramingError.lengthAndChunked],
    ...['', '+1', '-1', '0x1', '1 ', '1,1', '1.0', '1234567890123456'].map((value): [string, Pairs, number, number] => [`length '${value}'`, [CL(value)], 1, FramingError.badContentLength]),
    ['two lengths', [CL('1'), CL('1')], 1, FramingError.badContentLength],
  ])('%s', (_name, pairs, minor, expected) => {
    expect(new Framing().request(map(...pairs), minor, false)).toBe(expected);
  });

  it('tells the length', () => {
    const framing = new Framing();
    framing.request(map(CL('999999999999999')), 1, false);
    expect(framing.length).toBe(999_999_999_999_999);
  });

  it('drops the length of a chunked request where that is allowed', () => {
    const headers = map(CL('3'), TE('chunked'));
    expect(new Framing().request(headers, 1, true)).toBe(BodyKind.chunked);
    expect(headers.has(HeaderId.contentLength)).toBe(false);
  });
});

describe('Framing.response', () => {
  it.each<[string, Pairs, number, boolean, number]>([
    ['nothing lasts until the close', [], 200, false, BodyKind.untilClose], ['a length', [CL('5')], 200, false, BodyKind.length],
    ['chunked', [TE('chunked')], 200, false, BodyKind.chunked], ['to HEAD with a length', [CL('5')], 200, true, BodyKind.none],
    ['to HEAD, chunked', [TE('chunked')], 200, true, BodyKind.none], ['204', [], 204, false, BodyKind.none], ['204 with a length', [CL('5')], 204, false, FramingError.bodyNotAllowed], ['204 without a body', [CL('0')], 204, false, BodyKind.none],
    ['204 chunked', [TE('chunked')], 204, false, FramingError.bodyNotAllowed], ['100 chunked', [TE('chunked')], 100, false, FramingError.bodyNotAllowed], ['103 with a length', [CL('5')], 103, false, FramingError.bodyNotAllowed],
    ['103 without a body', [CL('0')], 103, false, BodyKind.none], ['100', [], 100, false, BodyKind.none], ['304 with a length', [CL('5')], 304, false, BodyKind.none],
    ['304 chunked', [TE('chunked')], 304, false, BodyKind.none], ['both', [CL('5'), TE('chunked')], 200, false, FramingError.lengthAndChunked],
    ['two lengths to HEAD', [CL('5'), CL('6')], 200, true, FramingError.badContentLength],
  ])('%s', (_name, pairs, status, isHead, expected) => {
    const headers = map(...pairs);
    headers.status = status;
    expect(new Framing().response(headers, 1, isHead)).toBe(expected);
  });

  it('refuses chunks of HTTP/1.0', () => {
    const headers = map([':status', '200'], TE('chunked'));
    expect(new Framing().response(headers, 0, false)).toBe(FramingError.badTransferEncoding);
  });
});

describe('connection headers', () => {
  it.each<[string | undefined, number, boolean]>([
    [undefined, 1, true], [undefined, 0, false], ['close', 1, false], ['keep-alive', 0, true], ['keep-alive', 1, true], ['Keep-Alive, x', 0, true],
    ['x, Close', 1, false], ['keep-alive, close', 1, false], ['x', 1, true], ['x', 0, false],
  ])('connection %s of HTTP/1.%d is kept: %s', (value, minor, expected) => {
    expect(wantsKeepAlive(value === undefined ? map() : map(['connection', value]), minor)).toBe(expected);
  });

  it('a second line closes too', () => {
    expect(wantsKeepAlive(map(['connection', 'keep-alive'], ['connection', 'close']), 1)).toBe(false);
  });

  it('removes what connection names, and keeps te: trailers', () => {
    const headers = map(['connection', 'close, X-One, te, keep-alive'], ['x-one', '1'], ['x-two', '2'], ['te', 'gzip, trailers']);
    expect(sanitizeConnectionHeader(headers)).toBe(true);
    expect(headerPairs(headers)).toEqual([['connection', 'close, X-One, te, keep-alive'], ['x-two', '2'], ['te', 'trailers']]);
  });

  it('forgets a connection header that named nothing else', () => {
    const headers = map(['connection', 'x-one'], ['x-one', '1']);
    expect(sanitizeConnectionHeader(headers)).toBe(true);
    expect(headerPairs(headers)).toEqual([]);
  });

  it.each([':path', 'x-forwarded-for', 'X-Forwarded-Host', 'x-forwarded-proto'])('refuses to remove %s', (name) => {
    expect(sanitizeConnectionHeader(map(['connection', `close, ${name}`]))).toBe(false);
  });

  it('knows an upgrade by both headers', () => {
    expect(isUpgrade(map(['connection', 'keep-alive, Upgrade'], ['upgrade', 'websocket']))).toBe(true);
    expect(isUpgrade(map(['upgrade', 'websocket']))).toBe(false);
    expect(isUpgrade(map(['connection', 'upgrade']))).toBe(false);
  });

  it('joins repeated lines of names that have one line, and no others', () => {
    const headers = map(['via', 'a'], ['x-own', '1'], ['via', 'b'], ['x-own', '2']);
    settleLines(headers, new TurnBuffer(new Uint8Array(64), 0, 64, 0, 0));
    expect([headers.getAll(HeaderId.via), headerPairs(headers).filter(([name]) => name === 'via').length]).toEqual(['a,b', 1]);
    expect(headerPairs(headers).filter(([name]) => name === 'x-own')).toHaveLength(2);
  });
});
