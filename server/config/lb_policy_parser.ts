/** lb_policy and load_balancing_policy to an extension. Thread: main. */
import { Cluster_DiscoveryType, Cluster_LbPolicy } from '../../core/api/gen/envoy/config/cluster/v3/cluster_enums.ts';
import type { Cluster } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { ExtensionConfig, ParseContext } from '../../core/registry/parse_context.ts';
import { parseLegacyMaglev, parseLegacyRingHash } from '../../core/upstream/consistent_hash/config.ts';
import { parseLeastRequest } from '../../core/upstream/least_request_config.ts';
import { parseLocality } from '../../core/upstream/locality_config.ts';
import { parsePolicyList } from '../../core/upstream/lb_policy_list.ts';
import { parseSlowStart } from '../../core/upstream/slow_start.ts';
import { parseSubsets, subsetPolicy } from '../../core/upstream/subset/subset_config.ts';

const TYPE_NAMES = {
  round_robin: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin',
  least_request: 'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest',
  random: 'envoy.extensions.load_balancing_policies.random.v3.Random',
  ring_hash: 'envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash',
  maglev: 'envoy.extensions.load_balancing_policies.maglev.v3.Maglev',
} as const;
const SUBSET_TYPE_NAME = 'envoy.extensions.load_balancing_policies.subset.v3.Subset';
const NO_CONFIG = Object.freeze({});
const PROVIDED_TYPE = '/envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided';
const PROVIDED_AND_SUBSET = 'cluster: LB policy CLUSTER_PROVIDED cannot be combined with lb_subset_config';

/** The policy that applies; `providesOne`: the cluster's type has one of its own, which must be asked for. A `load_balancing_policy` wins over `lb_policy`; of its list the first known one counts. */
export function parseLbPolicy(message: Cluster, providesOne: boolean, context: ParseContext): ExtensionConfig {
  if (providesOne) return checkProvided(message, context);
  const subsets = message.loadBalancingPolicy === undefined ? message.lbSubsetConfig : undefined;
  // Without a selector there are no subsets, whatever else is said.
  if (subsets === undefined || subsets.subsetSelectors.length === 0) return parsePolicy(message, context);
  if (message.lbPolicy === Cluster_LbPolicy.CLUSTER_PROVIDED) {
    context.error(message, 'lb_subset_config', PROVIDED_AND_SUBSET);
    return policy('round_robin', NO_CONFIG);
  }
  return { name: 'envoy.load_balancing_policies.subset', typeName: SUBSET_TYPE_NAME, config: subsetPolicy(parseSubsets(subsets, context), parsePolicy(message, context)) };
}

function parsePolicy(message: Cluster, context: ParseContext): ExtensionConfig {
  const common = message.commonLbConfig;
  if (common?.consistentHashingLbConfig?.useHostnameForHashing === true && !isStrictDns(message)) {
    context.error(common.consistentHashingLbConfig, 'use_hostname_for_hashing', `Cannot use hostname for consistent hashing loadbalancing for cluster of type: '${typeName(message)}'`);
  }
  if (message.loadBalancingPolicy !== undefined) {
    if (asksForProvided(message) && isPlain(message)) {
      context.error(message, 'load_balancing_policy', noneProvided(message));
      context.consume(message, 'load_balancing_policy');
      return policy('round_robin', NO_CONFIG);
    }
    checkCombination(message, context);
    const notFound = (names: string): string => `cluster: didn't find a registered load balancer factory implementation for cluster: '${message.name}' with names from [${names}]`;
    return parsePolicyList(message.loadBalancingPolicy, message, 'load_balancing_policy', notFound, context) ?? policy('round_robin', NO_CONFIG);
  }
  const config = message.lbConfig;
  switch (message.lbPolicy) {
    case Cluster_LbPolicy.ROUND_ROBIN:
      return policy('round_robin', { locality: parseLocality(common), slowStart: parseSlowStart(config.case === 'roundRobinLbConfig' ? config.value.slowStartConfig : undefined) });
    case Cluster_LbPolicy.LEAST_REQUEST:
      return policy('least_request', parseLeastRequest(config.case === 'leastRequestLbConfig' ? config.value : undefined, false, parseLocality(common)));
    case Cluster_LbPolicy.RANDOM:
      return policy('random', { locality: parseLocality(common) });
    case Cluster_LbPolicy.RING_HASH:
      return policy('ring_hash', parseLegacyRingHash(config.case === 'ringHashLbConfig' ? config.value : undefined, common, message, context));
    case Cluster_LbPolicy.MAGLEV:
      return policy('maglev', parseLegacyMaglev(config.case === 'maglevLbConfig' ? config.value : undefined, common, message, context));
    case Cluster_LbPolicy.CLUSTER_PROVIDED:
      if (message.lbSubsetConfig !== undefined) context.error(message, 'lb_subset_config', PROVIDED_AND_SUBSET);
      // Types of cluster that are refused may well provide one.
      if (isPlain(message)) context.error(message, 'lb_policy', noneProvided(message));
      break;
    default:
      context.error(message, 'lb_policy', 'cluster: field load_balancing_policy need to be set');
  }
  return policy('round_robin', NO_CONFIG);
}

