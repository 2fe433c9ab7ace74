/** lb_policy and load_balancing_policy to an extension. Thread: main. */
import { Cluster_DiscoveryType, Cluster_LbPolicy } from '../../core/api/gen/envoy/config/cluster/v3/cluster_enums.ts';
import type { Cluster, LoadBalancingPolicy } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { AnyMessage, ExtensionConfig, ParseContext } from '../../core/registry/parse_context.ts';
import { parseLeastRequest } from '../../core/upstream/least_request_config.ts';
import { LOAD_BALANCING_CATEGORY } from '../../core/upstream/load_balancer.ts';

const NAMES = ['round_robin', 'least_request', 'random'] as const;
const TYPE_NAMES = {
  round_robin: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin',
  least_request: 'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest',
  random: 'envoy.extensions.load_balancing_policies.random.v3.Random',
} as const;
const NO_CONFIG = Object.freeze({});

/** The policy that applies. A `load_balancing_policy` wins over `lb_policy`; of its list the first known one counts. */
export function parseLbPolicy(message: Cluster, context: ParseContext): ExtensionConfig {
  if (message.loadBalancingPolicy !== undefined) return parsePolicyList(message, message.loadBalancingPolicy, context);
  switch (message.lbPolicy) {
    case Cluster_LbPolicy.ROUND_ROBIN:
      return policy('round_robin', NO_CONFIG);
    case Cluster_LbPolicy.LEAST_REQUEST: {
      const config = message.lbConfig;
      return policy('least_request', parseLeastRequest(config.case === 'leastRequestLbConfig' ? config.value : undefined, false));
    }
    case Cluster_LbPolicy.RANDOM:
      return policy('random', NO_CONFIG);
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
  return policy('round_robin', NO_CONFIG);
}

function parsePolicyList(cluster: Cluster, message: LoadBalancingPolicy, context: ParseContext): ExtensionConfig {
  const names: string[] = [];
  for (const [index, entry] of message.policies.entries()) {
    const typed = entry.typedExtensionConfig;
    if (typed === undefined) continue;
    names.push(typed.name);
    const isLast = index === message.policies.length - 1;
    // Lists name policies from the newest to what every proxy has: all but the last may be unknown.
    if (!isLast && typed.typedConfig !== undefined && !isKnown(typed.typedConfig.typeUrl)) continue;
    const extension = context.parseExtension(LOAD_BALANCING_CATEGORY, typed.name, typed.typedConfig as AnyMessage | undefined, typed, 'typed_config');
    return extension ?? policy('round_robin', NO_CONFIG);
  }
  context.error(cluster, 'load_balancing_policy', `cluster: didn't find a registered load balancer factory implementation for cluster: '${cluster.name}' with names from [${names.join(', ')}]`);
  return policy('round_robin', NO_CONFIG);
}

function policy(name: (typeof NAMES)[number], config: object): ExtensionConfig {
  return { name: `envoy.load_balancing_policies.${name}`, typeName: TYPE_NAMES[name], config };
}

/** Static and DNS clusters. */
function isPlain(message: Cluster): boolean {
  const type = message.clusterDiscoveryType;
  return type.case === undefined || (type.case === 'type' && type.value <= Cluster_DiscoveryType.LOGICAL_DNS);
}

function isKnown(typeUrl: string): boolean {
  return NAMES.some((name) => typeUrl.endsWith(`/${TYPE_NAMES[name]}`));
}
