import type { HttpConnectionManager } from '../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.d.ts';
import type { Router } from '../../core/api/gen/envoy/extensions/filters/http/router/v3/router_pb.d.ts';
import { type ExtensionFactory, FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';
import { register as registerDnsCluster } from '../../extensions/clusters/dns/config.ts';
import { parseRouter, ROUTER_TYPE } from '../../extensions/filters/http/router/parse_config.ts';
import { HTTP_CONNECTION_MANAGER_TYPE, parseHttpConnectionManager } from '../../extensions/filters/network/http_connection_manager/parse_config.ts';
import { register as registerRoundRobin } from '../../extensions/load_balancing_policies/round_robin/config.ts';
import { register as registerCares } from '../../extensions/network/dns_resolver/cares/config.ts';
import { register as registerGetAddrInfo } from '../../extensions/network/dns_resolver/getaddrinfo/config.ts';
import { register as registerRawBuffer } from '../../extensions/transport_sockets/raw_buffer/config.ts';
import { register as registerHttpOptions } from '../../extensions/upstreams/http/config.ts';

/** A factory that only parses: for tests of configuration, which never make anything. */
export function parseOnly<Config>(category: string, name: string, typeName: string, parse: (message: object, context: ParseContext) => Config): ExtensionFactory<Config, unknown, Config> {
  return { category, name, typeName, parse, createFactory: (config) => config };
}

/** Extensions that a plain HTTP/1 configuration needs; tests add theirs. */
export function configRegistry(): FactoryRegistry {
  const registry = new FactoryRegistry();
  registry.register(parseOnly('envoy.filters.network', 'envoy.filters.network.http_connection_manager', HTTP_CONNECTION_MANAGER_TYPE,
    (message, context) => parseHttpConnectionManager(message as HttpConnectionManager, context)));
  registry.register(parseOnly('envoy.filters.http', 'envoy.filters.http.router', ROUTER_TYPE, (message, context) => parseRouter(message as Router, context)));
  for (const register of [registerDnsCluster, registerRoundRobin, registerCares, registerGetAddrInfo, registerRawBuffer, registerHttpOptions]) register(registry);
  return registry;
}
