import { latin1 } from '../headers/byte_range.ts';
import type { QueryParameterMatcherConfig } from './matcher_config.ts';
import { StringMatcher } from './string_matcher.ts';

const QUESTION = 63;
const AMPERSAND = 38;
const EQUALS = 61;

/** Finds the first query parameter of a name in a path, undecoded. */
class QueryParameterFinder {
  private readonly name: Uint8Array;
  /** Range of the value that was found last. */
  valueOffset = 0;
  valueLength = 0;

  constructor(name: string) {
    this.name = new Uint8Array(Buffer.from(name));
  }

  /** Whether the parameter is in the path in `bytes[offset, offset + length)`. No allocation. */
  find(bytes: Uint8Array, offset: number, length: number): boolean {
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
        this.valueOffset = equals < 0 ? stop : equals + 1;
        this.valueLength = stop - this.valueOffset;
        return true;
      }
      p = stop + 1;
    }
    return false;
  }

  private isName(bytes: Uint8Array, offset: number, length: number): boolean {
    const name = this.name;
    if (name.length !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[offset + i] !== name[i]) return false;
    return true;
  }
}

/** One compiled envoy.config.route.v3.QueryParameterMatcher: looks at the first parameter of its name, undecoded. No allocation. */
export class QueryParameterMatcher {
  private readonly finder: QueryParameterFinder;
  private readonly matcher: StringMatcher | null;
  private readonly present: boolean;

  constructor(config: QueryParameterMatcherConfig) {
    this.finder = new QueryParameterFinder(config.name);
    this.matcher = config.matcher === null ? null : new StringMatcher(config.matcher);
    this.present = config.present;
  }

  /** Whether the path in `bytes[offset, offset + length)`, query included, matches. */
  matches(bytes: Uint8Array, offset: number, length: number): boolean {
    const finder = this.finder;
    if (!finder.find(bytes, offset, length)) return this.matcher === null && !this.present;
    return this.matcher === null ? this.present : this.matcher.matchesRange(bytes, finder.valueOffset, finder.valueLength);
  }
}

/** The first query parameter of a name as a Latin-1 text, undecoded. */
export class QueryParameterReader {
  private readonly finder: QueryParameterFinder;

  constructor(name: string) {
    this.finder = new QueryParameterFinder(name);
  }

  /** The value of the parameter of the path in a range, or undefined. */
  read(bytes: Uint8Array, offset: number, length: number): string | undefined {
    const finder = this.finder;
    return finder.find(bytes, offset, length) ? latin1(bytes, finder.valueOffset, finder.valueLength) : undefined;
  }
}
