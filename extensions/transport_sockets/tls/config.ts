import type { UpstreamTlsContext } from '../../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.d.ts';
import { type TransportSocketContext, UPSTREAM_SOCKET_CATEGORY, type UpstreamTransportSocket } from '../../../core/network/transport_socket.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import { MaterialCache } from './material.ts';
import { parseUpstreamTls } from './parse_upstream_tls.ts';
import type { UpstreamTlsConfig } from './tls_config.ts';
import { UpstreamTlsSocket } from './upstream_tls_socket.ts';

/** TLS to the hosts of a cluster. */
function upstreamTls(): ExtensionFactory<UpstreamTlsConfig, TransportSocketContext, UpstreamTransportSocket> {
  const cache = new MaterialCache();
  return {
    category: UPSTREAM_SOCKET_CATEGORY,
    name: 'envoy.transport_sockets.tls',
    typeName: 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    parse: (message, context) => parseUpstreamTls(message as UpstreamTlsContext, cache, context),
    createFactory: (config, context) => new UpstreamTlsSocket(config, context),
  };
}

export function register(registry: FactoryRegistry): void {
  registry.register(upstreamTls());
}
