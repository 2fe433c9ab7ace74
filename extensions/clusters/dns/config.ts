import type { DnsCluster } from '../../../core/api/gen/envoy/extensions/clusters/dns/v3/dns_cluster_pb.d.ts';
import { durationMsOr } from '../../../core/api/scalar_values.ts';
import { deepFreeze } from '../../../core/base/deep_freeze.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../../core/registry/parse_context.ts';
import { CLUSTER_CATEGORY, type DnsClusterOptions, parseRefresh, parseTypedResolver, SYSTEM_RESOLVER } from '../../../core/upstream/dns_options.ts';

/** UNSPECIFIED is AUTO. */
const LOOKUP_FAMILIES = ['auto', 'auto', 'v4_only', 'v6_only', 'v4_preferred', 'all'] as const;

/** Main-thread data: how the hosts are found; workers only get the hosts. */
const factory: ExtensionFactory<DnsClusterOptions, unknown, DnsClusterOptions> = {
  category: CLUSTER_CATEGORY,
  name: 'envoy.clusters.dns',
  typeName: 'envoy.extensions.clusters.dns.v3.DnsCluster',
  parse: (message, context) => parseDnsCluster(message as DnsCluster, context),
  createFactory: (config) => config,
};

/** Adds the cluster type to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}

function parseDnsCluster(message: DnsCluster, context: ParseContext): DnsClusterOptions {
  const typed = message.typedDnsResolverConfig;
  const resolver = typed === undefined ? SYSTEM_RESOLVER : parseTypedResolver(typed, context);
  return deepFreeze({
    kind: 'dns' as const,
    hasResolver: typed !== undefined,
    isLogical: message.allAddressesInSingleEndpoint,
    dns: {
      ...parseRefresh(message, context),
      jitterMs: durationMsOr(message.dnsJitter, 0),
      lookupFamily: LOOKUP_FAMILIES[message.dnsLookupFamily] ?? 'auto',
      ...resolver,
    },
  });
}
