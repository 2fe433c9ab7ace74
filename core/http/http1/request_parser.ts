import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderSpelling, type PreserveCaseConfig } from '../../headers/header_spelling.ts';
import { hasLineFeed, LONG_LINE, ParseStatus, parseHeaderLines, shiftParsed, TOKEN_LOWER } from './header_lines.ts';

const Phase = { startLine: 0, headers: 1 } as const;

/**
 * Parses the head of one request (RFC 9112 §2-5) out of slab bytes into a HeaderMap, across as many reads as it takes.
 *
 * The bytes of an unfinished head are redelivered by the I/O layer with the next read, perhaps at another offset; what was
 * parsed is shifted, not parsed again. One per downstream connection, reused for each request.
 */
export class RequestParser {
  private readonly slab: Uint8Array;
  private readonly cursor: Int32Array;
  /** Spelling of names is kept; null = not. */
  private readonly preserveCase: PreserveCaseConfig | null;
  private phase: number;
  /** Offset at which the head began when it was last seen, and the start of its unfinished line. */
  private headStart: number;
  private lineStart: number;
  private seenEnd: number;
  /** Minor version: 0 or 1. */
  minorVersion: number;
  /** Bytes of the head, start line and empty line included; set when complete. */
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

  /** Forgets an unfinished head. */
  reset(): void {
    this.phase = Phase.startLine;
    this.lineStart = 0;
    this.seenEnd = 0;
  }

  /** Whether part of a head was seen. */
  get isInHead(): boolean {
    return this.seenEnd !== 0;
  }

  /**
   * Parses `offset .. end`; when `isInHead`, the range must begin at the same byte as last time. Returns the offset after the
   * head, or a ParseStatus; when incomplete nothing is consumed. Empty lines before the
   * request line are the caller's.
   */
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
      p = this.parseStartLine(map, p, end);
      if (p < 0) return this.finish(p, end);
      this.phase = Phase.headers;
      map.startLineEnd = p;
    }
    if (map.spelling !== null) map.spelling.note(slab, p, end);
    p = parseHeaderLines(map, slab, p, end, maxHeaders, this.cursor);
    if (p === ParseStatus.incomplete) {
      this.lineStart = this.cursor[0];
      return this.finish(p, end);
    }
    if (p > 0) {
      this.headLength = p - this.headStart;
      this.reset();
    }
    return p;
  }

  private finish(status: number, end: number): number {
    if (status === ParseStatus.incomplete) this.seenEnd = end;
    return status;
  }

  /** method SP request-target SP HTTP-version CRLF, single spaces (RFC 9112 §3). */
  private parseStartLine(map: HeaderMap, from: number, end: number): number {
    const slab = this.slab;
    let p = from;
    while (TOKEN_LOWER[slab[p]] !== 0) p++;
    if (slab[p] !== 32 || p === from) return p >= end ? ParseStatus.incomplete : ParseStatus.badStartLine;
    const methodEnd = p++;
    let c = slab[p];
    while (c > 32 && c < 127) c = slab[++p];
    if (c !== 32) return this.badTarget(c, p, end);
    if (p === methodEnd + 1) return ParseStatus.badStartLine;
    const version = p + 1;
    if (version + VERSION_LENGTH > end) return isVersion(slab, version, end) ? ParseStatus.incomplete : ParseStatus.badStartLine;
    if (!isVersion(slab, version, version + VERSION_LENGTH)) return ParseStatus.badStartLine;
    const minor = slab[version + 7] - 48;
    map.methodOffset = from;
    map.methodLength = methodEnd - from;
    if (slab[version + 5] !== 49 || minor > 1) return ParseStatus.badVersion;
    this.minorVersion = minor;
    map.pathOffset = methodEnd + 1;
    map.pathLength = p - methodEnd - 1;
    map.startLineOffset = from;
    return version + VERSION_LENGTH;
  }

  /** The byte `c` at `p` ends the target, and is no blank. */
  private badTarget(c: number, p: number, end: number): number {
    if (p >= end) return ParseStatus.incomplete;
    if (c === 13) {
      if (p + 1 >= end) return ParseStatus.incomplete;
      // A line without version: HTTP/0.9.
      return this.slab[p + 1] === 10 ? ParseStatus.badVersion : ParseStatus.badStartLine;
    }
    return c === 9 || c === 10 || c >= 128 ? ParseStatus.badStartLine : ParseStatus.badTarget;
  }
}

/** `#` stands for a digit. */
const VERSION = 'HTTP/#.#\r\n';
const VERSION_LENGTH = VERSION.length;

/** Whether `at .. end` is the form of a version with its line end, or the beginning of one. */
function isVersion(slab: Uint8Array, at: number, end: number): boolean {
  for (let i = 0, n = end - at; i < n; i++) {
    const byte = slab[at + i];
    if (i === 5 || i === 7) {
      if (byte < 48 || byte > 57) return false;
    } else if (byte !== VERSION.charCodeAt(i)) return false;
  }
  return true;
}
