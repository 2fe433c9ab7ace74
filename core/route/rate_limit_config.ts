/** envoy.config.route.v3.RateLimit as plain data. */
import type { HeaderMatcherConfig, QueryParameterMatcherConfig } from '../matcher/matcher_config.ts';
import type { ExtensionConfig } from '../registry/parse_context.ts';

/** A value in metadata: a namespace and a path of keys in it. */
export interface MetadataKeyConfig {
  readonly namespace: string;
  readonly path: readonly string[];
}

export type RateLimitActionConfig =
  | { readonly kind: 'source_cluster' | 'destination_cluster' | 'remote_address' }
  | { readonly kind: 'request_headers' | 'query_parameters'; readonly name: string; readonly key: string; readonly skipIfAbsent: boolean }
  | { readonly kind: 'masked_remote_address'; readonly v4Bits: number; readonly v6Bits: number }
  /** `isFormat`: `value` may be read as a format, if runtime says that values are; `fallback` stands in for an empty result. */
  | { readonly kind: 'generic_key'; readonly key: string; readonly value: string; readonly isFormat: boolean; readonly fallback: string }
  | { readonly kind: 'header_value_match'; readonly key: string; readonly value: string; readonly isFormat: boolean; readonly fallback: string; readonly expectsMatch: boolean;
      readonly headers: readonly HeaderMatcherConfig[] }
  | { readonly kind: 'query_parameter_value_match'; readonly key: string; readonly value: string; readonly isFormat: boolean; readonly fallback: string; readonly expectsMatch: boolean;
      readonly parameters: readonly QueryParameterMatcherConfig[] }
  | { readonly kind: 'metadata'; readonly source: 'dynamic' | 'route'; readonly key: string; readonly metadataKey: MetadataKeyConfig; readonly fallback: string;
      readonly skipIfAbsent: boolean }
  | { readonly kind: 'extension'; readonly extension: ExtensionConfig };

export interface RateLimitConfig {
  /** 0..10: which filter of a chain looks at it. */
  readonly stage: number;
  /** Runtime key part that switches it off; '' = none. */
  readonly disableKey: string;
  readonly actions: readonly RateLimitActionConfig[];
  /** Dynamic metadata that may hold `{requests_per_unit, unit}`; null = none. */
  readonly limitOverride: MetadataKeyConfig | null;
  /** How many hits a request is: a number, a format of one, or null = the filter's own. */
  readonly hitsAddend: number | string | null;
  /** Looked at when the stream is done, not when it begins. */
  readonly appliesOnStreamDone: boolean;
  readonly rateLimitHeaders: 'unspecified' | 'off' | 'draft_version_03';
}

export const RATE_LIMIT_STAGE_MAX = 10;
/** Category of descriptor extensions in the factory registry. */
export const RATE_LIMIT_DESCRIPTOR_CATEGORY = 'envoy.rate_limit_descriptors';
