/** Matchers of metadata and filter state to plain data. Thread: main, config time. */
import type { FilterStateMatcher as FilterStateMatcherMessage } from '../api/gen/envoy/type/matcher/v3/filter_state_pb.d.ts';
import type { MetadataMatcher as MetadataMatcherMessage } from '../api/gen/envoy/type/matcher/v3/metadata_pb.d.ts';
import type { ValueMatcher as ValueMatcherMessage } from '../api/gen/envoy/type/matcher/v3/value_pb.d.ts';
import { parseIp } from '../base/cidr.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import type { FilterStateMatcherConfig, MetadataMatcherConfig, ValueMatcherConfig } from './matcher_config.ts';
import { parseStringMatcher } from './parse_matcher.ts';

const NOTHING: ValueMatcherConfig = { kind: 'or', matchers: [] };

/** envoy.type.matcher.v3.ValueMatcher. */
export function parseValueMatcher(message: ValueMatcherMessage, context: ParseContext): ValueMatcherConfig {
  const pattern = message.matchPattern;
  switch (pattern.case) {
    case 'nullMatch':
      context.consume(message, 'null_match');
      return { kind: 'null' };
    case 'doubleMatch': {
      const double = pattern.value.matchPattern;
      if (double.case === 'range') return { kind: 'range', start: double.value.start, end: double.value.end };
      return double.case === 'exact' ? { kind: 'number', value: double.value } : NOTHING;
    }
    case 'stringMatch':
      return { kind: 'string', matcher: parseStringMatcher(pattern.value, context) };
    case 'boolMatch':
      return { kind: 'bool', value: pattern.value };
    case 'presentMatch':
      return { kind: 'present', present: pattern.value };
    case 'listMatch': {
      const list = pattern.value.matchPattern;
      return list.case === 'oneOf' ? { kind: 'list', oneOf: parseValueMatcher(list.value, context) } : NOTHING;
    }
    case 'orMatch':
      return { kind: 'or', matchers: pattern.value.valueMatchers.map((matcher) => parseValueMatcher(matcher, context)) };
    default:
      return NOTHING;
  }
}

/** envoy.type.matcher.v3.MetadataMatcher. */
export function parseMetadataMatcher(message: MetadataMatcherMessage, context: ParseContext): MetadataMatcherConfig {
  return {
    filter: message.filter,
    path: message.path.map((segment) => segment.segment.value ?? ''),
    value: message.value === undefined ? NOTHING : parseValueMatcher(message.value, context),
    invert: message.invert,
  };
}

/** envoy.type.matcher.v3.FilterStateMatcher. */
export function parseFilterStateMatcher(message: FilterStateMatcherMessage, context: ParseContext): FilterStateMatcherConfig {
  const matcher = message.matcher;
  switch (matcher.case) {
    case 'stringMatch':
      return { key: message.key, matcher: { kind: 'string', matcher: parseStringMatcher(matcher.value, context) } };
    case 'addressMatch':
      return { key: message.key, matcher: { kind: 'address', ranges: parseCidrRanges(matcher.value.ranges, context) } };
    default:
      return { key: message.key, matcher: { kind: 'address', ranges: [] } };
  }
}

/** Ranges as `address/length`; those with errors are left out. */
export function parseCidrRanges(ranges: readonly { addressPrefix: string; prefixLen?: number | undefined }[], context: ParseContext): string[] {
  const texts: string[] = [];
  for (const range of ranges) {
    const { addressPrefix, prefixLen = 0 } = range;
    const bytes = parseIp(addressPrefix);
    // Longer lengths than the address has bits are taken for all of them.
    if (bytes !== null) texts.push(`${addressPrefix}/${Math.min(prefixLen, bytes.length * 8)}`);
    else context.error(range, undefined, `invalid ip/mask combo '${addressPrefix}/${prefixLen}' (format is <ip>/<# mask bits>)`);
  }
  return texts;
}
