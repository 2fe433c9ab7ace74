import type { TurnBuffer } from '../../buffer/turn_buffer.ts';
import { ENTRY_WORDS, type HeaderMap } from '../../headers/header_map.ts';
import { capitalise, type HeaderSpelling } from '../../headers/header_spelling.ts';
import type { Connection } from '../../network/connection.ts';
import { REASON_PHRASES } from '../codes.ts';

/** Status codes that have a prepared status line. */
const MAX_STATUS = 1000;

/** Process-lifetime literals of HTTP/1 in a worker's slab: offsets and lengths. One per worker. */
export class Http1Literals {
  readonly turn: TurnBuffer;
  /** Scratch of the thread's parsers. */
  readonly cursor: Int32Array;
  readonly crlf: number;
  readonly lastChunk: number;
  readonly chunkedTail: number;
  readonly zeroLengthTail: number;
  readonly requestLineEnd: number;
  readonly continueResponse: number;
  /** Offset and length of `HTTP/1.1 200 OK CRLF` by status; 0 = none prepared. */
  private readonly statusOffsets: Int32Array;
  private readonly statusLengths: Int32Array;

  constructor(turn: TurnBuffer) {
    this.turn = turn;
    this.cursor = new Int32Array(1);
    this.crlf = turn.literal('\r\n');
    this.lastChunk = turn.literal(LAST_CHUNK);
    this.chunkedTail = turn.literal(CHUNKED_TAIL);
    this.zeroLengthTail = turn.literal(ZERO_LENGTH_TAIL);
    this.requestLineEnd = turn.literal(REQUEST_LINE_END);
    this.continueResponse = turn.literal(CONTINUE_RESPONSE);
    this.statusOffsets = new Int32Array(MAX_STATUS);
    this.statusLengths = new Int32Array(MAX_STATUS);
    for (const [status, reason] of REASON_PHRASES) {
      const line = `HTTP/1.1 ${status} ${reason}\r\n`;
      this.statusOffsets[status] = turn.literal(line);
      this.statusLengths[status] = line.length;
    }
  }

  /** Offset of the status line of a response; its length is in `lineLength`. Writes one for unprepared cases. */
  statusLine(status: number, isHttp10: boolean): number {
    if (!isHttp10 && status < MAX_STATUS && this.statusOffsets[status] !== 0) {
      this.lineLength = this.statusLengths[status];
      return this.statusOffsets[status];
    }
    const line = `HTTP/1.${isHttp10 ? 0 : 1} ${status} ${REASON_PHRASES.get(status) ?? 'Unknown'}\r\n`;
    this.lineLength = line.length;
    return this.turn.writeLatin1(line);
  }

  /** A status line with its own reason phrase, as `statusLine`. */
  statusLineWithReason(status: number, isHttp10: boolean, reason: string): number {
    const line = `HTTP/1.${isHttp10 ? 0 : 1} ${status} ${reason}\r\n`;
    this.lineLength = line.length;
    return this.turn.writeLatin1(line);
  }

  /** Length of what `statusLine` returned last. */
  lineLength = 0;
}

const LAST_CHUNK = '0\r\n\r\n';
const CHUNKED_TAIL = 'transfer-encoding: chunked\r\n\r\n';
const ZERO_LENGTH_TAIL = 'content-length: 0\r\n\r\n';
const REQUEST_LINE_END = ' HTTP/1.1\r\n';
const CONTINUE_RESPONSE = 'HTTP/1.1 100 Continue\r\n\r\n';
export const LAST_CHUNK_LENGTH = LAST_CHUNK.length;
export const REQUEST_LINE_END_LENGTH = REQUEST_LINE_END.length;
export const CONTINUE_RESPONSE_LENGTH = CONTINUE_RESPONSE.length;

/** How a head ends. */
export const HeadTail = { plain: 0, chunked: 1, zeroLength: 2 } as const;

/** Whether the start line of `headers` still stands as it arrived and equals `length` bytes at `offset`: then it is sent from where it lies. */
export function startLineEquals(headers: HeaderMap, slab: Uint8Array, offset: number, length: number): boolean {
  const at = headers.startLineOffset;
  if (at < 0 || headers.startLineEnd - at !== length) return false;
  for (let i = 9; i < length; i++) if (slab[at + i] !== slab[offset + i]) return false;
  return slab[at + 7] === slab[offset + 7];
}

/** Bytes of a trailer section that are not trailers: the last chunk's `0 CRLF` and the empty line. */
export const TRAILER_FRAME_LENGTH = 5;

/** Sends a piece of a body, as a chunk where the message is chunked; `isLast` ends it. Returns the bytes sent. */
export function sendBody(
  connection: Connection, literals: Http1Literals, bytes: Uint8Array, offset: number, length: number, isChunked: boolean, isLast: boolean,
): number {
  if (!isChunked) {
    if (length > 0) connection.sendBytes(bytes, offset, length);
    return length;
  }
  let sent = 0;
  if (length > 0) {
    const turn = literals.turn;
    const at = writeChunkSize(turn, length);
    const sizeLength = turn.position - at;
    connection.send(at, sizeLength);
    connection.sendBytes(bytes, offset, length);
    connection.send(literals.crlf, 2);
    sent = sizeLength + length + 2;
  }
  if (isLast) {
    connection.send(literals.lastChunk, LAST_CHUNK_LENGTH);
    sent += LAST_CHUNK_LENGTH;
  }
  return sent;
}

