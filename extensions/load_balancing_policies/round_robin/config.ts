import type { RoundRobin } from '../../../core/api/gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory } from '../../../core/upstream/load_balancer.ts';
import { type LocalityConfig, parseLocality } from '../../../core/upstream/locality_config.ts';
import { RoundRobinLoadBalancer } from './round_robin.ts';

/** Slow start and routing within the zone are left unread. */
export interface RoundRobinConfig {
  readonly locality?: LocalityConfig;
}

const factory: ExtensionFactory<RoundRobinConfig, unknown, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.round_robin',
  typeName: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin',
  parse: (message) => Object.freeze({ locality: parseLocality((message as RoundRobin).localityLbConfig) }),
  createFactory: (config) => ({ create: (random) => new RoundRobinLoadBalancer(random), locality: config.locality }),
};

/** Adds the policy to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
