import type { Subset } from '../../../core/api/gen/envoy/extensions/load_balancing_policies/subset/v3/subset_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory, type LoadBalancingContext } from '../../../core/upstream/load_balancer.ts';
import { loadWeightsOf } from '../../../core/upstream/load_reports/load_weights_config.ts';
import { parsePolicyList } from '../../../core/upstream/lb_policy_list.ts';
import { OVERRIDE_HOST_TYPE } from '../../../core/upstream/override_hosts.ts';
import { parseSubsets, subsetPolicy, type SubsetPolicyConfig } from '../../../core/upstream/subset/subset_config.ts';

const ROUND_ROBIN = { name: 'envoy.load_balancing_policies.round_robin', typeName: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin', config: Object.freeze({}) };

/** Balances within subsets by another policy; the subsets themselves are core/upstream/subset. */
const factory: ExtensionFactory<SubsetPolicyConfig, LoadBalancingContext, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.subset',
  typeName: 'envoy.extensions.load_balancing_policies.subset.v3.Subset',
  parse: (tracked, context) => {
    const message = tracked as Subset;
    const notFound = (names: string): string => `cluster: didn't find a registered load balancer factory implementation for subset lb with names from [${names}]`;
    const child = parsePolicyList(message.subsetLbPolicy, message, 'subset_lb_policy', notFound, context);
    if (child?.typeName === OVERRIDE_HOST_TYPE) context.refuse(message, 'subset_lb_policy', 'hosts named by requests within subsets (override_host)');
    if (child !== undefined && loadWeightsOf(child) !== null) context.refuse(message, 'subset_lb_policy', 'weights by load within subsets (client_side_weighted_round_robin, wrr_locality)');
    return subsetPolicy(parseSubsets(message, context), child ?? ROUND_ROBIN);
  },
  createFactory: ({ subsets, child }, context) => ({ ...context.policy(child), subsets }),
};

/** Adds the policy to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
