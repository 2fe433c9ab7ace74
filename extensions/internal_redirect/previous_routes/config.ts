import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { INTERNAL_REDIRECT_PREDICATE_CATEGORY, type InternalRedirectPredicate } from '../../../core/route/internal_redirect_policy.ts';

/** Follows no redirect that leads where an earlier one of the request led from the same route. */
const factory: ExtensionFactory<Readonly<Record<string, never>>, unknown, InternalRedirectPredicate> = {
  category: INTERNAL_REDIRECT_PREDICATE_CATEGORY,
  name: 'envoy.internal_redirect_predicates.previous_routes',
  typeName: 'envoy.extensions.internal_redirect.previous_routes.v3.PreviousRoutesConfig',
  parse: () => Object.freeze({}),
  createFactory: () => ({
    accepts: ({ previousRoutes, routeName }) => {
      if (previousRoutes.has(routeName)) return false;
      previousRoutes.add(routeName);
      return true;
    },
  }),
};

/** Adds the predicate to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
