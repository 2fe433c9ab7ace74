import type { HttpFilterFactory } from '../http/filter.ts';
import { type HttpFilterContext, UPSTREAM_HTTP_FILTER_CATEGORY } from '../http/filter_context.ts';
import type { HttpFilterConfig } from '../registry/http_filter_config.ts';
import { UpstreamFilters } from './upstream_filters.ts';

/** Upstream filters of a configuration on this thread; at configuration time only. */
export function createUpstreamFilters(filters: readonly HttpFilterConfig[], context: HttpFilterContext): UpstreamFilters {
  const configured = filters.map(({ name, disabled, extension }) => ({ name, disabled, factory: context.product(UPSTREAM_HTTP_FILTER_CATEGORY, extension) as HttpFilterFactory }));
  return new UpstreamFilters(configured, context);
}
