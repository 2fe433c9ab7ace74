import type { HealthCheck } from '../../../../core/api/gen/envoy/extensions/filters/http/health_check/v3/health_check_pb.d.ts';
import { durationMsOr } from '../../../../core/api/scalar_values.ts';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import { HTTP_FILTER_CATEGORY, type HttpFilterFactory } from '../../../../core/http/filter.ts';
import type { HttpFilterContext } from '../../../../core/http/filter_context.ts';
import { parseHeaderMatcher } from '../../../../core/matcher/parse_matcher.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../../../core/registry/parse_context.ts';
import type { HealthCheckConfig } from './health_check_config.ts';
import { HealthCheckFilter, HealthCheckShared } from './health_check_filter.ts';

/** envoy.filters.http.health_check (docs: configuration/http/http_filters/health_check_filter). */
const factory: ExtensionFactory<HealthCheckConfig, HttpFilterContext, HttpFilterFactory> = {
  category: HTTP_FILTER_CATEGORY,
  name: 'envoy.filters.http.health_check',
  typeName: 'envoy.extensions.filters.http.health_check.v3.HealthCheck',
  parse: (message, context) => parseHealthCheck(message as HealthCheck, context),
  createFactory: (config, context) => {
    const shared = new HealthCheckShared(config, context);
    return { createFilter: () => new HealthCheckFilter(shared), needsRequestHeaders: false };
  },
};

/** Adds the filter to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}

/** Where the filter stands: nothing else tells two of them apart. */
function cacheName(message: HealthCheck, context: ParseContext): string {
  const position = context.position(message);
  return position === undefined ? 'health_check' : `health_check ${position.file} ${position.path}`;
}

function parseHealthCheck(message: HealthCheck, context: ParseContext): HealthCheckConfig {
  const passThrough = message.passThroughMode ?? false;
  const cacheTimeMs = Math.floor(durationMsOr(message.cacheTime, 0));
  if (!passThrough && cacheTimeMs > 0) context.error(message, 'cache_time', 'cache_time must not be set when pass_through_mode is disabled');
  const clusters = Object.entries(message.clusterMinHealthyPercentages).map(([name, percent]) => ({ name, minPercent: Math.floor(percent.value) }));
  if (passThrough && clusters.length > 0) context.warn(message, 'cluster_min_healthy_percentages', 'has no effect in pass-through mode');
  return deepFreeze({ passThrough, cacheTimeMs, cacheName: cacheName(message, context), headers: message.headers.map((matcher) => parseHeaderMatcher(matcher, context)), clusters });
}
