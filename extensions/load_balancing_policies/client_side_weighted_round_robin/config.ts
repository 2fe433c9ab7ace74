import type { ClientSideWeightedRoundRobin } from '../../../core/api/gen/envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory, type LoadBalancingContext } from '../../../core/upstream/load_balancer.ts';
import { CLIENT_SIDE_TYPE, type ClientSideConfig, parseClientSide } from '../../../core/upstream/load_reports/load_weights_config.ts';

const ROUND_ROBIN = { name: 'envoy.load_balancing_policies.round_robin', typeName: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin' };

/** Round robin by weights that come from load reports; those are core/upstream/load_reports. */
const factory: ExtensionFactory<ClientSideConfig, LoadBalancingContext, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.client_side_weighted_round_robin',
  typeName: CLIENT_SIDE_TYPE,
  parse: (message) => parseClientSide(message as ClientSideWeightedRoundRobin),
  createFactory: ({ slowStart }, context) => context.policy({ ...ROUND_ROBIN, config: { slowStart } }),
};

/** Adds the policy to a registry, which must have round robin too. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
