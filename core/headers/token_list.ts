const SPACE = 32;
const COMMA = 44;
const TAB = 9;

/** Whether a comma-separated list in a range contains a lower-case token, in any case. */
export function rangeHasToken(bytes: Uint8Array, offset: number, length: number, token: string): boolean {
  const end = offset + length;
  const n = token.length;
  let p = offset;
  while (p < end) {
    while (p < end && (bytes[p] === SPACE || bytes[p] === COMMA || bytes[p] === TAB)) p++;
    let i = 0;
    while (i < n && p + i < end && lower(bytes[p + i]) === token.charCodeAt(i)) i++;
    if (i === n) {
      let q = p + n;
      while (q < end && (bytes[q] === SPACE || bytes[q] === TAB)) q++;
      if (q === end || bytes[q] === COMMA) return true;
    }
    while (p < end && bytes[p] !== COMMA) p++;
  }
  return false;
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}
