import type { HeaderMap } from '../../headers/header_map.ts';
import { ParseStatus, parseHeaderLines } from './header_lines.ts';

/** What `next` found. */
export const ChunkStatus = {
  /** All bytes consumed, the body goes on. */
  needMore: 0,
  /** `dataOffset`/`dataLength` are body bytes; call `next` again from `position`. */
  data: 1,
  /** The body is complete, trailers (if any) are in the map given; the rest begins at `position`. */
  end: 2,
  /** Malformed: see RFC 9112 §7.1. */
  error: 3,
  /** The trailer section is incomplete: keep the bytes from `position` and call again with them and more. */
  needMoreTrailers: 4,
} as const;

const State = { size: 0, sizeRest: 1, extension: 2, sizeLf: 3, data: 4, dataCr: 5, dataLf: 6, trailers: 7, done: 8 } as const;

/** 13 hex digits: below 2^53. */
const MAX_SIZE_DIGITS = 13;
/** Bytes of one chunk's extensions; nobody uses them, attackers do. */
const MAX_EXTENSION_BYTES = 4096;
/** Bytes and count of a trailer section. */
const MAX_TRAILER_BYTES = 16384;
const MAX_TRAILERS = 100;

/**
 * Decodes chunked transfer coding (RFC 9112 §7.1) strictly: every line ends in CRLF, sizes are plain hex. Pull style: `next`
 * is called until it says needMore, end or error. One per connection and direction; `reset` for each message.
 *
 *   size -> [extension] -> LF -> data -> CR -> LF -> size … 0 -> LF -> trailers -> done
 */
export class ChunkedDecoder {
  private state: number;
  private digits: number;
  private extensionBytes: number;
  private left: number;
  private readonly cursor: Int32Array;
  /** Where the bytes not yet looked at begin. */
  position: number;
  dataOffset: number;
  dataLength: number;

  constructor() {
    this.state = State.size;
    this.digits = 0;
    this.extensionBytes = 0;
    this.left = 0;
    this.cursor = new Int32Array(1);
    this.position = 0;
    this.dataOffset = 0;
    this.dataLength = 0;
  }

  reset(): void {
    this.state = State.size;
    this.digits = 0;
    this.extensionBytes = 0;
    this.left = 0;
  }

  /** Body bytes still missing of the current chunk. */
  get chunkBytesLeft(): number {
    return this.state === State.data ? this.left : 0;
  }

  /** Goes on at `from`; `slab[end]` may be overwritten with a sentinel. Trailers go into `trailers` (cleared by the caller at the message's start). */
  next(slab: Uint8Array, from: number, end: number, trailers: HeaderMap): number {
    let p = from;
    while (p < end) {
      switch (this.state) {
        case State.data: {
          const n = end - p < this.left ? end - p : this.left;
          this.dataOffset = p;
          this.dataLength = n;
          this.left -= n;
          if (this.left === 0) this.state = State.dataCr;
          this.position = p + n;
          return ChunkStatus.data;
        }
        case State.trailers:
          return this.parseTrailers(slab, p, end, trailers);
        default:
          if (!this.step(slab[p])) return this.fail(p);
          p++;
      }
    }
    this.position = p;
    return this.state === State.trailers ? ChunkStatus.needMoreTrailers : ChunkStatus.needMore;
  }

  /** One byte of framing; false = malformed. */
  private step(byte: number): boolean {
    switch (this.state) {
      case State.size:
      case State.sizeRest: {
        const digit = hexValue(byte);
        if (digit >= 0) {
          if (++this.digits > MAX_SIZE_DIGITS) return false;
          this.left = this.left * 16 + digit;
          this.state = State.sizeRest;
          return true;
        }
        if (this.state === State.size) return false;
        if (byte === 13) this.state = State.sizeLf;
        else if (byte === 59) this.state = State.extension;
        else return false;
        return true;
      }
      case State.extension:
        if (byte === 13) this.state = State.sizeLf;
        else if ((byte < 32 && byte !== 9) || byte === 127 || ++this.extensionBytes > MAX_EXTENSION_BYTES) return false;
        return true;
      case State.sizeLf:
        if (byte !== 10) return false;
        this.digits = 0;
        this.extensionBytes = 0;
        this.state = this.left === 0 ? State.trailers : State.data;
        return true;
      case State.dataCr:
        this.state = State.dataLf;
        return byte === 13;
      case State.dataLf:
        this.state = State.size;
        return byte === 10;
      default:
        return false;
    }
  }

  private parseTrailers(slab: Uint8Array, from: number, end: number, trailers: HeaderMap): number {
    // The usual case: no trailers, the empty line at once.
    if (slab[from] === 13 && from + 1 < end && slab[from + 1] === 10) {
      this.state = State.done;
      this.position = from + 2;
      return ChunkStatus.end;
    }
    slab[end] = 0;
    trailers.clear();
    const p = parseHeaderLines(trailers, slab, from, end, MAX_TRAILERS, this.cursor);
    if (p === ParseStatus.incomplete) {
      this.position = from;
      return end - from > MAX_TRAILER_BYTES ? this.fail(from) : ChunkStatus.needMoreTrailers;
    }
    if (p < 0) return this.fail(from);
    this.state = State.done;
    this.position = p;
    return ChunkStatus.end;
  }

  private fail(at: number): number {
    this.position = at;
    return ChunkStatus.error;
  }
}

function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const low = byte | 32;
  return low >= 97 && low <= 102 ? low - 87 : -1;
}
