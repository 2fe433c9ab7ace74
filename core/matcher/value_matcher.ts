import type { MetadataMatcherConfig, ValueMatcherConfig } from './matcher_config.ts';
import { StringMatcher } from './string_matcher.ts';

/** One compiled envoy.type.matcher.v3.ValueMatcher over a JSON value; undefined: there is none. */
export interface ValueMatcher {
  matches(value: unknown): boolean;
}

/** Compiles a value matcher. Config time. */
export function compileValueMatcher(config: ValueMatcherConfig): ValueMatcher {
  switch (config.kind) {
    case 'null':
      return { matches: (value) => value === null };
    case 'number':
      return { matches: (value) => value === config.value };
    case 'range':
      return { matches: (value) => typeof value === 'number' && value >= config.start && value < config.end };
    case 'string': {
      const matcher = new StringMatcher(config.matcher);
      return { matches: (value) => typeof value === 'string' && matcher.matchesText(Buffer.from(value).toString('latin1')) };
    }
    case 'bool':
      return { matches: (value) => value === config.value };
    case 'present':
      return { matches: (value) => config.present && value !== undefined };
    case 'list': {
      const oneOf = compileValueMatcher(config.oneOf);
      return { matches: (value) => Array.isArray(value) && value.some((element) => oneOf.matches(element)) };
    }
    case 'or': {
      const matchers = config.matchers.map(compileValueMatcher);
      return { matches: (value) => matchers.some((matcher) => matcher.matches(value)) };
    }
  }
}

/** Namespaces of metadata, as `StreamInfo.dynamicMetadata` has them. */
export type MetadataNamespaces = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** The value at a path of keys through structs, or undefined. */
export function metadataValue(metadata: MetadataNamespaces | null, filter: string, path: readonly string[]): unknown {
  let value: unknown = metadata?.get(filter);
  for (let i = 0; i < path.length; i++) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, path[i])) return undefined;
    value = (value as Record<string, unknown>)[path[i]];
  }
  return value;
}

/** One compiled envoy.type.matcher.v3.MetadataMatcher. */
export class MetadataMatcher {
  private readonly filter: string;
  private readonly path: readonly string[];
  private readonly value: ValueMatcher;
  private readonly invert: boolean;

  constructor(config: MetadataMatcherConfig) {
    this.filter = config.filter;
    this.path = config.path;
    this.value = compileValueMatcher(config.value);
    this.invert = config.invert;
  }

  /** Whether the value, missing ones included, matches; the other way round when inverted. */
  matches(metadata: MetadataNamespaces | null): boolean {
    return this.value.matches(metadataValue(metadata, this.filter, this.path)) !== this.invert;
  }
}
