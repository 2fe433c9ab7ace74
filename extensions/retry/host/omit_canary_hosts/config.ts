import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { RETRY_HOST_PREDICATE_CATEGORY, type RetryHostPredicate } from '../../../../core/route/retry_policy.ts';

/** Sends nothing again to canary hosts. */
const factory: ExtensionFactory<Readonly<Record<string, never>>, unknown, RetryHostPredicate> = {
  category: RETRY_HOST_PREDICATE_CATEGORY,
  name: 'envoy.retry_host_predicates.omit_canary_hosts',
  typeName: 'envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate',
  parse: () => Object.freeze({}),
  createFactory: () => ({ rejects: (host) => host.isCanary }),
};

/** Adds the predicate to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
