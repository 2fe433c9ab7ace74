import type { Random } from '../../../core/api/gen/envoy/extensions/load_balancing_policies/random/v3/random_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory } from '../../../core/upstream/load_balancer.ts';
import { type LocalityConfig, parseLocality } from '../../../core/upstream/locality_config.ts';
import { RandomLoadBalancer } from './random.ts';

interface RandomConfig {
  readonly locality?: LocalityConfig;
}

const factory: ExtensionFactory<RandomConfig, unknown, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.random',
  typeName: 'envoy.extensions.load_balancing_policies.random.v3.Random',
  parse: (message) => Object.freeze({ locality: parseLocality((message as Random).localityLbConfig) }),
  createFactory: (config) => ({ create: (random) => new RandomLoadBalancer(random), locality: config.locality }),
};

/** Adds the policy to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
