/** lb_policy and load_balancing_policy to an extension. Thread: main. */
import { Cluster_DiscoveryType, Cluster_LbPolicy } from '../../core/api/gen/envoy/config/cluster/v3/cluster_enums.ts';
import type { Cluster, LoadBalancingPolicy } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { AnyMessage, ExtensionConfig, ParseContext } from '../../core/registry/parse_context.ts';
import { LOAD_BALANCING_CATEGORY } from '../../core/upstream/load_balancer.ts';

const ROUND_ROBIN: ExtensionConfig = Object.freeze({
  name: 'envoy.load_balancing_policies.round_robin',
  typeName: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin',
  config: Object.freeze({}),
});

/** The policy that applies. A `load_balancing_policy` wins over `lb_policy`; of its list the first known one counts. */
export function parseLbPolicy(message: Cluster, context: ParseContext): ExtensionConfig {
  if (message.loadBalancingPolicy !== undefined) return parsePolicyList(message, message.loadBalancingPolicy, context);
  switch (message.lbPolicy) {
    case Cluster_LbPolicy.ROUND_ROBIN:
      break;
    case Cluster_LbPolicy.LEAST_REQUEST:
      context.refuse(message, 'lb_policy', 'LEAST_REQUEST load balancing');
      break;
    case Cluster_LbPolicy.RANDOM:
      context.refuse(message, 'lb_policy', 'RANDOM load balancing');
      break;
    case Cluster_LbPolicy.RING_HASH:
      context.refuse(message, 'lb_policy', 'RING_HASH load balancing');
      break;
    case Cluster_LbPolicy.MAGLEV:
      context.refuse(message, 'lb_policy', 'MAGLEV load balancing');
      break;
    case Cluster_LbPolicy.CLUSTER_PROVIDED:
      // Other types of cluster provide one; those are refused as such.
      if (!isPlain(message)) break;
      context.error(message, 'lb_policy', `cluster manager: cluster provided LB specified but cluster '${message.name}' did not provide one. Check cluster documentation.`);
      break;
    default:
      context.error(message, 'lb_policy', 'cluster: field load_balancing_policy need to be set');
  }
  return ROUND_ROBIN;
}

function parsePolicyList(cluster: Cluster, message: LoadBalancingPolicy, context: ParseContext): ExtensionConfig {
  const names: string[] = [];
  for (const [index, policy] of message.policies.entries()) {
    const typed = policy.typedExtensionConfig;
    if (typed === undefined) continue;
    names.push(typed.name);
    const isLast = index === message.policies.length - 1;
    // Lists name policies from the newest to what every proxy has: all but the last may be unknown.
    if (!isLast && typed.typedConfig !== undefined && !isKnown(typed.typedConfig.typeUrl)) continue;
    const extension = context.parseExtension(LOAD_BALANCING_CATEGORY, typed.name, typed.typedConfig as AnyMessage | undefined, typed, 'typed_config');
    return extension ?? ROUND_ROBIN;
  }
  context.error(cluster, 'load_balancing_policy', `cluster: didn't find a registered load balancer factory implementation for cluster: '${cluster.name}' with names from [${names.join(', ')}]`);
  return ROUND_ROBIN;
}

/** Static and DNS clusters. */
function isPlain(message: Cluster): boolean {
  const type = message.clusterDiscoveryType;
  return type.case === undefined || (type.case === 'type' && type.value <= Cluster_DiscoveryType.LOGICAL_DNS);
}

function isKnown(typeUrl: string): boolean {
  return typeUrl.endsWith(`/${ROUND_ROBIN.typeName}`);
}
