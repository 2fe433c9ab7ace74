import type { CaresDnsResolverConfig } from '../../../../core/api/gen/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver_pb.d.ts';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { DNS_RESOLVER_CATEGORY, type DnsResolverOptions, parseResolvers } from '../../../../core/upstream/dns_options.ts';

/** Which servers to ask; the asking itself is the same whatever the extension. */
const factory: ExtensionFactory<DnsResolverOptions, unknown, DnsResolverOptions> = {
  category: DNS_RESOLVER_CATEGORY,
  name: 'envoy.network.dns_resolver.cares',
  typeName: 'envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
  parse: (tracked, context) => {
    const message = tracked as CaresDnsResolverConfig;
    const resolvers = parseResolvers(message.resolvers, context);
    return deepFreeze({ resolvers, useTcp: message.dnsResolverOptions?.useTcpForDnsLookups ?? false });
  },
  createFactory: (config) => config,
};

/** Adds the resolver to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
