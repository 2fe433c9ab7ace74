/**
 * Which responses outlier detection takes for errors, where a cluster's HTTP options say so (envoy.config.common.matcher.v3.
 * MatchPredicate). Only response headers are there to be looked at: what asks for anything else never matches.
 */
import type { MatchPredicate } from '../api/gen/envoy/config/common/matcher/v3/matcher_pb.d.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import type { HeaderNames } from '../headers/header_names.ts';
import { compileHeaderMatchers, matchesAllHeaders } from '../matcher/header_matcher.ts';
import type { HeaderMatcherConfig } from '../matcher/matcher_config.ts';
import { parseHeaderMatcher } from '../matcher/parse_matcher.ts';
import type { ParseContext } from '../registry/parse_context.ts';

export type ErrorPredicateConfig =
  | { readonly kind: 'always' | 'never' }
  | { readonly kind: 'headers'; readonly headers: readonly HeaderMatcherConfig[] }
  | { readonly kind: 'not'; readonly predicate: ErrorPredicateConfig }
  | { readonly kind: 'or' | 'and'; readonly predicates: readonly ErrorPredicateConfig[] };

/** The message as plain data. Thread: main, config time. */
export function parseErrorPredicate(message: MatchPredicate, context: ParseContext): ErrorPredicateConfig {
  const { rule } = message;
  switch (rule.case) {
    case 'orMatch':
      return { kind: 'or', predicates: rule.value.rules.map((each) => parseErrorPredicate(each, context)) };
    case 'andMatch':
      return { kind: 'and', predicates: rule.value.rules.map((each) => parseErrorPredicate(each, context)) };
    case 'notMatch':
      return { kind: 'not', predicate: parseErrorPredicate(rule.value, context) };
    case 'anyMatch':
      return { kind: 'always' };
    case 'httpResponseHeadersMatch':
      return { kind: 'headers', headers: rule.value.headers.map((each) => parseHeaderMatcher(each, context)) };
    default:
      return { kind: 'never' };
  }
}

/** Whether a response is an error. */
export type ErrorPredicate = (response: HeaderMap) => boolean;

/** On the worker; names are interned here. */
export function compileErrorPredicate(config: ErrorPredicateConfig, names: HeaderNames): ErrorPredicate {
  switch (config.kind) {
    case 'headers': {
      const matchers = compileHeaderMatchers(config.headers, names);
      return (response) => matchesAllHeaders(matchers, response);
    }
    case 'not': {
      const predicate = compileErrorPredicate(config.predicate, names);
      return (response) => !predicate(response);
    }
    case 'or':
    case 'and': {
      const predicates = config.predicates.map((each) => compileErrorPredicate(each, names));
      return config.kind === 'or' ? (response) => predicates.some((each) => each(response)) : (response) => predicates.every((each) => each(response));
    }
    default: {
      const isError = config.kind === 'always';
      return () => isError;
    }
  }
}
