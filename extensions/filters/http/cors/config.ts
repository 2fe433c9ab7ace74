import type { CorsPolicy as CorsPolicyMessage } from '../../../../core/api/gen/envoy/extensions/filters/http/cors/v3/cors_pb.d.ts';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import { HTTP_FILTER_CATEGORY, type HttpFilterFactory } from '../../../../core/http/filter.ts';
import { HTTP_FILTER_ROUTE_CATEGORY, type HttpFilterContext } from '../../../../core/http/filter_context.ts';
import { parseStringMatcher } from '../../../../core/matcher/parse_matcher.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../../../core/registry/parse_context.ts';
import { parseRuntimeFraction } from '../../../../core/runtime/parse_runtime.ts';
import type { CorsPolicyConfig } from './cors_config.ts';
import { CorsFilter, CorsShared } from './cors_filter.ts';

const NAME = 'envoy.filters.http.cors';

/** envoy.filters.http.cors: the filter only switches it on; policies are per route (docs: configuration/http/http_filters/cors_filter). */
const filterFactory: ExtensionFactory<Readonly<Record<string, never>>, HttpFilterContext, HttpFilterFactory> = {
  category: HTTP_FILTER_CATEGORY,
  name: NAME,
  typeName: 'envoy.extensions.filters.http.cors.v3.Cors',
  parse: () => Object.freeze({}),
  createFactory: (_config, context) => {
    const shared = new CorsShared(context);
    return { createFilter: () => new CorsFilter(shared), needsRequestHeaders: false };
  },
};

/** The product is the data itself: levels are merged, and matchers compiled, when a route is first used. */
const routeFactory: ExtensionFactory<CorsPolicyConfig, HttpFilterContext, CorsPolicyConfig> = {
  category: HTTP_FILTER_ROUTE_CATEGORY,
  name: NAME,
  typeName: 'envoy.extensions.filters.http.cors.v3.CorsPolicy',
  parse: (message, context) => parsePolicy(message as CorsPolicyMessage, context),
  createFactory: (config) => config,
};

/** Adds the filter and its per-route configuration to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(filterFactory);
  registry.register(routeFactory);
}

function parsePolicy(message: CorsPolicyMessage, context: ParseContext): CorsPolicyConfig {
  return deepFreeze({
    allowOrigins: message.allowOriginStringMatch.map((matcher) => parseStringMatcher(matcher, context)),
    allowMethods: message.allowMethods,
    allowHeaders: message.allowHeaders,
    exposeHeaders: message.exposeHeaders,
    maxAge: message.maxAge,
    allowCredentials: message.allowCredentials ?? null,
    allowPrivateNetworkAccess: message.allowPrivateNetworkAccess ?? null,
    forwardNotMatchingPreflights: message.forwardNotMatchingPreflights ?? null,
    filterEnabled: message.filterEnabled === undefined ? null : parseRuntimeFraction(message.filterEnabled),
    shadowEnabled: message.shadowEnabled === undefined ? null : parseRuntimeFraction(message.shadowEnabled),
  });
}
