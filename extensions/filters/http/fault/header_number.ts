import type { HeaderMap } from '../../../../core/headers/header_map.ts';

const MAX = 0xffffffff;

/**
 * The first header of a name as an unsigned integer (a leading '+' is allowed), or -1 when it is missing, not a number or beyond
 * 32 bits. Only the first one counts: the header is the client's.
 */
export function firstUnsigned(headers: HeaderMap, nameId: number): number {
  const k = headers.find(nameId);
  if (k < 0) return -1;
  const bytes = headers.bytes;
  let p = headers.entries[k + 3];
  const end = p + headers.entries[k + 4];
  if (p < end && bytes[p] === 43) p++;
  if (p === end) return -1;
  let value = 0;
  for (; p < end; p++) {
    const digit = bytes[p] - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > MAX) return -1;
  }
  return value;
}
