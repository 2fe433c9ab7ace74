import type { HeaderMap } from '../../headers/header_map.ts';
import { ParseStatus, parseHeaderLines, shiftParsed, TOKEN_LOWER } from './header_lines.ts';

/** A line longer than this that is still unfinished is not parsed again until its end arrived (linear cost under a slow sender). */
const LONG_LINE = 1024;

const Phase = { startLine: 0, headers: 1 } as const;

/**
 * Parses the head of one request (RFC 9112 §2-5) out of slab bytes into a HeaderMap, across as many reads as it takes.
 *
 * The bytes of an unfinished head are redelivered by the I/O layer with the next read, perhaps at another offset; what was
 * parsed is shifted, not parsed again. One per downstream connection, reused for each request.
 */
export class RequestParser {
  private readonly slab: Uint8Array;
  private readonly words: Int32Array;
  private readonly cursor: Int32Array;
  private phase: number;
  /** Offset at which the head began when it was last seen, and the start of its unfinished line. */
  private headStart: number;
  private lineStart: number;
  private seenEnd: number;
  /** Minor version: 0 or 1. */
  minorVersion: number;
  /** Bytes of the head, start line and empty line included; set when complete. */
  headLength: number;

  constructor(slab: Uint8Array, words: Int32Array) {
    this.slab = slab;
    this.words = words;
    this.cursor = new Int32Array(1);
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
   * head, or a ParseStatus; when incomplete nothing is consumed (but see `skipped`).
   */
  parse(map: HeaderMap, offset: number, end: number, maxHeaders: number): number {
    const slab = this.slab;
    slab[end] = 0;
    let p: number;
    if (this.seenEnd === 0) {
      p = offset;
      // RFC 9112 §2.2: ignore empty lines before the request line.
      while (slab[p] === 13 && p + 2 <= end && slab[p + 1] === 10) p += 2;
      this.headStart = offset;
      this.lineStart = p;
      map.clear();
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
    p = parseHeaderLines(map, slab, this.words, p, end, maxHeaders, this.cursor);
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
    while (c > 32 && c !== 127) c = slab[++p];
    if (c !== 32) {
      if (p >= end) return ParseStatus.incomplete;
      return c === 13 || c === 10 ? ParseStatus.badVersion : ParseStatus.badTarget;
    }
    if (p === methodEnd + 1) return ParseStatus.badStartLine;
    const version = p + 1;
    // "HTTP/1.x" CRLF
    if (slab[version] !== 72 || slab[version + 1] !== 84 || slab[version + 2] !== 84 || slab[version + 3] !== 80 || slab[version + 4] !== 47) {
      return isPrefixOfVersion(slab, version, end) ? ParseStatus.incomplete : ParseStatus.badVersion;
    }
    if (version + 10 > end) return isPrefixOfVersion(slab, version, end) ? ParseStatus.incomplete : ParseStatus.badVersion;
    const minor = slab[version + 7] - 48;
    if (slab[version + 5] !== 49 || slab[version + 6] !== 46 || minor < 0 || minor > 1) return ParseStatus.badVersion;
    if (slab[version + 8] !== 13 || slab[version + 9] !== 10) return ParseStatus.badVersion;
    this.minorVersion = minor;
    map.methodOffset = from;
    map.methodLength = methodEnd - from;
    map.pathOffset = methodEnd + 1;
    map.pathLength = p - methodEnd - 1;
    map.startLineOffset = from;
    return version + 10;
  }
}

const VERSION_PREFIX = 'HTTP/1.';

/** Whether what stands at `at .. end` can still become `HTTP/1.x CRLF`. */
function isPrefixOfVersion(slab: Uint8Array, at: number, end: number): boolean {
  const n = end - at;
  if (n >= 10) return false;
  for (let i = 0; i < n && i < 7; i++) if (slab[at + i] !== VERSION_PREFIX.charCodeAt(i)) return false;
  if (n > 7 && slab[at + 7] !== 48 && slab[at + 7] !== 49) return false;
  return n <= 8 || slab[at + 8] === 13;
}

function hasLineFeed(slab: Uint8Array, from: number, end: number): boolean {
  for (let p = from; p < end; p++) if (slab[p] === 10) return true;
  return false;
}
