import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';

/** A plain connection: what there is without a transport socket as well, so nothing is configured and nothing made. */
function rawBuffer(category: string): ExtensionFactory<null, unknown, null> {
  return {
    category,
    name: 'envoy.transport_sockets.raw_buffer',
    typeName: 'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
    parse: () => null,
    createFactory: () => null,
  };
}

/** Adds the socket for both sides. */
export function register(registry: FactoryRegistry): void {
  registry.register(rawBuffer('envoy.transport_sockets.downstream'));
  registry.register(rawBuffer('envoy.transport_sockets.upstream'));
}
