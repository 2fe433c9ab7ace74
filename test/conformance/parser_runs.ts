import { TurnBuffer } from '../../core/buffer/turn_buffer.ts';
import { ENTRY_WORDS, HeaderMap } from '../../core/headers/header_map.ts';
import { HeaderNames } from '../../core/headers/header_names.ts';
import { ChunkedDecoder, ChunkStatus } from '../../core/http/http1/chunked_decoder.ts';
import { ParseStatus } from '../../core/http/http1/header_lines.ts';
import { RequestParser } from '../../core/http/http1/request_parser.ts';
import { ResponseParser } from '../../core/http/http1/response_parser.ts';
import { printable } from './case_file.ts';

const SLAB = 1 << 20;
const NAMES = new HeaderNames();
const MEMORY = new ArrayBuffer(SLAB);
const BYTES = new Uint8Array(MEMORY);

/** Bytes that reach a reader in pieces. What it leaves comes again with the next piece, at another offset. */
class Pieces {
  private readonly pieces: readonly Uint8Array[];
  private index = 0;
  private held: Uint8Array = new Uint8Array(0);
  private at = 1024;
  offset = 0;
  end = 0;
  /** Bytes consumed before `offset`. */
  consumed = 0;

  constructor(pieces: readonly Uint8Array[]) {
    this.pieces = pieces;
  }

  /** Puts what is held and the next piece into the slab; false when there is no more. */
  next(): boolean {
    if (this.index >= this.pieces.length) return false;
    const piece = this.pieces[this.index++];
    this.at = this.at > SLAB >> 1 ? 1024 + (this.at & 3) : this.at + 13;
    this.offset = this.at;
    this.end = this.at + this.held.length + piece.length;
    // What an earlier turn left behind must not matter.
    BYTES.fill(0x0a, this.end, this.end + 8);
    BYTES.set(this.held, this.at);
    BYTES.set(piece, this.at + this.held.length);
    return true;
  }

  /** The reader is done with the bytes before `p`. */
  keepFrom(p: number): void {
    this.held = BYTES.slice(p, this.end);
    this.consumed += p - this.offset;
    // Ranges of this turn die with it.
    BYTES.fill(0xa5, this.offset, this.end + 8);
  }
}

function statusName(status: number): string {
  return Object.entries(ParseStatus).find(([, value]) => value === status)?.[0] ?? String(status);
}

function range(base: number, offset: number, length: number): string {
  return `${offset - base}..${offset - base + length}`;
}

function text(offset: number, length: number): string {
  return printable(Buffer.from(BYTES.subarray(offset, offset + length)).toString('latin1'));
}

function headerEvents(map: HeaderMap, base: number): string {
  let events = '';
  for (let k = 0; k < map.count * ENTRY_WORDS; k += ENTRY_WORDS) {
    const [line, end, nameLength, valueOffset, valueLength, id] = map.entries.subarray(k, k + ENTRY_WORDS);
    const name = text(line, nameLength);
    if (id !== 0 && map.names.text(id) !== name) throw new Error(`id ${id} is not ${name}`);
    events += `header ${range(base, line, end - line)} "${name}" ${range(base, valueOffset, valueLength)} "${text(valueOffset, valueLength)}"\n`;
  }
  return events;
}

function newMap(): HeaderMap {
  return new HeaderMap(NAMES, new TurnBuffer(BYTES, SLAB - 65536, 65536 - 16, 0, 0));
}

/** Used again and again as on a worker: the parser tries the names of the message before first, whatever that was. */
const requestMap = newMap();
const responseMap = newMap();

/** Events of a request head. */
export function runRequest(pieces: readonly Uint8Array[], maxHeaders: number): string {
  const parser = new RequestParser(BYTES);
  const map = requestMap;
  const input = new Pieces(pieces);
  while (input.next()) {
    const p = parser.parse(map, input.offset, input.end, maxHeaders);
    if (p === ParseStatus.incomplete) {
      input.keepFrom(input.offset);
      continue;
    }
    if (p < 0) return `error ${statusName(p)}\n`;
    const base = input.offset;
    return (
      `method ${range(base, map.methodOffset, map.methodLength)} "${text(map.methodOffset, map.methodLength)}"\n` +
      `target ${range(base, map.pathOffset, map.pathLength)} "${text(map.pathOffset, map.pathLength)}"\n` +
      `version 1.${parser.minorVersion}\n${headerEvents(map, base)}head ${p - base} ${parser.headLength}\n`
    );
  }
  return 'incomplete\n';
}

/** Events of a response head. */
export function runResponse(pieces: readonly Uint8Array[], maxHeaders: number): string {
  const parser = new ResponseParser(BYTES);
  const map = responseMap;
  const input = new Pieces(pieces);
  while (input.next()) {
    const p = parser.parse(map, input.offset, input.end, maxHeaders);
    if (p === ParseStatus.incomplete) {
      input.keepFrom(input.offset);
      continue;
    }
    if (p < 0) return `error ${statusName(p)}\n`;
    const base = input.offset;
    return `status ${map.status}\nversion 1.${parser.minorVersion}\n${headerEvents(map, base)}head ${p - base} ${parser.headLength}\n`;
  }
  return 'incomplete\n';
}

/** Events of a chunked body; `end` says how many bytes it took. */
export function runChunked(pieces: readonly Uint8Array[]): string {
  const decoder = new ChunkedDecoder();
  const map = newMap();
  const input = new Pieces(pieces);
  let body = '';
  const bodyEvent = () => (body === '' ? '' : `data ${body.length} "${printable(body)}"\n`);
  while (input.next()) {
    let p = input.offset;
    read: for (;;) {
      const status = decoder.next(BYTES, p, input.end, map);
      if (decoder.position < p || decoder.position > input.end) throw new Error('position outside the input');
      p = decoder.position;
      switch (status) {
        case ChunkStatus.data:
          if (decoder.dataOffset < input.offset || decoder.dataOffset + decoder.dataLength > input.end) throw new Error('data outside the input');
          body += Buffer.from(BYTES.subarray(decoder.dataOffset, decoder.dataOffset + decoder.dataLength)).toString('latin1');
          break;
        case ChunkStatus.end: {
          let trailers = '';
          map.forEach((name, value) => (trailers += `trailer "${printable(name)}" "${printable(value)}"\n`));
          return `${bodyEvent()}${trailers}end ${input.consumed + p - input.offset}\n`;
        }
        case ChunkStatus.error:
          return `${bodyEvent()}error\n`;
        default:
          break read;
      }
    }
    input.keepFrom(p);
  }
  return `${bodyEvent()}incomplete\n`;
}
