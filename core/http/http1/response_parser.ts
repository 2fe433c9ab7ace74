import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderSpelling, type PreserveCaseConfig, reasonOf } from '../../headers/header_spelling.ts';
import { hasLineFeed, LONG_LINE, ParseStatus, parseHeaderLines, shiftParsed } from './header_lines.ts';

const Phase = { startLine: 0, headers: 1 } as const;

/**
 * Parses the head of one response (RFC 9112 §4) into a HeaderMap, across reads like RequestParser. One per upstream connection.
 */
export class ResponseParser {
  private readonly slab: Uint8Array;
  private readonly cursor: Int32Array;
  /** Spelling of names is kept; null = not. */
  private readonly preserveCase: PreserveCaseConfig | null;
  private phase: number;
  private headStart: number;
  private lineStart: number;
  private seenEnd: number;
  minorVersion: number;
  /** Bytes of the head; set when complete. */
  headLength: number;

  /** `cursor` is scratch that all parsers of a thread may share. */
  constructor(slab: Uint8Array, cursor: Int32Array = new Int32Array(1), preserveCase: PreserveCaseConfig | null = null) {
    this.preserveCase = preserveCase;
    this.slab = slab;
    this.cursor = cursor;
    this.phase = Phase.startLine;
    this.headStart = 0;
    this.lineStart = 0;
    this.seenEnd = 0;
    this.minorVersion = 1;
    this.headLength = 0;
  }

  reset(): void {
    this.phase = Phase.startLine;
    this.seenEnd = 0;
  }

  /** Whether part of a head was seen. */
  get isInHead(): boolean {
    return this.seenEnd !== 0;
  }

  /** As RequestParser.parse; sets `map.status`. */
  parse(map: HeaderMap, offset: number, end: number, maxHeaders: number): number {
    const slab = this.slab;
    slab[end] = 0;
    let p: number;
    if (this.seenEnd === 0) {
      p = offset;
      this.headStart = offset;
      this.lineStart = p;
      map.clear();
      if (this.preserveCase !== null) map.spelling = new HeaderSpelling(this.preserveCase);
    } else {
      const delta = offset - this.headStart;
      if (delta !== 0) {
        if (this.phase === Phase.headers) shiftParsed(map, delta);
        this.headStart = offset;
        this.lineStart += delta;
        this.seenEnd += delta;
      }
      p = this.lineStart;
      if (this.seenEnd - p > LONG_LINE && !hasLineFeed(slab, this.seenEnd - 1, end)) {
        this.seenEnd = end;
        return ParseStatus.incomplete;
      }
    }
    if (this.phase === Phase.startLine) {
      p = this.parseStatusLine(map, p, end);
      if (p < 0) {
        this.seenEnd = p === ParseStatus.incomplete ? end : 0;
        return p;
      }
      this.phase = Phase.headers;
      map.startLineEnd = p;
      if (map.spelling !== null && this.preserveCase?.forwardsReason === true) map.spelling.reason = reasonOf(slab, map.startLineOffset, p);
    }
    if (map.spelling !== null) map.spelling.note(slab, p, end);
    p = parseHeaderLines(map, slab, p, end, maxHeaders, this.cursor);
    if (p === ParseStatus.incomplete) {
      this.lineStart = this.cursor[0];
      this.seenEnd = end;
    } else if (p > 0) {
      this.headLength = p - this.headStart;
      this.reset();
    }
    return p;
  }

  /** HTTP-version SP status-code SP [reason] CRLF; the second space may be missing with the reason, as peers in the field do. */
  private parseStatusLine(map: HeaderMap, from: number, end: number): number {
    const slab = this.slab;
    if (end - from < 13) return isPrefixOfStatusLine(slab, from, end) ? ParseStatus.incomplete : ParseStatus.badStartLine;
    if (slab[from] !== 72 || slab[from + 1] !== 84 || slab[from + 2] !== 84 || slab[from + 3] !== 80 || slab[from + 4] !== 47) return ParseStatus.badStartLine;
    const minor = slab[from + 7] - 48;
    if (slab[from + 5] !== 49 || slab[from + 6] !== 46 || minor < 0 || minor > 1 || slab[from + 8] !== 32) return ParseStatus.badStartLine;
    const hundreds = slab[from + 9] - 48;
    const tens = slab[from + 10] - 48;
    const ones = slab[from + 11] - 48;
    if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return ParseStatus.badStartLine;
    let p = from + 12;
    let c = slab[p];
    if (c !== 32 && c !== 13) return ParseStatus.badStartLine;
    while ((c >= 32 && c !== 127) || c === 9) c = slab[++p];
    if (c !== 13 || slab[p + 1] !== 10) {
      return p >= end || (c === 13 && p + 1 >= end) ? ParseStatus.incomplete : ParseStatus.badStartLine;
    }
    if (p + 2 > end) return ParseStatus.incomplete;
    this.minorVersion = minor;
    map.status = hundreds * 100 + tens * 10 + ones;
    map.startLineOffset = from;
    return p + 2;
  }
}

const STATUS_PREFIX = 'HTTP/1.';

function isPrefixOfStatusLine(slab: Uint8Array, at: number, end: number): boolean {
  for (let i = 0; i < 7 && at + i < end; i++) if (slab[at + i] !== STATUS_PREFIX.charCodeAt(i)) return false;
  return true;
}
