import type { TurnBuffer } from '../../buffer/turn_buffer.ts';
import { ENTRY_WORDS, type HeaderMap } from '../../headers/header_map.ts';

/**
 * Writes lines anew whose blanks are not those of `name: value`, so that they leave as every other proxy line does (an empty value
 * keeps its blank). The map must still lie in the slab. Rare: only called when some line is like that.
 */
export function settleBlanks(headers: HeaderMap, turn: TurnBuffer): void {
  const { entries, bytes } = headers;
  if (bytes !== turn.slab) return;
  for (let k = 0, end = headers.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) {
    const line = entries[k];
    const nameLength = entries[k + 2];
    const valueAt = entries[k + 3];
    const length = entries[k + 4];
    if (line < 0 || (valueAt === line + nameLength + 2 && entries[k + 1] === valueAt + length + 2)) continue;
    const at = turn.reserve(nameLength + length + 4);
    let p = at;
    for (let i = 0; i < nameLength; i++) bytes[p++] = bytes[line + i];
    bytes[p++] = 58;
    bytes[p++] = 32;
    entries[k + 3] = p;
    for (let i = 0; i < length; i++) bytes[p++] = bytes[valueAt + i];
    bytes[p++] = 13;
    bytes[p++] = 10;
    turn.position = p;
    entries[k] = at;
    entries[k + 1] = p;
  }
}
