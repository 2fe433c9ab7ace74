import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { INTERNAL_REDIRECT_PREDICATE_CATEGORY, type InternalRedirectPredicate } from '../../../core/route/internal_redirect_policy.ts';

/** Follows no redirect from http to https: what came in the clear is not sent as if it had come safely. */
const factory: ExtensionFactory<Readonly<Record<string, never>>, unknown, InternalRedirectPredicate> = {
  category: INTERNAL_REDIRECT_PREDICATE_CATEGORY,
  name: 'envoy.internal_redirect_predicates.safe_cross_scheme',
  typeName: 'envoy.extensions.internal_redirect.safe_cross_scheme.v3.SafeCrossSchemeConfig',
  parse: () => Object.freeze({}),
  createFactory: () => ({ accepts: (target) => target.isDownstreamHttps || !target.isTargetHttps }),
};

/** Adds the predicate to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
