import type { Buffer as BufferMessage, BufferPerRoute } from '../../../../core/api/gen/envoy/extensions/filters/http/buffer/v3/buffer_pb.d.ts';
import { HTTP_FILTER_CATEGORY, type HttpFilterFactory } from '../../../../core/http/filter.ts';
import { HTTP_FILTER_ROUTE_CATEGORY, type HttpFilterContext, UPSTREAM_HTTP_FILTER_CATEGORY } from '../../../../core/http/filter_context.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { type BufferConfig, BufferFilter } from './buffer_filter.ts';

const NAME = 'envoy.filters.http.buffer';

/** envoy.filters.http.buffer (docs: configuration/http/http_filters/buffer_filter). */
const filterFactory: ExtensionFactory<BufferConfig, HttpFilterContext, HttpFilterFactory> = {
  category: HTTP_FILTER_CATEGORY,
  name: NAME,
  typeName: 'envoy.extensions.filters.http.buffer.v3.Buffer',
  parse: (message) => parseBuffer(message as BufferMessage),
  createFactory: (config) => ({ createFilter: () => new BufferFilter(config), needsRequestHeaders: false }),
};

const routeFactory: ExtensionFactory<BufferConfig, HttpFilterContext, BufferConfig> = {
  category: HTTP_FILTER_ROUTE_CATEGORY,
  name: NAME,
  typeName: 'envoy.extensions.filters.http.buffer.v3.BufferPerRoute',
  parse: (message, context) => {
    const override = (message as BufferPerRoute).override;
    if (override.case === 'buffer') return parseBuffer(override.value);
    // It can only say true.
    context.consume(message, 'disabled');
    return Object.freeze({ maxRequestBytes: 0 });
  },
  createFactory: (config) => config,
};

/** Adds the filter, which may stand before the upstream as well, and its per-route configuration to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(filterFactory);
  registry.register({ ...filterFactory, category: UPSTREAM_HTTP_FILTER_CATEGORY });
  registry.register(routeFactory);
}

function parseBuffer(message: BufferMessage): BufferConfig {
  return Object.freeze({ maxRequestBytes: message.maxRequestBytes ?? 0 });
}
