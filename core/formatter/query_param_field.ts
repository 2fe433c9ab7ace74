import { type Field, JsonKind, MISSING } from './field.ts';
import type { FormatContext } from './format_context.ts';

const QUESTION = 63;
const AMPERSAND = 38;
const EQUALS = 61;
const PERCENT = 37;

/** %QUERY_PARAM(X)%: the first query parameter of that name, percent-decoded. A name without `=` has an empty value. */
export class QueryParamField implements Field {
  readonly jsonKind = JsonKind.string;
  readonly needsRequestHeaders = true;
  readonly needsResponseHeaders = false;
  private readonly name: Uint8Array;

  constructor(name: string) {
    this.name = Buffer.from(name);
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const headers = context.requestHeaders;
    if (headers === null || headers.pathLength === 0) return MISSING;
    const source = headers.bytes;
    const end = headers.pathOffset + headers.pathLength;
    let p = headers.pathOffset;
    while (p < end && source[p] !== QUESTION) p++;
    while (p < end) {
      p++;
      let stop = p;
      while (stop < end && source[stop] !== AMPERSAND) stop++;
      const value = this.valueAt(source, p, stop);
      if (value >= 0) return decodeTo(bytes, at, source, value, stop);
      p = stop;
    }
    return MISSING;
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }

  /** Where the value of the parameter at `p` begins when its decoded name is ours, else -1. */
  private valueAt(source: Uint8Array, p: number, stop: number): number {
    const name = this.name;
    let i = 0;
    while (p < stop && source[p] !== EQUALS) {
      const escaped = escapedByte(source, p, stop);
      if (i === name.length || name[i] !== (escaped < 0 ? source[p] : escaped)) return -1;
      i++;
      p += escaped < 0 ? 1 : 3;
    }
    if (i !== name.length) return -1;
    return p < stop ? p + 1 : p;
  }
}

function decodeTo(bytes: Uint8Array, at: number, source: Uint8Array, from: number, stop: number): number {
  let to = at;
  for (let p = from; p < stop; to++) {
    const escaped = escapedByte(source, p, stop);
    bytes[to] = escaped < 0 ? source[p] : escaped;
    p += escaped < 0 ? 1 : 3;
  }
  return to;
}

/** The byte of `%XX` at `p`, or -1. */
function escapedByte(source: Uint8Array, p: number, stop: number): number {
  if (source[p] !== PERCENT || p + 2 >= stop) return -1;
  const high = hexDigit(source[p + 1]);
  const low = hexDigit(source[p + 2]);
  return high < 0 || low < 0 ? -1 : (high << 4) | low;
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
