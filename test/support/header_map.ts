import { TurnBuffer } from '../../core/buffer/turn_buffer.ts';
import { HeaderMap } from '../../core/headers/header_map.ts';
import { HeaderId, type HeaderNames } from '../../core/headers/header_names.ts';

/** A turn buffer of its own, big enough for tests. */
export function turnBuffer(): TurnBuffer {
  return new TurnBuffer(new Uint8Array(1 << 18), 0, 1 << 18, 0, 0);
}

/**
 * A header map from name-value pairs; `:method`, `:path`, `:scheme`, `:authority` and `:status` may be among them. Values are
 * Latin-1 texts.
 */
export function headerMap(names: HeaderNames, pairs: readonly (readonly [string, string])[], turn: TurnBuffer = turnBuffer()): HeaderMap {
  const headers = new HeaderMap(names, turn);
  for (const [name, value] of pairs) {
    if (name === ':method') headers.setMethod(value);
    else if (name === ':path') headers.setPath(value);
    else if (name === ':scheme') headers.isHttps = value === 'https';
    else if (name === ':status') headers.status = Number(value);
    else headers.add(name === ':authority' ? HeaderId.authority : names.intern(name), value);
  }
  return headers;
}

/** Live headers as pairs, pseudo-headers left out. */
export function headerPairs(headers: HeaderMap): [string, string][] {
  const pairs: [string, string][] = [];
  headers.forEach((name, value) => {
    pairs.push([name, value]);
  });
  return pairs;
}
