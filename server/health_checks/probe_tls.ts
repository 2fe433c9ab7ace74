/** TLS on connections of health checks, with the transport sockets of traffic. Thread: main. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connectTls, createNodeTlsContext, type NodeTlsContext, tlsFailureOf, tlsSessionOf } from '../../core/io/node_tls.ts';
import { type TransportSocketContext, UPSTREAM_SOCKET_CATEGORY, type UpstreamTransportSocket } from '../../core/network/transport_socket.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { ExtensionConfig } from '../../core/registry/parse_context.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import { type ClusterConfig, DEFAULT_SOCKET } from '../../core/upstream/cluster_config.ts';

/** How one connection is secured. */
export interface ProbeSecurity {
  readonly socket: ProbeTlsSocket;
  /** Of the host, for the names that it must have; '' = none. */
  readonly hostname: string;
  /** Offered instead of what the socket offers; empty = that. */
  readonly alpnProtocols: readonly string[];
}

/** One of a cluster's transport sockets; its checks share what may be resumed. */
export class ProbeTlsSocket {
  private readonly rules: UpstreamTransportSocket;
  private context: NodeTlsContext | undefined;

  constructor(rules: UpstreamTransportSocket) {
    this.rules = rules;
  }

  /**
   * Begins TLS on a connection that is being made. `onReady`: the handshake is done and the host is whom it should be. A connection that
   * failed is closed, and that is all that its user hears.
   */
  secure(plain: Socket, { hostname, alpnProtocols }: ProbeSecurity, onReady: () => void): TLSSocket {
    const { rules } = this;
    this.context ??= createNodeTlsContext(rules.client);
    const host = { hostname };
    const verifyPeer = rules.verifier(host, null);
    const secured = connectTls(this.context, plain, {
      serverName: rules.serverName(host, null), ...(alpnProtocols.length > 0 ? { alpnProtocols } : {}), ...(verifyPeer === undefined ? {} : { verifyPeer }),
    });
    secured.on('error', (error) => rules.onHandshakeFailed(tlsFailureOf(error)));
    secured.on('secureConnect', () => {
      // Destroyed when the host is not whom it should be.
      if (secured.destroyed) return;
      if (rules.onHandshake(tlsSessionOf(secured), host, null) === '') onReady();
      else secured.destroy();
    });
    return secured;
  }
}

/** The transport sockets of one cluster, for its checks. */
export class ProbeSockets {
  private readonly own: ProbeTlsSocket | null;
  private readonly byName: ReadonlyMap<string, ProbeTlsSocket | null>;

  constructor({ transportSocket, socketConfigs }: Pick<ClusterConfig, 'transportSocket' | 'socketConfigs'>, scope: StatsScope, registry: FactoryRegistry) {
    const secured = (socket: ExtensionConfig | null): ProbeTlsSocket | null => (socket === null ? null : new ProbeTlsSocket(transportRules(socket, scope, registry)));
    this.own = secured(transportSocket);
    this.byName = new Map(Object.entries(socketConfigs ?? {}).map(([name, socket]) => [name, secured(socket)]));
  }

  /** null = plain connections. */
  of(name: string): ProbeTlsSocket | null {
    return name === DEFAULT_SOCKET ? this.own : (this.byName.get(name) ?? null);
  }
}

function transportRules({ typeName, config }: ExtensionConfig, scope: StatsScope, registry: FactoryRegistry): UpstreamTransportSocket {
  const factory = registry.get(UPSTREAM_SOCKET_CATEGORY, typeName);
  if (factory === undefined) throw new Error(`no transport socket ${typeName} on this thread`);
  const context: TransportSocketContext = { scope };
  return factory.createFactory(config, context) as UpstreamTransportSocket;
}
