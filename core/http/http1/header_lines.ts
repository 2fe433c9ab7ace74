import { ENTRY_WORDS, FAST_IDS, type HeaderMap } from '../../headers/header_map.ts';
import { nameHash } from '../../headers/header_names.ts';

/** A line longer than this that is still unfinished is not parsed again until its end arrived (linear cost under a slow sender). */
export const LONG_LINE = 1024;

/** Results of the line parsers below zero; anything else is the offset after what was parsed. */
export const ParseStatus = {
  /** The bytes end inside a line; `HeaderLines.lineStart` says where that line begins. */
  incomplete: -1,
  /** A field name with a character that is no token character, an empty name, or whitespace before the colon (RFC 9112 §5.1). */
  badName: -2,
  /** A control character in a field name or value: NUL, bare CR, bare LF, DEL (RFC 9110 §5.5, RFC 9112 §2.2). */
  badValue: -3,
  /** A line that begins with whitespace: obsolete folding (RFC 9112 §5.2). */
  obsFold: -4,
  /** More header lines than allowed, none of them malformed; the first two that are too many are in the map. */
  tooManyHeaders: -5,
  /** A malformed start line. */
  badStartLine: -6,
  /** A version that is not HTTP/1.0 or HTTP/1.1. */
  badVersion: -7,
  /** A request target with a forbidden character. */
  badTarget: -8,
} as const;

/** Bytes a parser may read and overwrite beyond the data: the sentinel's room (see io.ts). */
export const SENTINEL_ROOM = 8;

const HIGH_BITS = 0x80808080 | 0;