/** Ends a chunked message with trailers: `0 CRLF`, their lines, the empty line. Returns the bytes sent. */
export function sendTrailers(connection: Connection, literals: Http1Literals, trailers: HeaderMap, properCase: boolean): number {
  return sendHead(connection, literals, trailers, literals.lastChunk, literals.lastChunk + 3, HeadTail.plain, properCase);
}

/**
 * Sends a start line, the live header lines and the empty line. Lines that still lie as they arrived, one after another, go out
 * as one range. Returns the bytes sent. Cost: about 10 ns per changed line.
 */
export function sendHead(
  connection: Connection, literals: Http1Literals, headers: HeaderMap, startOffset: number, startEnd: number, tail: number, properCase: boolean,
): number {
  const turn = literals.turn;
  if (properCase || headers.spelling !== null || headers.bytes !== turn.slab) return sendCopiedHead(connection, literals, headers, startOffset, startEnd, tail, properCase);
  const entries = headers.entries;
  let start = startOffset;
  let end = startEnd;
  let total = 0;
  for (let k = 0, n = headers.count * ENTRY_WORDS; k < n; k += ENTRY_WORDS) {
    const line = entries[k];
    if (line < 0) continue;
    if (line !== end) {
      if (end > start) connection.send(start, end - start);
      total += end - start;
      start = line;
    }
    end = entries[k + 1];
  }
  if (tail === HeadTail.plain && end === turn.position && turn.remaining() >= 2) {
    const slab = turn.slab;
    slab[end] = 13;
    slab[end + 1] = 10;
    turn.position = end + 2;
    connection.send(start, end + 2 - start);
    return total + end + 2 - start;
  }
  connection.send(start, end - start);
  total += end - start;
  return total + sendTail(connection, literals, tail);
}

function sendTail(connection: Connection, literals: Http1Literals, tail: number): number {
  if (tail === HeadTail.plain) {
    connection.send(literals.crlf, 2);
    return 2;
  }
  if (tail === HeadTail.chunked) {
    connection.send(literals.chunkedTail, CHUNKED_TAIL.length);
    return CHUNKED_TAIL.length;
  }
  connection.send(literals.zeroLengthTail, ZERO_LENGTH_TAIL.length);
  return ZERO_LENGTH_TAIL.length;
}

/** The slow way: owned maps and proper-case names are copied line by line into the turn's area. */
function sendCopiedHead(
  connection: Connection, literals: Http1Literals, headers: HeaderMap, startOffset: number, startEnd: number, tail: number, properCase: boolean,
): number {
  const turn = literals.turn;
  connection.send(startOffset, startEnd - startOffset);
  let total = startEnd - startOffset;
  const { entries, bytes, spelling } = headers;
  for (let k = 0, n = headers.count * ENTRY_WORDS; k < n; k += ENTRY_WORDS) {
    const line = entries[k];
    if (line < 0) continue;
    const length = entries[k + 1] - line;
    const at = turn.reserve(length);
    const slab = turn.slab;
    for (let i = 0; i < length; i++) slab[at + i] = bytes[line + i];
    if (spelling !== null) spellName(spelling, headers.nameAt(k), slab, at);
    else if (properCase) capitalise(slab, at, entries[k + 2]);
    connection.send(at, length);
    total += length;
  }
  return total + (spelling === null && !properCase ? sendTail(connection, literals, tail) : sendSpelledTail(connection, turn, spelling, tail));
}

/** Writes a name at `at`, over its lower-case form: as the message spelled it, else as the formatter says. */
function spellName(spelling: HeaderSpelling, name: string, slab: Uint8Array, at: number): void {
  const text = spelling.spell(name);
  if (text !== undefined) for (let i = 0; i < text.length; i++) slab[at + i] = text.charCodeAt(i);
  else if (spelling.capitalisesOthers) capitalise(slab, at, name.length);
}

/** `sendTail` with the header it may add spelled like the others; without a spelling, with capitals. */
function sendSpelledTail(connection: Connection, turn: TurnBuffer, spelling: HeaderSpelling | null, tail: number): number {
  const text = tail === HeadTail.plain ? '\r\n' : tail === HeadTail.chunked ? CHUNKED_TAIL : ZERO_LENGTH_TAIL;
  const at = turn.writeLatin1(text);
  const colon = text.indexOf(':');
  if (colon > 0 && spelling !== null) spellName(spelling, text.slice(0, colon), turn.slab, at);
  else if (colon > 0) capitalise(turn.slab, at, colon);
  connection.send(at, text.length);
  return text.length;
}

/** Writes the size line of a chunk (`hex CRLF`) into the turn's area; returns its offset, ends at `turn.position`. */
export function writeChunkSize(turn: TurnBuffer, size: number): number {
  const at = turn.reserve(16);
  const slab = turn.slab;
  let digits = 1;
  for (let v = size; v > 15; v = Math.floor(v / 16)) digits++;
  let rest = size;
  for (let i = digits - 1; i >= 0; i--) {
    const digit = rest & 15;
    slab[at + i] = digit < 10 ? 48 + digit : 87 + digit;
    rest = Math.floor(rest / 16);
  }
  slab[at + digits] = 13;
  slab[at + digits + 1] = 10;
  turn.position = at + digits + 2;
  return at;
}
