import type { RoundRobin } from '../../../core/api/gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory } from '../../../core/upstream/load_balancer.ts';
import { type LocalityConfig, parseLocality } from '../../../core/upstream/locality_config.ts';
import { parseSlowStart, SlowStart, type SlowStartConfig } from '../../../core/upstream/slow_start.ts';
import { RoundRobinLoadBalancer } from './round_robin.ts';

export interface RoundRobinConfig {
  readonly locality?: LocalityConfig;
  /** absent: none. */
  readonly slowStart?: SlowStartConfig | undefined;
}

const factory: ExtensionFactory<RoundRobinConfig, unknown, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.round_robin',
  typeName: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin',
  parse: (tracked) => {
    const message = tracked as RoundRobin;
    return Object.freeze({ locality: parseLocality(message.localityLbConfig), slowStart: parseSlowStart(message.slowStartConfig) });
  },
  createFactory: ({ slowStart, locality }) => ({
    create: (random, { environment }) => new RoundRobinLoadBalancer(random, slowStart === undefined ? null : new SlowStart(slowStart, environment)),
    locality,
  }),
};

/** Adds the policy to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
