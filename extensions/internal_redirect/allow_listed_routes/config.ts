import type { AllowListedRoutesConfig } from '../../../core/api/gen/envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { INTERNAL_REDIRECT_PREDICATE_CATEGORY, type InternalRedirectPredicate } from '../../../core/route/internal_redirect_policy.ts';

/** Follows redirects to routes of certain names only. */
const factory: ExtensionFactory<{ readonly routes: readonly string[] }, unknown, InternalRedirectPredicate> = {
  category: INTERNAL_REDIRECT_PREDICATE_CATEGORY,
  name: 'envoy.internal_redirect_predicates.allow_listed_routes',
  typeName: 'envoy.extensions.internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig',
  parse: (message) => Object.freeze({ routes: Object.freeze([...(message as AllowListedRoutesConfig).allowedRouteNames]) }),
  createFactory: (config) => {
    const routes = new Set(config.routes);
    return { accepts: (target) => routes.has(target.routeName) };
  },
};

/** Adds the predicate to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
