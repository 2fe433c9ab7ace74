import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { RETRY_HOST_PREDICATE_CATEGORY, type RetryHostPredicate } from '../../../../core/route/retry_policy.ts';

/** Looks for another host than those that the request was sent to already. */
const factory: ExtensionFactory<Readonly<Record<string, never>>, unknown, RetryHostPredicate> = {
  category: RETRY_HOST_PREDICATE_CATEGORY,
  name: 'envoy.retry_host_predicates.previous_hosts',
  typeName: 'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
  parse: () => Object.freeze({}),
  createFactory: () => ({ rejects: (host, attempted) => attempted.includes(host) }),
};

/** Adds the predicate to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
