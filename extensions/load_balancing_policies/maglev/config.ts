import type { Maglev } from '../../../core/api/gen/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { parseBalancerHashPolicies } from '../../../core/route/parse_hash_policy.ts';
import { type MaglevConfig, parseMaglev } from '../../../core/upstream/consistent_hash/config.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancerFactory } from '../../../core/upstream/load_balancer.ts';
import { HashTableBalancer } from '../../../core/upstream/consistent_hash/hash_table_balancer.ts';
import { maglevTables } from '../../../core/upstream/consistent_hash/maglev_table.ts';

const factory: ExtensionFactory<MaglevConfig, unknown, LoadBalancerFactory> = {
  category: LOAD_BALANCING_CATEGORY,
  name: 'envoy.load_balancing_policies.maglev',
  typeName: 'envoy.extensions.load_balancing_policies.maglev.v3.Maglev',
  parse: (tracked, context) => {
    const message = tracked as Maglev;
    return Object.freeze({ ...parseMaglev(message, context), ...parseBalancerHashPolicies(message.consistentHashingLbConfig, context) });
  },
  createFactory: (config) => ({
    create: (random, { load, tables, localityWeightOf, environment }) => new HashTableBalancer(config, maglevTables(config), random, load, tables, localityWeightOf, environment.tableQueue),
    usesHash: true,
  }),
};

/** Adds the policy to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
