import { Cidr } from '../base/cidr.ts';
import type { FilterStateMatcherConfig } from './matcher_config.ts';
import { StringMatcher } from './string_matcher.ts';

/** One compiled envoy.type.matcher.v3.FilterStateMatcher. */
export class FilterStateMatcher {
  private readonly key: string;
  private readonly text: StringMatcher | null;
  private readonly ranges: readonly Cidr[];

  constructor(config: FilterStateMatcherConfig) {
    this.key = config.key;
    this.text = config.matcher.kind === 'string' ? new StringMatcher(config.matcher.matcher) : null;
    this.ranges = config.matcher.kind === 'address' ? config.matcher.ranges.map((range) => Cidr.parse(range)) : [];
  }

  /** Whether the object under the key, if there is one with a text, matches. */
  matches(filterState: ReadonlyMap<string, unknown> | null): boolean {
    const text = filterStateText(filterState, this.key);
    if (text === undefined) return false;
    return this.text !== null ? this.text.matchesText(Buffer.from(text).toString('latin1')) : inRanges(this.ranges, text);
  }
}

/** The text of a filter state object, or undefined. Objects have none. */
export function filterStateText(filterState: ReadonlyMap<string, unknown> | null, key: string): string | undefined {
  const value = filterState?.get(key);
  return value === undefined || value === null || typeof value === 'object' ? undefined : String(value);
}

function inRanges(ranges: readonly Cidr[], address: string): boolean {
  for (let i = 0; i < ranges.length; i++) if (ranges[i].contains(address)) return true;
  return false;
}
