import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory } from '../../../core/upstream/load_balancer.ts';
import { RoundRobinLoadBalancer } from './round_robin.ts';

/** Slow start and locality weighting are left unread: there is nothing to configure yet. */
export type RoundRobinConfig = Readonly<Record<string, never>>;

const factory: ExtensionFactory<RoundRobinConfig, unknown, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.round_robin',
  typeName: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin',
  parse: () => Object.freeze({}),
  createFactory: () => ({ create: (random) => new RoundRobinLoadBalancer(random) }),
};

/** Adds the policy to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
