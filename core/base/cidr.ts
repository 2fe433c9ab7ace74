/** An IP range; IPv4 and IPv6 do not match each other. */
export class Cidr {
  private readonly bytes: readonly number[];
  private readonly prefix: number;

  private constructor(bytes: readonly number[], prefix: number) {
    this.bytes = bytes;
    this.prefix = prefix;
  }

  /** `a.b.c.d/n` or `x::y/n`; without `/n` one address. Throws on anything else. */
  static parse(text: string): Cidr {
    const slash = text.indexOf('/');
    const bytes = parseIp(slash < 0 ? text : text.slice(0, slash));
    if (bytes === null) throw new Error(`malformed IP address: ${text}`);
    const length = text.slice(slash + 1);
    const prefix = slash < 0 ? bytes.length * 8 : /^\d{1,3}$/.test(length) ? Number(length) : -1;
    if (prefix < 0 || prefix > bytes.length * 8) throw new Error(`malformed prefix length: ${text}`);
    return new Cidr(bytes, prefix);
  }

  contains(address: string): boolean {
    const other = parseIp(address);
    if (other === null || other.length !== this.bytes.length) return false;
    let bits = this.prefix;
    for (let i = 0; bits > 0; i++, bits -= 8) {
      const mask = bits >= 8 ? 255 : (255 << (8 - bits)) & 255;
      if ((other[i] & mask) !== (this.bytes[i] & mask)) return false;
    }
    return true;
  }
}

/** Bytes of a numeric address: 4 or 16; null when it is none. */
export function parseIp(text: string): number[] | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  const bytes: number[] = [];
  for (const part of parts) {
    // A leading zero is octal to some: refused, as inet_pton does.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    bytes.push(Number(part));
  }
  return bytes;
}

function parseIpv6(text: string): number[] | null {
  const halves = text.split('%')[0].split('::');
  // A dotted end is the end of the address, not of the part before '::' (RFC 4291 §2.2).
  if (halves.length > 2 || (halves.length === 2 && halves[0].includes('.'))) return null;
  const head = parseGroups(halves[0]);
  const tail = halves.length === 2 ? parseGroups(halves[1]) : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function parseGroups(text: string): number[] | null {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i];
    if (group.includes('.') && i === groups.length - 1) {
      const v4 = parseIpv4(group);
      if (v4 === null) return null;
      bytes.push(...v4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
    }
  }
  return bytes;
}

/** An address in its usual form (RFC 5952 §4); null when the text is none, or has a zone. */
export function canonicalIp(text: string): string | null {
  if (!text.includes(':')) return parseIpv4(text) === null ? null : text;
  const bytes = text.includes('%') ? null : parseIpv6(text);
  return bytes === null ? null : formatIpv6(bytes);
}

function formatIpv6(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1]);
  // IPv4-mapped addresses are shown with their IPv4 part.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return `::ffff:${bytes.slice(12).join('.')}`;
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) {
      start = i;
      length = end - i;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  return start < 0 ? hex.join(':') : `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** `ip` with all but the first `v4Bits` or `v6Bits` bits cleared, as `address/bits`; '' when it is no address. */
export function maskedIp(ip: string, v4Bits: number, v6Bits: number): string {
  const bytes = parseIp(ip);
  if (bytes === null) return '';
  const bits = Math.min(bytes.length === 4 ? v4Bits : v6Bits, bytes.length * 8);
  const masked = bytes.map((byte, i) => {
    const kept = Math.max(0, Math.min(8, bits - i * 8));
    return byte & (255 << (8 - kept)) & 255;
  });
  return `${bytes.length === 4 ? masked.join('.') : formatIpv6(masked)}/${bits}`;
}

/** The address part of `ip:port` or `[v6]:port`; other text as it is. */
export function withoutPort(address: string): string {
  if (address.startsWith('[')) return address.slice(1, address.indexOf(']'));
  const colon = address.lastIndexOf(':');
  return colon < 0 || address.startsWith('/') ? address : address.slice(0, colon);
}
