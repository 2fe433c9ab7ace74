import type { ClusterConfig } from '../../../core/api/gen/envoy/extensions/clusters/aggregate/v3/cluster_pb.d.ts';
import { deepFreeze } from '../../../core/base/deep_freeze.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import type { AggregateConfig } from '../../../core/upstream/cluster_config.ts';
import { CLUSTER_CATEGORY } from '../../../core/upstream/dns_options.ts';

/** Names of clusters. Those that do not exist (yet) are left out, as in Envoy. */
const factory: ExtensionFactory<AggregateConfig, unknown, AggregateConfig> = {
  category: CLUSTER_CATEGORY,
  name: 'envoy.clusters.aggregate',
  typeName: 'envoy.extensions.clusters.aggregate.v3.ClusterConfig',
  parse: (message) => deepFreeze({ kind: 'aggregate' as const, clusters: [...(message as ClusterConfig).clusters] }),
  createFactory: (config) => config,
};

/** Adds the cluster type to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
