import type { OverrideHost } from '../../../core/api/gen/envoy/extensions/load_balancing_policies/override_host/v3/override_host_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory, type LoadBalancingContext } from '../../../core/upstream/load_balancer.ts';
import { OVERRIDE_HOST_TYPE, type OverrideHostConfig, parseOverrideHost } from '../../../core/upstream/override_hosts.ts';

/** Requests that name hosts are core/cluster_manager/override_host_cluster; what is left to balance is the fallback's. */
const factory: ExtensionFactory<OverrideHostConfig, LoadBalancingContext, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.override_host',
  typeName: OVERRIDE_HOST_TYPE,
  parse: (message, context) => parseOverrideHost(message as OverrideHost, context),
  createFactory: ({ fallback }, context) => context.policy(fallback),
};

/** Adds the policy to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
