/**
 * Chooses a virtual host by the request's host: exact, else the longest `*suffix`, else the longest `prefix*`, else `*`.
 * Host and domains are compared in lower case; a wildcard stands for at least one character. No allocation.
 */

/** Domains of one kind and, for wildcards, one length: open addressing over a byte hash. */
class DomainTable<T> {
  private readonly mask: number;
  private readonly keys: (Uint8Array | null)[];
  private readonly values: (T | null)[];

  constructor(domains: ReadonlyMap<string, T>) {
    let size = 8;
    while (size < domains.size * 2) size *= 2;
    this.mask = size - 1;
    this.keys = new Array<Uint8Array | null>(size).fill(null);
    this.values = new Array<T | null>(size).fill(null);
    for (const [domain, value] of domains) {
      const key = new Uint8Array(Buffer.from(domain));
      let slot = hashLower(key, 0, key.length) & this.mask;
      while (this.keys[slot] !== null) slot = (slot + 1) & this.mask;
      this.keys[slot] = key;
      this.values[slot] = value;
    }
  }

  find(bytes: Uint8Array, offset: number, length: number): T | null {
    const keys = this.keys;
    let slot = hashLower(bytes, offset, length) & this.mask;
    for (;;) {
      const key = keys[slot];
      if (key === null) return null;
      if (key.length === length && equalsLower(bytes, offset, key)) return this.values[slot];
      slot = (slot + 1) & this.mask;
    }
  }
}

/** Wildcard domains of one length, without their star. */
class WildcardTable<T> {
  readonly length: number;
  readonly table: DomainTable<T>;

  constructor(length: number, domains: ReadonlyMap<string, T>) {
    this.length = length;
    this.table = new DomainTable(domains);
  }
}

/** Compiled domains of a route configuration. `T` is what a domain stands for. */
export class VirtualHostMatcher<T> {
  private readonly exact: DomainTable<T> | null;
  /** Longest first. */
  private readonly suffixes: readonly WildcardTable<T>[];
  private readonly prefixes: readonly WildcardTable<T>[];
  private readonly fallback: T | null;
  private readonly onlyFallback: boolean;
  private readonly ignorePort: boolean;

  /** Domains as written; duplicates were refused where the configuration was read (the first one wins here). */
  constructor(domains: readonly (readonly [domain: string, value: T])[], ignorePort: boolean) {
    const exact = new Map<string, T>();
    const suffixes = new Map<string, T>();
    const prefixes = new Map<string, T>();
    let fallback: T | null = null;
    for (const [written, value] of domains) {
      const domain = written.toLowerCase();
      if (domain === '*') fallback ??= value;
      else if (domain.startsWith('*')) putFirst(suffixes, domain.slice(1), value);
      else if (domain.endsWith('*')) putFirst(prefixes, domain.slice(0, -1), value);
      else putFirst(exact, domain, value);
    }
    this.exact = exact.size === 0 ? null : new DomainTable(exact);
    this.suffixes = byLength(suffixes);
    this.prefixes = byLength(prefixes);
    this.fallback = fallback;
    this.onlyFallback = exact.size + suffixes.size + prefixes.size === 0;
    this.ignorePort = ignorePort;
  }

  /** What stands for a host given as a range of bytes (length -1: there is none), or null. */
  find(bytes: Uint8Array, offset: number, length: number): T | null {
    if (this.onlyFallback) return this.fallback;
    if (length < 0) return null;
    const n = this.ignorePort ? lengthWithoutPort(bytes, offset, length) : length;
    if (this.exact !== null) {
      const found = this.exact.find(bytes, offset, n);
      if (found !== null) return found;
    }
    const suffixes = this.suffixes;
    for (let i = 0; i < suffixes.length; i++) {
      const wildcard = suffixes[i];
      if (wildcard.length >= n) continue;
      const found = wildcard.table.find(bytes, offset + n - wildcard.length, wildcard.length);
      if (found !== null) return found;
    }
    const prefixes = this.prefixes;
    for (let i = 0; i < prefixes.length; i++) {
      const wildcard = prefixes[i];
      if (wildcard.length >= n) continue;
      const found = wildcard.table.find(bytes, offset, wildcard.length);
      if (found !== null) return found;
    }
    return this.fallback;
  }
}

/** Length of a host without `:port`; the port must be all digits, and IPv6 addresses bracketed. */
export function lengthWithoutPort(bytes: Uint8Array, offset: number, length: number): number {
  let p = offset + length;
  while (p > offset && bytes[p - 1] >= 48 && bytes[p - 1] <= 57) p--;
  if (p === offset + length || p === offset || bytes[p - 1] !== COLON) return length;
  const host = p - 1 - offset;
  // An unbracketed IPv6 address has colons of its own.
  if (bytes[offset] === OPEN_BRACKET) return host > 0 && bytes[offset + host - 1] === CLOSE_BRACKET ? host : length;
  for (let i = offset; i < offset + host; i++) if (bytes[i] === COLON) return length;
  return host;
}

const COLON = 58;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;

function putFirst<T>(map: Map<string, T>, key: string, value: T): void {
  if (!map.has(key)) map.set(key, value);
}

function byLength<T>(domains: ReadonlyMap<string, T>): WildcardTable<T>[] {
  const lengths = new Map<number, Map<string, T>>();
  for (const [domain, value] of domains) {
    const length = Buffer.byteLength(domain);
    const same = lengths.get(length) ?? new Map<string, T>();
    same.set(domain, value);
    lengths.set(length, same);
  }
  return [...lengths].sort((a, b) => b[0] - a[0]).map(([length, same]) => new WildcardTable(length, same));
}

/** FNV-1a over the lower-cased bytes. Domains come from the configuration, so collisions cannot be provoked by a peer. */
function hashLower(bytes: Uint8Array, offset: number, length: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = offset, end = offset + length; i < end; i++) {
    const byte = bytes[i];
    hash = Math.imul(hash ^ (byte >= 65 && byte <= 90 ? byte + 32 : byte), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}

function equalsLower(bytes: Uint8Array, offset: number, key: Uint8Array): boolean {
  for (let i = 0; i < key.length; i++) {
    const byte = bytes[offset + i];
    if ((byte >= 65 && byte <= 90 ? byte + 32 : byte) !== key[i]) return false;
  }
  return true;
}
