/**
 * JSON string escaping on bytes, in place, without allocation.
 *
 * Valid UTF-8 is kept as it is; `"` and `\` get a backslash, control characters their short or `\u00xx` form. A value that is
 * not valid UTF-8 has every byte but plain printable ASCII written as `\u00xx`, quotes included (so it reads as Latin-1).
 */
const QUOTE = 34;
const BACKSLASH = 92;
const DELETE = 127;
const HEX = '0123456789abcdef';

/** Escapes `bytes[start, end)` where it lies and returns the new end; beyond `bytes.length` when there is no room (then nothing changed). */
export function escapeJson(bytes: Uint8Array, start: number, end: number): number {
  for (let p = start; p < end; p++) {
    if (SPECIAL[bytes[p]] !== 0) return escapeFrom(bytes, start, p, end);
  }
  return end;
}

/** 1 for bytes that plain copying does not do for. */
const SPECIAL = Uint8Array.from({ length: 256 }, (_, byte) => (byte < 0x20 || byte === QUOTE || byte === BACKSLASH || byte >= 0x80 ? 1 : 0));

function isSpecial(byte: number): boolean {
  return SPECIAL[byte] !== 0;
}

function escapeFrom(bytes: Uint8Array, start: number, first: number, end: number): number {
  const raw = isUtf8(bytes, first, end);
  let extra = 0;
  for (let p = raw ? first : start; p < end; p++) {
    const byte = bytes[p];
    if (!raw && byte === DELETE) extra += 5;
    if (!isSpecial(byte)) continue;
    if (!raw) extra += 5;
    else if (byte < 0x80) extra += shortForm(byte) !== 0 ? 1 : 5;
  }
  const newEnd = end + extra;
  if (extra === 0 || newEnd > bytes.length) return newEnd;
  let to = newEnd;
  for (let p = end - 1; p >= start && to > p + 1; p--) {
    const byte = bytes[p];
    if (raw ? !isSpecial(byte) || byte >= 0x80 : !isSpecial(byte) && byte !== DELETE) {
      bytes[--to] = byte;
      continue;
    }
    const short = raw ? shortForm(byte) : 0;
    if (short !== 0) {
      bytes[--to] = short;
      bytes[--to] = BACKSLASH;
      continue;
    }
    bytes[--to] = HEX.charCodeAt(byte & 15);
    bytes[--to] = HEX.charCodeAt(byte >> 4);
    bytes[--to] = 48;
    bytes[--to] = 48;
    bytes[--to] = 117;
    bytes[--to] = BACKSLASH;
  }
  return newEnd;
}

/** The letter after the backslash, 0 if the character has no short form. */
function shortForm(byte: number): number {
  switch (byte) {
    case 8: return 98;
    case 9: return 116;
    case 10: return 110;
    case 12: return 102;
    case 13: return 114;
    case QUOTE: return QUOTE;
    case BACKSLASH: return BACKSLASH;
    default: return 0;
  }
}

/** Whether a range is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let p = start;
  while (p < end) {
    const lead = bytes[p++];
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (p + more > end) return false;
    const second = bytes[p];
    if (second < (lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80)) return false;
    if (second > (lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf)) return false;
    for (let i = 1; i < more; i++) if ((bytes[p + i] & 0xc0) !== 0x80) return false;
    p += more;
  }
  return true;
}
