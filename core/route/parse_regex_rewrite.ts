/** envoy.type.matcher.v3.RegexMatchAndSubstitute to plain data. Thread: main, config time. */
import type { RegexMatchAndSubstitute } from '../api/gen/envoy/type/matcher/v3/regex_pb.d.ts';
import { parseRegex } from '../matcher/parse_matcher.ts';
import { substitutionWarning } from '../matcher/regex.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import type { RegexRewriteConfig } from './regex_rewrite.ts';

/** `{pattern, substitution}`. */
export function parseRegexRewrite(message: RegexMatchAndSubstitute, context: ParseContext): RegexRewriteConfig | null {
  if (message.pattern === undefined) return null;
  const regex = parseRegex(message.pattern, context);
  const warning = substitutionWarning(regex, message.substitution);
  if (warning !== undefined) context.warn(message, 'substitution', warning);
  return { regex, substitution: message.substitution };
}
