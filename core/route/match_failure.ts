/**
 * Why a route does not match a request: a kind and, for repeated predicates, an index, packed into one small integer so that
 * the hot path can produce it for nothing. 0: it matches.
 */
export type MatchFailure = number;

/** The predicates of a RouteMatch, in the order in which they are evaluated. */
export const MatchPredicate = {
  none: 0, path: 1, runtimeFraction: 2, grpc: 3, headers: 4, queryParameters: 5, cookies: 6, tlsContext: 7, dynamicMetadata: 8, filterState: 9,
} as const;
export type MatchPredicate = (typeof MatchPredicate)[keyof typeof MatchPredicate];

const INDEX_BITS = 16;
const FIELDS = ['', 'path', 'runtime_fraction', 'grpc', 'headers', 'query_parameters', 'cookies', 'tls_context', 'dynamic_metadata', 'filter_state'] as const;
const PATH_FIELDS = {
  prefix: 'prefix', path: 'path', path_separated_prefix: 'path_separated_prefix', regex: 'safe_regex', connect: 'connect_matcher', uri_template: 'path_match_policy',
} as const;

/** The request passes. */
export const NO_FAILURE: MatchFailure = 0;

/** `index` is that of the failing element of a repeated predicate, else 0. */
export function matchFailure(predicate: MatchPredicate, index: number): MatchFailure {
  return (predicate << INDEX_BITS) | index;
}

/** Which predicate failed. */
export function failedPredicate(failure: MatchFailure): MatchPredicate {
  return (failure >> INDEX_BITS) as MatchPredicate;
}

/** Which element of a repeated predicate failed. */
export function failedIndex(failure: MatchFailure): number {
  return failure & ((1 << INDEX_BITS) - 1);
}

/** The failing field below `match` as the configuration spells it, such as `headers[1]`; '' for none. `pathKind` names the path specifier in use. */
export function failedField(failure: MatchFailure, pathKind: keyof typeof PATH_FIELDS): string {
  const predicate = failedPredicate(failure);
  switch (predicate) {
    case MatchPredicate.path:
      return PATH_FIELDS[pathKind];
    case MatchPredicate.headers:
    case MatchPredicate.queryParameters:
    case MatchPredicate.cookies:
    case MatchPredicate.dynamicMetadata:
    case MatchPredicate.filterState:
      return `${FIELDS[predicate]}[${failedIndex(failure)}]`;
    default:
      return FIELDS[predicate];
  }
}
