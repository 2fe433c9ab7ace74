import { describe, expect, it } from 'vitest';
import { headerMap, headerPairs, turnBuffer } from '../../test/support/header_map.ts';
import { HeaderMap } from './header_map.ts';
import { HeaderId, HeaderNames } from './header_names.ts';

const names = new HeaderNames();
for (let i = 0; names.size < 300; i++) names.intern(`late-${i}`);
const LATE = names.intern('late-last');

/** A map as a parser makes it: lines in the slab, names of unknown ones without id. */
function parsed(lines: readonly (readonly [string, string])[]): { map: HeaderMap; turn: ReturnType<typeof turnBuffer> } {
  const turn = turnBuffer();
  const map = new HeaderMap(names, turn);
  map.clear();
  for (const [name, value] of lines) {
    const at = turn.writeLatin1(`${name}: ${value}\r\n`);
    map.appendParsed(at, turn.position, name.length, at + name.length + 2, value.length, names.find(name));
  }
  return { map, turn };
}

describe('HeaderMap', () => {
  it('has an id over 255 to test with', () => expect(LATE).toBeGreaterThanOrEqual(256));

  it.each([['a fast id', 'x-request-id'], ['an id over 255', 'late-last']])('finds, sets, adds and removes with %s', (_kind, name) => {
    const id = names.intern(name);
    const { map } = parsed([['accept', '*'], [name, '1'], ['vary', 'v'], [name, '2']]);
    expect(map.get(id)).toBe('1');
    expect(map.getAll(id)).toBe('1,2');
    expect(map.getByName(name.toUpperCase())).toBe('1,2');
    expect(map.valueEquals(id, '1')).toBe(true);
    expect(map.valueEquals(id, '12')).toBe(false);
    map.add(id, '3');
    expect(map.getAll(id)).toBe('1,2,3');
    map.set(id, 'only');
    expect(headerPairs(map)).toEqual([['accept', '*'], [name, 'only'], ['vary', 'v']]);
    map.remove(id);
    expect(map.has(id)).toBe(false);
    expect(map.find(id)).toBe(-1);
    map.set(id, 'again');
    expect(headerPairs(map)).toEqual([['accept', '*'], ['vary', 'v'], [name, 'again']]);
  });

  it.each([['a fast id', HeaderId.accept], ['an id over 255', LATE]])('removes one of several with %s', (_kind, id) => {
    const { map } = parsed([[names.text(id), '1'], [names.text(id), '2'], [names.text(id), '3']]);
    map.removeAt(map.find(id));
    expect(map.getAll(id)).toBe('2,3');
    map.removeAt(map.findNext(id, map.find(id)));
    expect(map.getAll(id)).toBe('2');
    map.removeAt(map.find(id));
    expect(map.get(id)).toBeUndefined();
  });

  it('borrows until it is retained, and then owns its bytes', () => {
    const { map, turn } = parsed([['host', 'a'], ['x-unknown', 'b']]);
    map.setMethod('GET');
    map.setPath('/p');
    expect(map.owned).toBe(false);
    map.remove(HeaderId.accept);
    map.retain();
    expect(map.owned).toBe(true);
    turn.slab.fill(0);
    expect(headerPairs(map)).toEqual([['host', 'a'], ['x-unknown', 'b']]);
    expect(map.get(HeaderId.method)).toBe('GET');
    expect(map.get(HeaderId.path)).toBe('/p');
    expect(map.startLineOffset).toBe(-1);
  });

  it('grows its own memory while owned', () => {
    const { map } = parsed([['host', 'a']]);
    map.retain();
    const long = 'v'.repeat(5000);
    for (let i = 0; i < 20; i++) map.add(LATE, `${i}${long}`);
    map.setPath(`/${long}`);
    expect(headerPairs(map).length).toBe(21);
    expect(headerPairs(map)[20]).toEqual(['late-last', `19${long}`]);
    expect(map.get(HeaderId.path)).toBe(`/${long}`);
    map.clear();
    expect(map.owned).toBe(false);
    expect(headerPairs(map)).toEqual([]);
  });

  it.each([false, true])('appends to a value with a comma (owned: %s)', (isOwned) => {
    const { map } = parsed([['via', 'one']]);
    if (isOwned) map.retain();
    for (let i = 0; i < 200; i++) map.appendBytes(HeaderId.via, Buffer.from('two'), 0, 3);
    expect(map.get(HeaderId.via)).toBe(`one${', two'.repeat(200)}`);
    map.appendBytes(LATE, Buffer.from('first'), 0, 5);
    expect(map.get(LATE)).toBe('first');
  });

  it('appends a range of its own bytes', () => {
    const { map } = parsed([['via', 'one'], ['accept', 'x']]);
    map.retain();
    const k = map.find(HeaderId.accept);
    map.appendBytes(HeaderId.via, map.bytes, map.entries[k + 3], map.entries[k + 4]);
    expect(map.get(HeaderId.via)).toBe('one, x');
  });

  it('writes integers', () => {
    const { map } = parsed([]);
    for (const value of [0, 9, 10, 12345, 2147483647, 2147483648, Number.MAX_SAFE_INTEGER]) {
      map.setInteger(HeaderId.contentLength, value);
      expect(map.get(HeaderId.contentLength)).toBe(String(value));
    }
    expect(headerPairs(map).length).toBe(1);
  });

  it('takes a value that the caller writes', () => {
    const { map } = parsed([]);
    const at = map.beginValue(HeaderId.requestId, 36);
    map.bytes.set(Buffer.from('abc'), at);
    map.endValue(HeaderId.requestId, 3);
    const more = map.beginValue(HeaderId.requestId, 36);
    map.bytes.set(Buffer.from('de'), more);
    map.endAddedValue(HeaderId.requestId, 2);
    expect(headerPairs(map)).toEqual([['x-request-id', 'abc'], ['x-request-id', 'de']]);
  });

  it('copies another map, removed entries and pseudo-headers included', () => {
    const { map: source } = parsed([['a-gone', '0'], ['host', 'h'], ['late-last', '1'], ['x-unknown', 'u']]);
    source.removeByName('a-gone');
    source.setMethod('PUT');
    source.setPath('/x');
    source.isHttps = true;
    source.hasScheme = true;
    const copy = headerMap(names, [['accept', 'old'], [':method', 'GET']]);
    copy.copyFrom(source);
    source.clear();
    expect(copy.owned).toBe(true);
    expect(headerPairs(copy)).toEqual([['host', 'h'], ['late-last', '1'], ['x-unknown', 'u']]);
    expect(copy.has(HeaderId.accept)).toBe(false);
    expect([copy.get(HeaderId.method), copy.get(HeaderId.path), copy.get(HeaderId.scheme)]).toEqual(['PUT', '/x', 'https']);
  });

  it('knows unknown names by name', () => {
    const { map } = parsed([['x-unknown', '1'], ['x-other', '2'], ['x-unknown', '3']]);
    expect(map.getByName('X-Other')).toBe('2');
    map.removeByName('X-UNKNOWN');
    expect(headerPairs(map)).toEqual([['x-other', '2']]);
  });

  it('replaces by name what was parsed while the name was unknown', () => {
    const own = new HeaderNames();
    const turn = turnBuffer();
    const map = new HeaderMap(own, turn);
    const at = turn.writeLatin1('x-new: 1\r\n');
    map.appendParsed(at, turn.position, 5, at + 7, 1, own.find('x-new'));
    map.setByName('X-New', '2');
    expect(headerPairs(map)).toEqual([['x-new', '2']]);
  });

  it('finds and removes by name what was parsed before somebody interned the name', () => {
    const own = new HeaderNames();
    const turn = turnBuffer();
    const map = new HeaderMap(own, turn);
    const at = turn.writeLatin1('x-new: 1\r\n');
    map.appendParsed(at, turn.position, 5, at + 7, 1, 0);
    own.intern('x-new');
    expect(map.getByName('x-new')).toBe('1');
    map.removeByName('x-new');
    expect(headerPairs(map)).toEqual([]);
  });

  it.each([
    ['close', 'close', true], ['Close', 'close', true], ['keep-alive, close', 'close', true], ['a,close ,b', 'close', true], ['closed', 'close', false],
    ['x-close', 'close', false], ['clos', 'close', false], ['', 'close', false], [', ,close', 'close', true], ['close;x', 'close', false],
  ])('token search in "%s" for "%s": %s', (value, token, expected) => {
    const { map } = parsed([['connection', value]]);
    expect(map.hasToken(HeaderId.connection, token)).toBe(expected);
  });

  it('searches tokens in all lines of a name', () => {
    const { map } = parsed([['connection', 'a'], ['connection', 'close']]);
    expect(map.hasToken(HeaderId.connection, 'close')).toBe(true);
  });

  it('grows beyond what it was made for', () => {
    const { map } = parsed(Array.from({ length: 200 }, (_, i) => [`x-${i}`, String(i)] as const));
    expect(headerPairs(map)[199]).toEqual(['x-199', '199']);
    map.add(LATE, 'end');
    expect(map.get(LATE)).toBe('end');
  });

  it('keeps its start line only while nobody changed it', () => {
    const { map } = parsed([]);
    map.startLineOffset = 5;
    map.setPath('/');
    expect(map.startLineOffset).toBe(-1);
  });
});