/** A cluster that chooses its hosts itself must say so; what is returned then is never asked. */
function checkProvided(message: Cluster, context: ParseContext): ExtensionConfig {
  const type = message.clusterDiscoveryType;
  const isAsked = message.lbPolicy === Cluster_LbPolicy.CLUSTER_PROVIDED;
  if (type.case === 'type' && !isAsked) {
    const name = Object.entries(Cluster_LbPolicy).find(([, value]) => value === message.lbPolicy)?.[0];
    context.error(message, 'lb_policy', `cluster: LB policy ${name} is not valid for Cluster type ORIGINAL_DST. Only 'CLUSTER_PROVIDED' is allowed with cluster type 'ORIGINAL_DST'`);
  } else if (!isAsked && !asksForProvided(message)) {
    context.error(message, 'lb_policy', `cluster manager: cluster provided LB not specified but cluster '${message.name}' provided one. Check cluster documentation.`);
  }
  if (message.lbSubsetConfig !== undefined) context.error(message, 'lb_subset_config', PROVIDED_AND_SUBSET);
  if (message.loadBalancingPolicy !== undefined) context.consume(message, 'load_balancing_policy');
  return policy('round_robin', NO_CONFIG);
}

function asksForProvided(message: Cluster): boolean {
  return message.loadBalancingPolicy?.policies.some((each) => each.typedExtensionConfig?.typedConfig?.typeUrl.endsWith(PROVIDED_TYPE) === true) === true;
}

function noneProvided(message: Cluster): string {
  return `cluster manager: cluster provided LB specified but cluster '${message.name}' did not provide one. Check cluster documentation.`;
}

function policy(name: keyof typeof TYPE_NAMES, config: object): ExtensionConfig {
  return { name: `envoy.load_balancing_policies.${name}`, typeName: TYPE_NAMES[name], config };
}

/** What a policy with settings of its own leaves no room for. */
function checkCombination(message: Cluster, context: ParseContext): void {
  const common = message.commonLbConfig;
  if (message.lbSubsetConfig !== undefined) context.error(message, 'lb_subset_config', 'cluster: load_balancing_policy cannot be combined with lb_subset_config');
  if (common !== undefined && (common.localityConfigSpecifier.case !== undefined || common.consistentHashingLbConfig !== undefined)) {
    context.error(
      message, 'common_lb_config',
      'cluster: load_balancing_policy cannot be combined with partial fields (zone_aware_lb_config, locality_weighted_lb_config, consistent_hashing_lb_config) of common_lb_config',
    );
  }
}

function isStrictDns(message: Cluster): boolean {
  const type = message.clusterDiscoveryType;
  return type.case === 'type' && type.value === Cluster_DiscoveryType.STRICT_DNS;
}

/** As Envoy calls it. */
function typeName(message: Cluster): string {
  const type = message.clusterDiscoveryType;
  if (type.case === 'clusterType') return type.value.name;
  return `envoy.cluster.${(['static', 'strict_dns', 'logical_dns', 'eds', 'original_dst'] as const)[type.value ?? 0]}`;
}

/** Static and DNS clusters. */
function isPlain(message: Cluster): boolean {
  const type = message.clusterDiscoveryType;
  return type.case === undefined || (type.case === 'type' && type.value <= Cluster_DiscoveryType.LOGICAL_DNS);
}