/** Lower-case form of each token character (RFC 9110 §5.6.2), 0 for all others. */
export const TOKEN_LOWER: Uint8Array = (() => {
  const table = new Uint8Array(256);
  for (const ch of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") table[ch.charCodeAt(0)] = ch.charCodeAt(0);
  for (let c = 65; c <= 90; c++) table[c] = c + 32;
  return table;
})();

/**
 * Parses header lines from `from` up to and including the empty line, appending to `map` (names are lower-cased in place).
 * `slab[end]` must hold a 0 sentinel. Returns the offset after the empty line or a ParseStatus. When incomplete,
 * `cursor[0]` is the start of the unfinished line: call again from there once more bytes are there.
 *
 * Hot: bench/micro/http1_parser. Whole words are tested for control characters four bytes at a time.
 */
export function parseHeaderLines(map: HeaderMap, slab: Uint8Array, from: number, end: number, maxHeaders: number, cursor: Int32Array): number {
  const view = map.view;
  const names = map.names;
  const nameView = names.view;
  const caseBits = names.caseBits;
  const table = names.table;
  const nameOffsets = names.offsets;
  const nameLengths = names.lengths;
  const nameBytes = names.bytes;
  const slots = map.slots;
  const groups = names.groups;
  let entries = map.entries;
  let p = from;
  for (;;) {
    const line = p;
    let c = slab[p];
    if (c === 13) {
      if (p + 1 >= end) return incomplete(cursor, line);
      if (slab[p + 1] !== 10) return ParseStatus.badValue;
      return map.count > maxHeaders ? ParseStatus.tooManyHeaders : p + 2;
    }
    // A client's messages have the same headers in the same order: the id that stood here in the map's last message is tried
    // first, which saves the hash and a second look at the name.
    const k = map.count * ENTRY_WORDS;
    if (k === entries.length) entries = map.growEntries();
    let id = entries[k + 5];
    if (id !== 0) {
      // Name and colon, four bytes at a time: letters in either case, everything else as it stands.
      const nameEnd = line + nameLengths[id];
      let q = nameOffsets[id];
      let want = nameView.getInt32(q, true);
      let got = view.getInt32(p, true);
      while (p + 3 <= nameEnd && (got | caseBits.getInt32(q, true)) === want) {
        if (got !== want) view.setInt32(p, want, true);
        p += 4;
        q += 4;
        want = nameView.getInt32(q, true);
        got = view.getInt32(p, true);
      }
      const left = nameEnd + 1 - p;
      if (left > 0) {
        const care = left < 4 ? (1 << (left << 3)) - 1 : 0;
        if ((((got | caseBits.getInt32(q, true)) ^ want) & care) === 0 && care !== 0) view.setInt32(p, (got & ~care) | (want & care), true);
        else id = 0;
      }
      p = id === 0 ? line : nameEnd;
    }
    if (id === 0) {
      let low = TOKEN_LOWER[slab[p]];
      while (low !== 0) {
        slab[p] = low;
        low = TOKEN_LOWER[slab[++p]];
      }
    }
    if (slab[p] !== 58 || p === line) {
      if (p >= end) return incomplete(cursor, line);
      return badName(slab[p], p === line);
    }
    const nameLength = p - line;
    c = slab[++p];
    while (c === 32 || c === 9) c = slab[++p];
    const valueStart = p;
    for (;;) {
      // All four bytes in 0x20..0x7e: no borrow, no carry into the high bits, none set.
      let v = view.getInt32(p, true);
      while ((((v - 0x20202020) | (v + 0x01010101) | v) & HIGH_BITS) === 0) v = view.getInt32((p += 4), true);
      while ((c = slab[p]) >= 32 && c !== 127) p++;
      if (c !== 9) break;
      p++;
    }
    if (c !== 13 || slab[p + 1] !== 10) {
      if (p >= end || (c === 13 && p + 1 >= end)) return incomplete(cursor, line);
      return ParseStatus.badValue;
    }
    let valueEnd = p;
    while (valueEnd > valueStart && ((c = slab[valueEnd - 1]) === 32 || c === 9)) valueEnd--;
    p += 2;
    if (p > end) return incomplete(cursor, line);
    if (valueEnd + 2 !== p || valueStart - line !== nameLength + 2) map.hasRepeats = true;
    if (id === 0) {
      let slot = nameHash(nameLength, slab[line], slab[line + (nameLength >> 1)], slab[line + nameLength - 1]);
      id = table[slot];
      while (id !== 0) {
        if (nameLengths[id] === nameLength) {
          const at = nameOffsets[id];
          let i = 0;
          while (i < nameLength && slab[line + i] === nameBytes[at + i]) i++;
          if (i === nameLength) break;
        }
        slot = (slot + 1) & 8191;
        id = table[slot];
      }
    }
    // HeaderMap.appendParsed by hand: a fifth of the parser's time otherwise.
    const count = map.count;
    entries[k] = line;
    entries[k + 1] = p;
    entries[k + 2] = nameLength;
    entries[k + 3] = valueStart;
    entries[k + 4] = valueEnd - valueStart;
    entries[k + 5] = id;
    map.count = count + 1;
    if (count >= maxHeaders) {
      // The head is refused at its end, unless it is malformed. Lines after the second that is too many take the same place.
      if (count > maxHeaders + 1) map.count = count;
      continue;
    }
    if (id !== 0 && id < FAST_IDS) {
      map.groups |= groups[id];
      if (slots[id] === 0) slots[id] = count + 1;
      else map.hasRepeats = true;
    }
  }
}

/** The byte that ends a name and is no colon. */
function badName(byte: number, isFirst: boolean): number {
  if (byte === 32 || byte === 9) return isFirst ? ParseStatus.obsFold : ParseStatus.badName;
  const isControl = (byte < 32 && byte !== 10 && byte !== 13) || byte === 127;
  return isControl ? ParseStatus.badValue : ParseStatus.badName;
}

function incomplete(cursor: Int32Array, line: number): number {
  cursor[0] = line;
  return ParseStatus.incomplete;
}

/** Moves everything parsed so far by `delta`: the bytes were redelivered elsewhere in the arena. */
export function shiftParsed(map: HeaderMap, delta: number): void {
  if (delta === 0) return;
  const entries = map.entries;
  for (let k = 0, end = map.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
    entries[k] += delta;
    entries[k + 1] += delta;
    entries[k + 3] += delta;
  }
  map.methodOffset += delta;
  map.pathOffset += delta;
  map.startLineOffset += delta;
  map.startLineEnd += delta;
}

export function hasLineFeed(slab: Uint8Array, from: number, end: number): boolean {
  for (let p = from; p < end; p++) if (slab[p] === 10) return true;
  return false;
}
