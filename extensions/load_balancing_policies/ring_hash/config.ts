import type { RingHash } from '../../../core/api/gen/envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { parseBalancerHashPolicies } from '../../../core/route/parse_hash_policy.ts';
import { parseRingHash, type RingHashConfig } from '../../../core/upstream/consistent_hash/config.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory } from '../../../core/upstream/load_balancer.ts';
import { HashTableBalancer } from '../../../core/upstream/consistent_hash/hash_table_balancer.ts';
import { ringTables } from '../../../core/upstream/consistent_hash/ring.ts';

const factory: ExtensionFactory<RingHashConfig, unknown, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.ring_hash',
  typeName: 'envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash',
  parse: (tracked, context) => {
    const message = tracked as RingHash;
    return Object.freeze({ ...parseRingHash(message, context), ...parseBalancerHashPolicies(message.consistentHashingLbConfig, context) });
  },
  createFactory: (config) => ({
    create: (random, { load, tables, localityWeightOf, environment }) => new HashTableBalancer(config, ringTables(config), random, load, tables, localityWeightOf, environment.tableQueue),
    usesHash: true,
  }),
};

/** Adds the policy to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
