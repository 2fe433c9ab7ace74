import type { HttpFilterFactory } from '../../../../core/http/filter.ts';
import { type HttpFilterContext, UPSTREAM_HTTP_FILTER_CATEGORY } from '../../../../core/http/filter_context.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';

/** envoy.filters.http.upstream_codec: says where a chain of upstream filters ends. What it stands for is the try itself. */
const factory: ExtensionFactory<object, HttpFilterContext, HttpFilterFactory> = {
  category: UPSTREAM_HTTP_FILTER_CATEGORY,
  name: 'envoy.filters.http.upstream_codec',
  typeName: 'envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec',
  parse: () => Object.freeze({}),
  createFactory: () => {
    throw new Error('the codec at the end of upstream filters is no filter object');
  },
};

/** Adds the filter to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
