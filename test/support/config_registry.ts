import { type ExtensionFactory, FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';
import { register as registerAggregateCluster } from '../../extensions/clusters/aggregate/config.ts';
import { register as registerDnsCluster } from '../../extensions/clusters/dns/config.ts';
import { register as registerRouter } from '../../extensions/filters/http/router/config.ts';
import { register as registerUpstreamCodec } from '../../extensions/filters/http/upstream_codec/config.ts';
import { register as registerConnectionManager } from '../../extensions/filters/network/http_connection_manager/config.ts';
import { register as registerClientSide } from '../../extensions/load_balancing_policies/client_side_weighted_round_robin/config.ts';
import { register as registerLeastRequest } from '../../extensions/load_balancing_policies/least_request/config.ts';
import { register as registerMaglev } from '../../extensions/load_balancing_policies/maglev/config.ts';
import { register as registerOverrideHost } from '../../extensions/load_balancing_policies/override_host/config.ts';
import { register as registerRandom } from '../../extensions/load_balancing_policies/random/config.ts';
import { register as registerRingHash } from '../../extensions/load_balancing_policies/ring_hash/config.ts';
import { register as registerRoundRobin } from '../../extensions/load_balancing_policies/round_robin/config.ts';
import { register as registerSubset } from '../../extensions/load_balancing_policies/subset/config.ts';
import { register as registerWrrLocality } from '../../extensions/load_balancing_policies/wrr_locality/config.ts';
import { register as registerCares } from '../../extensions/network/dns_resolver/cares/config.ts';
import { register as registerGetAddrInfo } from '../../extensions/network/dns_resolver/getaddrinfo/config.ts';
import { register as registerRawBuffer } from '../../extensions/transport_sockets/raw_buffer/config.ts';
import { register as registerTls } from '../../extensions/transport_sockets/tls/config.ts';
import { register as registerHttpOptions } from '../../extensions/upstreams/http/config.ts';

/** A factory that only parses: for tests of configuration, which never make anything. */
export function parseOnly<Config>(category: string, name: string, typeName: string, parse: (message: object, context: ParseContext) => Config): ExtensionFactory<Config, unknown, Config> {
  return { category, name, typeName, parse, createFactory: (config) => config };
}

/** Extensions that a plain HTTP/1 configuration needs; tests add theirs. */
export function configRegistry(): FactoryRegistry {
  const registry = new FactoryRegistry();
  const all = [
    registerConnectionManager, registerRouter, registerUpstreamCodec, registerAggregateCluster, registerDnsCluster, registerRoundRobin, registerLeastRequest, registerRandom, registerRingHash, registerMaglev, registerOverrideHost, registerSubset,
    registerClientSide, registerWrrLocality,
    registerCares, registerGetAddrInfo, registerRawBuffer, registerTls, registerHttpOptions,
  ];
  for (const register of all) register(registry);
  return registry;
}
