import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { DNS_RESOLVER_CATEGORY, type DnsResolverOptions, SYSTEM_RESOLVER } from '../../../../core/upstream/dns_options.ts';

/** The system's resolver. Retries and threads are left unread. */
const factory: ExtensionFactory<DnsResolverOptions, unknown, DnsResolverOptions> = {
  category: DNS_RESOLVER_CATEGORY,
  name: 'envoy.network.dns_resolver.getaddrinfo',
  typeName: 'envoy.extensions.network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig',
  parse: () => SYSTEM_RESOLVER,
  createFactory: (config) => config,
};

/** Adds the resolver to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
