import type { Io } from '../../io/io.ts';
import type { TlsConnect } from '../../io/tls.ts';
import type { SocketHost, TransportSocketOptions, UpstreamTransportSocket } from '../../network/transport_socket.ts';
import type { ExtensionConfig } from '../../registry/parse_context.ts';
import { type ClusterConfig, DEFAULT_SOCKET } from '../../upstream/cluster_config.ts';
import type { Host } from '../../upstream/host.ts';

const NO_CONTEXT = -1;
const HTTP1: readonly string[] = ['http/1.1'];

/** One of a cluster's transport sockets on this worker. Its TLS context is made with the first connection: many are never used. */
export class SecureSocket {
  readonly rules: UpstreamTransportSocket;
  private readonly io: Io;
  private context: number;

  constructor(rules: UpstreamTransportSocket, io: Io) {
    this.rules = rules;
    this.io = io;
    this.context = NO_CONTEXT;
  }

  /** `isHttp`: for HTTP/1, which is offered where the configuration offers nothing. Throws what `Io.addTlsContext` throws. */
  connectOptions(host: SocketHost, options: TransportSocketOptions | null, isHttp: boolean): TlsConnect {
    const { client } = this.rules;
    if (this.context === NO_CONTEXT) this.context = this.io.addTlsContext(client);
    const verifyPeer = this.rules.verifier(host, options);
    return {
      context: this.context, serverName: this.rules.serverName(host, options), ...(isHttp && client.alpnProtocols.length === 0 ? { alpnProtocols: HTTP1 } : {}),
      ...(verifyPeer === undefined ? {} : { verifyPeer }),
    };
  }

  /** Connections live on; one that is made after all has a new context. */
  release(): void {
    if (this.context !== NO_CONTEXT) this.io.removeTlsContext(this.context);
    this.context = NO_CONTEXT;
  }
}

/** How connections of one cluster are secured on this worker, by transport_socket_matches and the cluster's own socket. */
export class ClusterSockets {
  private readonly own: SecureSocket | null;
  private readonly byName: ReadonlyMap<string, SecureSocket | null>;

  private constructor(own: SecureSocket | null, byName: ReadonlyMap<string, SecureSocket | null>) {
    this.own = own;
    this.byName = byName;
  }

  /** null = all its connections are plain, or not real. */
  static create(config: ClusterConfig, io: Io, make: (socket: ExtensionConfig) => UpstreamTransportSocket): ClusterSockets | null {
    const secured = (socket: ExtensionConfig | null): SecureSocket | null => (socket === null ? null : new SecureSocket(make(socket), io));
    const named = Object.entries(config.socketConfigs ?? {});
    const isPlain = config.transportSocket === null && named.every(([, socket]) => socket === null);
    if (isPlain || !io.speaksTls) return null;
    return new ClusterSockets(secured(config.transportSocket), new Map(named.map(([name, socket]) => [name, secured(socket)])));
  }

  /** null = plain connections. */
  of(host: Host): SecureSocket | null {
    const { socket } = host.config;
    return socket === undefined || socket === DEFAULT_SOCKET ? this.own : (this.byName.get(socket) ?? null);
  }

  release(): void {
    this.own?.release();
    for (const socket of this.byName.values()) socket?.release();
  }
}

/** Whether connections to a host of this cluster are secured. */
export function isSecured(config: ClusterConfig, host: Host): boolean {
  const { socket } = host.config;
  return (socket === undefined || socket === DEFAULT_SOCKET ? config.transportSocket : (config.socketConfigs?.[socket] ?? null)) !== null;
}
