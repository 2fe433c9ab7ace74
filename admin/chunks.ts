import type { BodyPieces } from './handler.ts';

/** Characters after which a chunk is sent. */
export const CHUNK_CHARS = 16384;
/** Pieces after which the main loop gets its turn even if there is little to send. */
export const PIECES_PER_CHUNK = 1000;

/** A piece longer than this is cut. */
const PIECE_CHARS_MAX = 4 * CHUNK_CHARS;

/**
 * Gathers pieces into chunks. Between two chunks at most PIECES_PER_CHUNK pieces are made; a chunk may be '' when many pieces
 * were empty. No chunk is longer than CHUNK_CHARS + PIECE_CHARS_MAX.
 */
export function* inChunks(pieces: BodyPieces): Generator<string, void, undefined> {
  let chunk = '';
  let count = 0;
  for (const piece of pieces) {
    count++;
    for (let start = 0; start < piece.length; start += PIECE_CHARS_MAX) {
      chunk += piece.length <= PIECE_CHARS_MAX ? piece : piece.slice(start, start + PIECE_CHARS_MAX);
      if (chunk.length < CHUNK_CHARS) continue;
      yield chunk;
      chunk = '';
      count = 0;
    }
    if (count < PIECES_PER_CHUNK) continue;
    yield chunk;
    chunk = '';
    count = 0;
  }
  if (chunk !== '') yield chunk;
}
