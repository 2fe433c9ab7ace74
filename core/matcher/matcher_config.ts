/** Matchers as plain data; compiled per thread by `core/matcher/`. Regexes are RE2 syntax, matched in linear time. */

export type StringMatcherConfig =
  | { readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly kind: 'regex'; readonly regex: string };

/** envoy.config.route.v3.HeaderMatcher; `present` with `present: false` means absent. */
export type HeaderMatcherConfig = {
  /** Lower case; ':authority' for host. */
  readonly name: string;
  readonly invert: boolean;
  readonly treatMissingAsEmpty: boolean;
} & (
  | { readonly kind: 'string'; readonly matcher: StringMatcherConfig }
  | { readonly kind: 'range'; readonly start: number; readonly end: number }
  | { readonly kind: 'present'; readonly present: boolean }
);

export interface QueryParameterMatcherConfig {
  readonly name: string;
  /** null: the parameter need only be present. */
  readonly matcher: StringMatcherConfig | null;
  readonly present: boolean;
}

/** envoy.config.route.v3.CookieMatcher. */
export interface CookieMatcherConfig {
  readonly name: string;
  readonly matcher: StringMatcherConfig;
  readonly invert: boolean;
}

/** envoy.type.matcher.v3.ValueMatcher, over JSON values. */
export type ValueMatcherConfig =
  | { readonly kind: 'null' }
  | { readonly kind: 'number'; readonly value: number }
  /** [start, end) */
  | { readonly kind: 'range'; readonly start: number; readonly end: number }
  | { readonly kind: 'string'; readonly matcher: StringMatcherConfig }
  | { readonly kind: 'bool'; readonly value: boolean }
  /** `present: false` matches nothing. */
  | { readonly kind: 'present'; readonly present: boolean }
  | { readonly kind: 'list'; readonly oneOf: ValueMatcherConfig }
  | { readonly kind: 'or'; readonly matchers: readonly ValueMatcherConfig[] };

/** envoy.type.matcher.v3.MetadataMatcher. */
export interface MetadataMatcherConfig {
  /** Namespace. */
  readonly filter: string;
  readonly path: readonly string[];
  readonly value: ValueMatcherConfig;
  readonly invert: boolean;
}

/** envoy.type.matcher.v3.FilterStateMatcher. */
export interface FilterStateMatcherConfig {
  readonly key: string;
  readonly matcher: { readonly kind: 'string'; readonly matcher: StringMatcherConfig } | { readonly kind: 'address'; readonly ranges: readonly string[] };
}

/** RouteMatch.TlsContextMatchOptions; null: either. */
export interface TlsContextMatcherConfig {
  readonly presented: boolean | null;
  readonly validated: boolean | null;
}
