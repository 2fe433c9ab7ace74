/** Substitution formats as plain frozen data. */

/** envoy.config.core.v3.SubstitutionFormatString as data. */
export type BodyFormatConfig =
  | { readonly kind: 'text'; readonly text: string; readonly contentType: string; readonly omitEmptyValues: boolean }
  | { readonly kind: 'json'; readonly json: unknown; readonly contentType: string; readonly omitEmptyValues: boolean };
