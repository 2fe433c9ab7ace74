import type { WrrLocality } from '../../../core/api/gen/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { parsePolicyList } from '../../../core/upstream/lb_policy_list.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory, type LoadBalancingContext } from '../../../core/upstream/load_balancer.ts';
import { CLIENT_SIDE_TYPE, WRR_LOCALITY_TYPE, type WrrLocalityConfig } from '../../../core/upstream/load_reports/load_weights_config.ts';
import { NO_LOCALITY } from '../../../core/upstream/locality_config.ts';

const BY_WEIGHT = Object.freeze({ ...NO_LOCALITY, isWeighted: true });
/** Stands for what could not be parsed; an error was reported. */
const NONE = Object.freeze({ name: '', typeName: '', config: null });

/** A locality by its weight, then a host of it by its load. */
const factory: ExtensionFactory<WrrLocalityConfig, LoadBalancingContext, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.wrr_locality',
  typeName: WRR_LOCALITY_TYPE,
  parse: (tracked, context) => {
    const message = tracked as WrrLocality;
    // The rules of the proto say that one is missing.
    if (message.endpointPickingPolicy === undefined) return Object.freeze({ picking: NONE });
    const picking = parsePolicyList(message.endpointPickingPolicy, message, 'endpoint_picking_policy', () => 'No supported endpoint picking policy.', context);
    if (picking !== undefined && picking.typeName !== CLIENT_SIDE_TYPE) {
      context.error(message, 'endpoint_picking_policy', 'Currently WrrLocalityLoadBalancer only supports ClientSideWeightedRoundRobinLoadBalancer as its endpoint picking policy.');
    }
    return Object.freeze({ picking: picking ?? NONE });
  },
  createFactory: ({ picking }, context) => ({ ...context.policy(picking), locality: BY_WEIGHT }),
};

/** Adds the policy to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
