import type { HttpConnectionManager } from '../../../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.d.ts';
import type { ConnectionManagerConfig } from '../../../../core/http/connection_manager/config.ts';
import type { NetworkFilterContext } from '../../../../core/http/connection_manager/network_filter_context.ts';
import { NETWORK_FILTER_CATEGORY, type NetworkFilterFactory } from '../../../../core/network/network_filter.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { createManagerFactory } from './factory.ts';
import { HTTP_CONNECTION_MANAGER_TYPE, parseHttpConnectionManager } from './parse_config.ts';

/** envoy.filters.network.http_connection_manager: HTTP on a connection. The code is in core/http. */
const factory: ExtensionFactory<ConnectionManagerConfig, NetworkFilterContext, NetworkFilterFactory> = {
  category: NETWORK_FILTER_CATEGORY,
  name: 'envoy.filters.network.http_connection_manager',
  typeName: HTTP_CONNECTION_MANAGER_TYPE,
  parse: (message, context) => parseHttpConnectionManager(message as HttpConnectionManager, context),
  createFactory: createManagerFactory,
};

/** Adds the filter to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
