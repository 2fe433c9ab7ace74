import type { HeaderMatcherConfig } from '../../../../core/matcher/matcher_config.ts';

/** envoy.extensions.filters.http.health_check.v3.HealthCheck as plain data. */
export interface HealthCheckConfig {
  readonly passThrough: boolean;
  /** Milliseconds; 0 = no cache. */
  readonly cacheTimeMs: number;
  /** Name of the cache in the process: the same on all workers, another one for each place in the configuration. */
  readonly cacheName: string;
  /** All must match for a request to be a health check. */
  readonly headers: readonly HeaderMatcherConfig[];
  /** Clusters in order, with the whole percent of their hosts that must be healthy or degraded. */
  readonly clusters: readonly { readonly name: string; readonly minPercent: number }[];
}
