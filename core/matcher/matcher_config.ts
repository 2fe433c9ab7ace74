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
