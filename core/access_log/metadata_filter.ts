import type { FormatContext } from '../formatter/format_context.ts';
import { StringMatcher } from '../matcher/string_matcher.ts';
import type { MetadataFilterConfig, ValueMatcherConfig } from './access_log_config.ts';

/** metadata_filter: a value in the stream's dynamic metadata. A key that is not there passes or not as configured. */
export class MetadataFilter {
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly config: MetadataFilterConfig;
  private readonly matcher: ValueMatcher | null;

  constructor(config: MetadataFilterConfig) {
    this.config = config;
    this.matcher = config.value === null ? null : new ValueMatcher(config.value);
  }

  evaluate(context: FormatContext): boolean {
    const { namespace, path, invert, matchIfKeyNotFound } = this.config;
    let value: unknown = context.info?.dynamicMetadata?.get(namespace);
    for (let i = 0; i < path.length && value !== undefined; i++) {
      value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[path[i]] : undefined;
    }
    if (value === undefined || this.matcher === null) return matchIfKeyNotFound;
    return this.matcher.matches(value) !== invert;
  }
}

/** envoy.type.matcher.v3.ValueMatcher, compiled. */
class ValueMatcher {
  private readonly config: ValueMatcherConfig;
  private readonly text: StringMatcher | null;
  private readonly inner: readonly ValueMatcher[];

  constructor(config: ValueMatcherConfig) {
    this.config = config;
    this.text = config.kind === 'string' ? new StringMatcher(config.matcher) : null;
    this.inner = config.kind === 'or' ? config.matchers.map((matcher) => new ValueMatcher(matcher)) : config.kind === 'list' ? [new ValueMatcher(config.oneOf)] : [];
  }

  matches(value: unknown): boolean {
    const config = this.config;
    switch (config.kind) {
      case 'null': return value === null;
      case 'number': return value === config.value;
      case 'number_range': return typeof value === 'number' && value >= config.start && value < config.end;
      case 'bool': return value === config.value;
      case 'present': return config.present;
      case 'string': return typeof value === 'string' && this.text !== null && this.text.matchesText(Buffer.from(value).toString('latin1'));
      case 'list': return Array.isArray(value) && value.some((element) => this.inner[0].matches(element));
      case 'or': return this.inner.some((matcher) => matcher.matches(value));
    }
  }
}
