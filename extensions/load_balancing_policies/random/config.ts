import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory } from '../../../core/upstream/load_balancer.ts';
import { RandomLoadBalancer } from './random.ts';

/** Locality weighting is left unread. */
const factory: ExtensionFactory<Readonly<Record<string, never>>, unknown, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.random',
  typeName: 'envoy.extensions.load_balancing_policies.random.v3.Random',
  parse: () => Object.freeze({}),
  createFactory: () => ({ create: (random) => new RandomLoadBalancer(random) }),
};

/** Adds the policy to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
