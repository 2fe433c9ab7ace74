import type { ConnectionManagerConfig } from '../../core/http/connection_manager/config.ts';
import type { FilterChainConfig, ListenerConfig } from '../../core/network/listener/listener_config.ts';
import type { RouteConfig } from '../../core/route/route_config.ts';

const HTTP_CONNECTION_MANAGER_TYPE = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** A connection manager and where it stands. */
export interface PlacedManager {
  readonly listener: ListenerConfig;
  readonly chain: FilterChainConfig;
  readonly manager: ConnectionManagerConfig;
}

/** A connection manager with routes of its own. */
export interface PlacedRoutes extends PlacedManager {
  readonly routeConfig: RouteConfig;
}

/** The connection manager of a filter chain, or null when it has none. */
export function managerOf(chain: FilterChainConfig): ConnectionManagerConfig | null {
  const filter = chain.filters.find((candidate) => candidate.typeName === HTTP_CONNECTION_MANAGER_TYPE);
  return filter === undefined ? null : filter.config as ConnectionManagerConfig;
}

/** Every connection manager of some listeners that has routes, in order. */
export function routesOf(listeners: readonly ListenerConfig[]): PlacedRoutes[] {
  return listeners.flatMap((listener) => {
    const chains = listener.defaultFilterChain === null ? listener.filterChains : [...listener.filterChains, listener.defaultFilterChain];
    return chains.flatMap((chain) => {
      const manager = managerOf(chain);
      return manager === null || manager.routeConfig === null ? [] : [{ listener, chain, manager, routeConfig: manager.routeConfig }];
    });
  });
}
