/** Access logs as plain frozen data (envoy.config.accesslog.v3). */
import type { CelFeatures } from '../formatter/cel_expression.ts';
import type { ExtensionConfig } from '../registry/parse_context.ts';
import type { HeaderMatcherConfig, StringMatcherConfig } from '../matcher/matcher_config.ts';
import type { RuntimeFraction } from '../runtime/runtime_snapshot.ts';

/** Which streams are logged (envoy.config.accesslog.v3.AccessLogFilter), as data. */
export type AccessLogFilterConfig =
  | { readonly kind: 'status_code' | 'duration'; readonly op: 'EQ' | 'GE' | 'LE' | 'NE'; readonly value: number; readonly runtimeKey: string }
  | { readonly kind: 'not_health_check' }
  | { readonly kind: 'traceable' }
  | { readonly kind: 'runtime'; readonly fraction: RuntimeFraction; readonly useIndependentRandomness: boolean }
  | { readonly kind: 'and' | 'or'; readonly filters: readonly AccessLogFilterConfig[] }
  | { readonly kind: 'header'; readonly header: HeaderMatcherConfig }
  /** Empty flags: any flag. */
  | { readonly kind: 'response_flag'; readonly flags: readonly string[] }
  | { readonly kind: 'grpc_status'; readonly statuses: readonly number[]; readonly exclude: boolean }
  | { readonly kind: 'cel'; readonly expression: string; readonly features: CelFeatures }
  | { readonly kind: 'log_type'; readonly types: readonly string[]; readonly exclude: boolean }
  | MetadataFilterConfig;

/** A value in dynamic metadata. */
export interface MetadataFilterConfig {
  readonly kind: 'metadata';
  readonly namespace: string;
  readonly path: readonly string[];
  /** null: the filter names no matcher, so that only presence counts. */
  readonly value: ValueMatcherConfig | null;
  readonly invert: boolean;
  readonly matchIfKeyNotFound: boolean;
}

/** envoy.type.matcher.v3.ValueMatcher as data. */
export type ValueMatcherConfig =
  | { readonly kind: 'null' }
  | { readonly kind: 'number_range'; readonly start: number; readonly end: number }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly matcher: StringMatcherConfig }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'present'; readonly present: boolean }
  | { readonly kind: 'list'; readonly oneOf: ValueMatcherConfig }
  | { readonly kind: 'or'; readonly matchers: readonly ValueMatcherConfig[] };

export interface AccessLogConfig {
  readonly filter: AccessLogFilterConfig | null;
  /** Category `envoy.access_loggers`. */
  readonly extension: ExtensionConfig;
}
