import type { StringMatcherConfig } from '../../../../core/matcher/matcher_config.ts';
import type { RuntimeFraction } from '../../../../core/runtime/runtime_snapshot.ts';

/** envoy.extensions.filters.http.cors.v3.CorsPolicy as plain data. null and '' = unset: a less specific level may say it. */
export interface CorsPolicyConfig {
  readonly allowOrigins: readonly StringMatcherConfig[];
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  readonly allowCredentials: boolean | null;
  readonly allowPrivateNetworkAccess: boolean | null;
  readonly forwardNotMatchingPreflights: boolean | null;
  readonly filterEnabled: RuntimeFraction | null;
  readonly shadowEnabled: RuntimeFraction | null;
}
