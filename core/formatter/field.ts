import type { FormatContext } from './format_context.ts';

/** A field's `write` returns this when it has no value. */
export const MISSING = -1;

/** How a field that stands alone appears in a JSON format. */
export const JsonKind = {
  /** A JSON string; the bytes may need escaping. */
  string: 0,
  /** A JSON string whose bytes never need escaping (no scan). */
  cleanString: 1,
  /** A JSON number. */
  number: 2,
  /** Any JSON value: `writeJson` writes it whole. */
  value: 3,
} as const;
export type JsonKind = (typeof JsonKind)[keyof typeof JsonKind];

/**
 * One operator of a compiled format. Instances are per thread and hold no per-stream state.
 *
 * `write` puts the value's bytes at `at` and returns the offset after them, or `MISSING`. When the value does not fit, it
 * returns an offset beyond `bytes.length` (what it wrote is then void): the caller enlarges its memory and formats again.
 */
export interface Field {
  readonly jsonKind: JsonKind;
  /** Reads request headers; response headers or trailers. */
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
  write(bytes: Uint8Array, at: number, context: FormatContext): number;
  /** For `JsonKind.value` only: the value as JSON; missing is `MISSING`. */
  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number;
}

/** From this length on a native copy (28 ns flat) is cheaper than a loop (0.9 ns per byte). */
const NATIVE_COPY_BYTES = 28;
/** From this length on a native string write (20 ns flat, when the string is flat) is cheaper than a loop (1.8 ns per character). */
const NATIVE_TEXT_LENGTH = 12;

// Looked up once: the global `Buffer` is an accessor, which costs more than the copy itself.
const { copy: nativeCopy, utf8Write: nativeUtf8Write, latin1Write: nativeLatin1Write } = Buffer.prototype;

/** Copies a range; stand-alone so that the compiler can inline it into each writer. */
export function copyBytes(bytes: Uint8Array, at: number, source: Uint8Array, offset: number, length: number): number {
  const end = at + length;
  if (end > bytes.length) return end;
  if (length > NATIVE_COPY_BYTES) {
    nativeCopy.call(source, bytes, at, offset, offset + length);
    return end;
  }
  for (let i = 0; i < length; i++) bytes[at + i] = source[offset + i];
  return end;
}

/** From this length on a native copy is cheaper than words. */
const NATIVE_WORDS_BYTES = 128;

/**
 * Copies a range eight bytes at a time, a third of what a loop over bytes costs. Up to seven bytes behind the range are
 * overwritten too, which is why there must be room for them; without it this is `copyBytes`. The views show all of their bytes.
 */
export function copyWords(bytes: Uint8Array, view: DataView, at: number, source: Uint8Array, sourceView: DataView, offset: number, length: number): number {
  const end = at + length;
  if (length > NATIVE_WORDS_BYTES || end + 8 > bytes.length || offset + length + 8 > source.length) return copyBytes(bytes, at, source, offset, length);
  for (let i = 0; i < length; i += 8) view.setBigUint64(at + i, sourceView.getBigUint64(offset + i, true), true);
  return end;
}

/** Writes a string as UTF-8. */
export function writeText(bytes: Uint8Array, at: number, text: string): number {
  const length = text.length;
  if (at + length * 3 > bytes.length) return Math.max(bytes.length + 1, at + length * 3);
  if (length < NATIVE_TEXT_LENGTH) {
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return at + nativeUtf8Write.call(bytes, text, at);
      bytes[at + i] = code;
    }
    return at + length;
  }
  return at + nativeUtf8Write.call(bytes, text, at);
}

/** Writes a string that is known to be ASCII: cheaper than `writeText`. */
export function writeAscii(bytes: Uint8Array, at: number, text: string): number {
  const length = text.length;
  const end = at + length;
  if (end > bytes.length) return end;
  if (length < NATIVE_TEXT_LENGTH) for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
  else nativeLatin1Write.call(bytes, text, at, length);
  return end;
}

/** Writes an integer in decimal; negative ones with a minus sign. Values are at most 2^53 in size. */
export function writeInteger(bytes: Uint8Array, at: number, value: number): number {
  let p = at;
  let rest = value;
  if (rest < 0) {
    bytes[p++] = 45;
    rest = -rest;
  }
  if (rest < 10) {
    bytes[p] = 48 + rest;
    return p + 1;
  }
  if (rest > 0x7fffffff) {
    const high = Math.floor(rest / 1e9);
    p = writeInteger(bytes, p, high);
    return writeDigits(bytes, p, rest - high * 1e9, 9);
  }
  const small = rest | 0;
  const digits =
    small < 100 ? 2 : small < 1000 ? 3 : small < 10000 ? 4 : small < 100000 ? 5 : small < 1000000 ? 6 : small < 10000000 ? 7 : small < 100000000 ? 8 : small < 1000000000 ? 9 : 10;
  return writeDigits(bytes, p, small, digits);
}

/** Writes exactly `digits` digits of an int32, zero-padded. */
export function writeDigits(bytes: Uint8Array, at: number, value: number, digits: number): number {
  let small = value | 0;
  for (let p = at + digits - 1; p >= at; p--) {
    const q = (small / 10) | 0;
    bytes[p] = 48 + (small - q * 10);
    small = q;
  }
  return at + digits;
}
