import type { HeaderMap } from '../headers/header_map.ts';
import type { CookieMatcherConfig } from './matcher_config.ts';
import { StringMatcher } from './string_matcher.ts';

const SEMICOLON = 59;
const SPACE = 32;
const EQUALS = 61;
const QUOTE = 34;

/**
 * One compiled envoy.config.route.v3.CookieMatcher: looks at the first cookie of its name, without surrounding quotes. A missing
 * cookie matches only when inverted. No allocation, but for regexes.
 */
export class CookieMatcher {
  private readonly name: Uint8Array;
  private readonly matcher: StringMatcher;
  private readonly invert: boolean;
  private readonly cookieId: number;

  /** `cookieId` is the interned name `cookie`. */
  constructor(config: CookieMatcherConfig, cookieId: number) {
    this.name = new Uint8Array(Buffer.from(config.name));
    this.matcher = new StringMatcher(config.matcher);
    this.invert = config.invert;
    this.cookieId = cookieId;
  }

  matches(headers: HeaderMap): boolean {
    for (let k = headers.find(this.cookieId); k >= 0; k = headers.findNext(this.cookieId, k)) {
      const found = this.findIn(headers.bytes, headers.entries[k + 3], headers.entries[k + 4]);
      if (found >= 0) return (found === 1) !== this.invert;
    }
    return this.invert;
  }

  /** Whether the cookie is in one header's range and matches: 1, 0, or -1 when it is not there. */
  private findIn(bytes: Uint8Array, offset: number, length: number): number {
    const end = offset + length;
    let p = offset;
    while (p < end) {
      while (p < end && bytes[p] === SPACE) p++;
      let equals = -1;
      let stop = p;
      for (; stop < end && bytes[stop] !== SEMICOLON; stop++) if (equals < 0 && bytes[stop] === EQUALS) equals = stop;
      if (equals >= 0 && this.isName(bytes, p, equals - p)) return this.matchesValue(bytes, equals + 1, stop) ? 1 : 0;
      p = stop + 1;
    }
    return -1;
  }

  private matchesValue(bytes: Uint8Array, from: number, to: number): boolean {
    const isQuoted = to - from >= 2 && bytes[from] === QUOTE && bytes[to - 1] === QUOTE;
    return isQuoted ? this.matcher.matchesRange(bytes, from + 1, to - from - 2) : this.matcher.matchesRange(bytes, from, to - from);
  }

  private isName(bytes: Uint8Array, offset: number, length: number): boolean {
    const name = this.name;
    if (name.length !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[offset + i] !== name[i]) return false;
    return true;
  }
}
