import { LISTENER_FILTER_CATEGORY, type ListenerFilter } from '../../../../core/network/listener_filter.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';

/**
 * Where connections went before iptables redirected them here (SO_ORIGINAL_DST): Linux with the native addon. Elsewhere, and for
 * connections that were not redirected, the address stays what it is. (Envoy takes the listener's own address for theirs then: an
 * ORIGINAL_DST cluster connects to the listener, and so on without end.) Envoy: docs configuration/listeners/listener_filters/original_dst_filter.
 */
const factory: ExtensionFactory<object, unknown, ListenerFilter> = {
  category: LISTENER_FILTER_CATEGORY,
  name: 'envoy.filters.listener.original_dst',
  typeName: 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst',
  parse: () => Object.freeze({}),
  createFactory: () => RESTORE,
};

const RESTORE: ListenerFilter = {
  onAccept: (socket) => {
    const destination = socket.io.originalDestination(socket.handle);
    socket.originalDestination = destination === socket.io.localAddress(socket.handle) ? '' : destination;
  },
};

/** Adds the filter to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
