import type { CaresDnsResolverConfig } from '../../../../core/api/gen/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver_pb.d.ts';
import { isDeepStrictEqual } from 'node:util';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { DNS_QUERY_DEFAULTS, type DnsQueryOptions } from '../../../../core/upstream/cluster_config.ts';
import { DNS_RESOLVER_CATEGORY, type DnsResolverOptions, parseResolvers } from '../../../../core/upstream/dns_options.ts';

/** Defaults of c-ares itself, which are not Envoy's. */
const CARES_TIMEOUT_MS = 2000;
const CARES_TRIES = 3;

/** Which servers to ask; the asking itself is the same whatever the extension. */
const factory: ExtensionFactory<DnsResolverOptions, unknown, DnsResolverOptions> = {
  category: DNS_RESOLVER_CATEGORY,
  name: 'envoy.network.dns_resolver.cares',
  typeName: 'envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
  parse: (tracked, context) => {
    const message = tracked as CaresDnsResolverConfig;
    const resolvers = parseResolvers(message.resolvers, context);
    return deepFreeze({ resolvers, useTcp: message.dnsResolverOptions?.useTcpForDnsLookups ?? false, ...parseQueries(message) });
  },
  createFactory: (config) => config,
};

/** Nothing where all is as usual. Payload size, channel duration and reinitialisation are the platform's affair and stay unread. */
function parseQueries(message: CaresDnsResolverConfig): { query?: DnsQueryOptions } {
  const query: DnsQueryOptions = {
    timeoutMs: message.queryTimeoutSeconds === undefined ? DNS_QUERY_DEFAULTS.timeoutMs : positiveInt32(message.queryTimeoutSeconds * 1000n, CARES_TIMEOUT_MS),
    tries: message.queryTries === undefined ? DNS_QUERY_DEFAULTS.tries : positiveInt32(BigInt(message.queryTries), CARES_TRIES),
    rotates: message.rotateNameservers,
    usesSearchList: !(message.dnsResolverOptions?.noDefaultSearchDomain ?? false),
    resolversAreFallback: message.useResolversAsFallback,
    filtersUnroutable: message.filterUnroutableFamilies,
    udpMaxQueries: message.udpMaxQueries ?? DNS_QUERY_DEFAULTS.udpMaxQueries,
  };
  return isDeepStrictEqual(query, DNS_QUERY_DEFAULTS) ? {} : { query };
}

/** What c-ares makes of a number that it gets as a C int: what is not above 0 stands for its own default. */
function positiveInt32(value: bigint, fallback: number): number {
  const int = Number(BigInt.asIntN(32, value));
  return int > 0 ? int : fallback;
}

/** Adds the resolver to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
