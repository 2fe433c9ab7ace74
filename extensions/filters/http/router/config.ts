import type { Router } from '../../../../core/api/gen/envoy/extensions/filters/http/router/v3/router_pb.d.ts';
import { HTTP_FILTER_CATEGORY, type HttpFilterFactory } from '../../../../core/http/filter.ts';
import type { HttpFilterContext } from '../../../../core/http/filter_context.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import type { RouterConfig } from '../../../../core/router/router_context.ts';
import { createRouterFactory } from './factory.ts';
import { parseRouter, ROUTER_TYPE } from './parse_config.ts';

/** envoy.filters.http.router: the terminal filter that forwards to a cluster. */
const factory: ExtensionFactory<RouterConfig, HttpFilterContext, HttpFilterFactory> = {
  category: HTTP_FILTER_CATEGORY,
  name: 'envoy.filters.http.router',
  typeName: ROUTER_TYPE,
  parse: (message, context) => parseRouter(message as Router, context),
  createFactory: createRouterFactory,
};

/** Adds the filter to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
