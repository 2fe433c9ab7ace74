/** Matcher messages to plain data. Thread: main, config time. */
import type { HeaderMatcher as HeaderMatcherMessage, QueryParameterMatcher as QueryParameterMatcherMessage } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import type { RegexMatcher } from '../api/gen/envoy/type/matcher/v3/regex_pb.d.ts';
import type { StringMatcher as StringMatcherMessage } from '../api/gen/envoy/type/matcher/v3/string_pb.d.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import type { HeaderMatcherConfig, QueryParameterMatcherConfig, StringMatcherConfig } from './matcher_config.ts';
import { programSize } from './program_size.ts';
import { regexSyntaxError } from './regex.ts';

/** Limits of a pattern's size where neither the matcher nor runtime says another. */
const MAX_PROGRAM_SIZE = 100;
const RAISE_LIMIT = 'Increase configured max program size if necessary.';

/** The checked pattern of a RegexMatcher. A pattern with an error comes back as one that matches nothing but itself. */
export function parseRegex(message: RegexMatcher, context: ParseContext): string {
  const { regex, engineType } = message;
  // The engine is always RE2-compatible; naming it changes nothing.
  const ownLimit = engineType.case === 'googleRe2' ? engineType.value.maxProgramSize : undefined;
  if (engineType.case === 'googleRe2') context.consume(message, 'google_re2');
  const error = regexSyntaxError(regex) ?? sizeError(regex, ownLimit, context);
  if (error === undefined) {
    if (ownLimit === undefined) warnOfSize(message, context);
    return regex;
  }
  context.error(message, 'regex', error);
  return 'x';
}

/** The matcher's own limit (deprecated), else runtime's. */
function sizeError(regex: string, ownLimit: number | undefined, context: ParseContext): string | undefined {
  const limit = ownLimit ?? context.runtimeInteger?.('re2.max_program_size.error_level', MAX_PROGRAM_SIZE) ?? MAX_PROGRAM_SIZE;
  const size = programSize(regex);
  if (size <= limit) return undefined;
  return `regex '${regex}' RE2 program size of ${size} > max program size of ${limit}${ownLimit === undefined ? ' set for the error level threshold' : ''}. ${RAISE_LIMIT}`;
}

function warnOfSize(message: RegexMatcher, context: ParseContext): void {
  const limit = context.runtimeInteger?.('re2.max_program_size.warn_level', Infinity) ?? Infinity;
  const size = limit === Infinity ? 0 : programSize(message.regex);
  if (size > limit) context.warn(message, 'regex', `regex '${message.regex}' RE2 program size of ${size} > max program size of ${limit} set for the warn level threshold. ${RAISE_LIMIT}`);
}

/** envoy.type.matcher.v3.StringMatcher. */
export function parseStringMatcher(message: StringMatcherMessage, context: ParseContext): StringMatcherConfig {
  const pattern = message.matchPattern;
  switch (pattern.case) {
    case 'exact':
    case 'prefix':
    case 'suffix':
    case 'contains':
      return { kind: pattern.case, value: pattern.value, ignoreCase: message.ignoreCase };
    case 'safeRegex':
      return { kind: 'regex', regex: parseRegex(pattern.value, context) };
    case 'custom':
      context.refuse(message, 'custom', 'string matcher extensions');
      break;
    default:
      break;
  }
  return { kind: 'exact', value: '', ignoreCase: false };
}

/** envoy.config.route.v3.HeaderMatcher, its deprecated fields included. */
export function parseHeaderMatcher(message: HeaderMatcherMessage, context: ParseContext): HeaderMatcherConfig {
  const base = { name: message.name.toLowerCase(), invert: message.invertMatch, treatMissingAsEmpty: message.treatMissingHeaderAsEmpty };
  const specifier = message.headerMatchSpecifier;
  const plain = (kind: 'exact' | 'prefix' | 'suffix' | 'contains', value: string): HeaderMatcherConfig =>
    ({ ...base, kind: 'string', matcher: { kind, value, ignoreCase: false } });
  switch (specifier.case) {
    case 'stringMatch':
      return { ...base, kind: 'string', matcher: parseStringMatcher(specifier.value, context) };
    case 'exactMatch':
      // Deprecated: an empty value asks for presence.
      return specifier.value === '' ? { ...base, kind: 'present', present: true } : plain('exact', specifier.value);
    case 'prefixMatch':
      return plain('prefix', specifier.value);
    case 'suffixMatch':
      return plain('suffix', specifier.value);
    case 'containsMatch':
      return plain('contains', specifier.value);
    case 'safeRegexMatch':
      return { ...base, kind: 'string', matcher: { kind: 'regex', regex: parseRegex(specifier.value, context) } };
    case 'rangeMatch':
      return { ...base, kind: 'range', start: Number(specifier.value.start), end: Number(specifier.value.end) };
    case 'presentMatch':
      return { ...base, kind: 'present', present: specifier.value };
    default:
      return { ...base, kind: 'present', present: true };
  }
}

/** envoy.config.route.v3.QueryParameterMatcher. */
export function parseQueryParameterMatcher(message: QueryParameterMatcherMessage, context: ParseContext): QueryParameterMatcherConfig {
  const specifier = message.queryParameterMatchSpecifier;
  if (specifier.case === 'stringMatch') return { name: message.name, matcher: parseStringMatcher(specifier.value, context), present: true };
  return { name: message.name, matcher: null, present: specifier.case === 'presentMatch' ? specifier.value : true };
}
