/** Access logs as plain frozen data (envoy.config.accesslog.v3). */
import type { ExtensionConfig } from '../registry/parse_context.ts';
import type { HeaderMatcherConfig } from '../matcher/matcher_config.ts';
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
  | { readonly kind: 'log_type'; readonly types: readonly string[]; readonly exclude: boolean }
  | { readonly kind: 'metadata'; readonly namespace: string; readonly path: readonly string[]; readonly value: unknown; readonly matchIfKeyNotFound: boolean };

export interface AccessLogConfig {
  readonly filter: AccessLogFilterConfig | null;
  /** Category `envoy.access_loggers`. */
  readonly extension: ExtensionConfig;
}
