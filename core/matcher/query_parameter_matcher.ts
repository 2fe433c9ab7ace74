import type { QueryParameterMatcherConfig } from './matcher_config.ts';
import { StringMatcher } from './string_matcher.ts';

const QUESTION = 63;
const AMPERSAND = 38;
const EQUALS = 61;

/** One compiled envoy.config.route.v3.QueryParameterMatcher: looks at the first parameter of its name, undecoded. No allocation. */
export class QueryParameterMatcher {
  private readonly name: Uint8Array;
  private readonly matcher: StringMatcher | null;
  private readonly present: boolean;

  constructor(config: QueryParameterMatcherConfig) {
    this.name = new Uint8Array(Buffer.from(config.name));
    this.matcher = config.matcher === null ? null : new StringMatcher(config.matcher);
    this.present = config.present;
  }

  /** Whether the path in `bytes[offset, offset + length)`, query included, matches. */
  matches(bytes: Uint8Array, offset: number, length: number): boolean {
    const end = offset + length;
    let p = offset;
    while (p < end && bytes[p] !== QUESTION) p++;
    p++;
    while (p < end) {
      let equals = -1;
      let stop = p;
      for (; stop < end && bytes[stop] !== AMPERSAND; stop++) if (equals < 0 && bytes[stop] === EQUALS) equals = stop;
      const nameEnd = equals < 0 ? stop : equals;
      if (this.isName(bytes, p, nameEnd - p)) {
        if (this.matcher === null) return this.present;
        const valueAt = equals < 0 ? stop : equals + 1;
        return this.matcher.matchesRange(bytes, valueAt, stop - valueAt);
      }
      p = stop + 1;
    }
    return this.matcher === null && !this.present;
  }

  private isName(bytes: Uint8Array, offset: number, length: number): boolean {
    const name = this.name;
    if (name.length !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[offset + i] !== name[i]) return false;
    return true;
  }
}
