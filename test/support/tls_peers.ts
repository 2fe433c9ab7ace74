import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { TlsClientConfig, TlsTrustConfig } from '../../core/io/tls.ts';
import { Peer } from './io_driver.ts';
import { testCertificate, tlsFile } from './tls/certificates.ts';

/** Trusts the test authority; `trust` null = verifies nothing. */
export function clientConfig(config: Partial<TlsClientConfig> = {}, trust: Partial<TlsTrustConfig> | null = {}): TlsClientConfig {
  return {
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    cipherSuites: '',
    curves: '',
    signatureAlgorithms: '',
    certificates: [],
    trust: trust === null ? null : { trustedCa: tlsFile('ca.pem'), crl: '', checksLeafCrlOnly: false, allowsExpired: false, acceptsUntrusted: false, maxDepth: -1, ...trust },
    alpnProtocols: [],
    maxSessionKeys: 1,
    allowsRenegotiation: false,
    ...config,
  };
}

/** A connection that a TLS server accepted. */
export class TlsPeer extends Peer {
  declare readonly socket: TLSSocket;
}

/** A TLS server of a test. */
export interface TlsTestServer {
  readonly port: number;
  /** Connections whose handshake is done, in order. */
  readonly peers: TlsPeer[];
  /** Why handshakes failed, by the server. */
  readonly failures: string[];
}

/** What a relay does between a client and a server. */
export interface RelayShape {
  /** One byte at a time, in both directions. */
  readonly trickles?: boolean;
  /** Called with both sockets and everything that came from the client so far. */
  onClientBytes?(client: Socket, server: Socket, bytes: Buffer): void;
}

/** Servers on loopback that end with the test. */
export class TlsPeers {
  private readonly servers: Server[] = [];
  private readonly sockets = new Set<Socket>();

  /** Echoes nothing by itself. The certificate is `server`'s unless another is given. */
  async serve(options: TlsOptions = {}, onPeer: (peer: TlsPeer) => void = () => {}): Promise<TlsTestServer> {
    const peers: TlsPeer[] = [];
    const failures: string[] = [];
    const server = createTlsServer({ ...testCertificate('server'), allowHalfOpen: true, noDelay: true, ...options }, (socket) => {
      const peer = new TlsPeer(socket) as TlsPeer;
      peers.push(peer);
      onPeer(peer);
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException) => failures.push(error.code ?? error.message));
    return { port: await this.open(server), peers, failures };
  }

  /** Plain TCP; errors of its connections are nobody's. */
  raw(onSocket: (socket: Socket) => void): Promise<number> {
    return this.open(createServer({ allowHalfOpen: true, noDelay: true }, (socket) => onSocket(socket)));
  }

  /** A way to a server that can look at and disturb what passes. */
  relay(port: number, shape: RelayShape): Promise<number> {
    return this.raw((client) => {
      const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      this.hold(server);
      let bytes = Buffer.alloc(0);
      client.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        shape.onClientBytes?.(client, server, bytes);
      });
      forward(client, server, shape.trickles === true);
      forward(server, client, shape.trickles === true);
    });
  }

  close(): void {
    for (const server of this.servers.splice(0)) server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private async open(server: Server): Promise<number> {
    this.servers.push(server);
    server.on('connection', (socket: Socket) => this.hold(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  private hold(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
  }
}

function forward(from: Socket, to: Socket, trickles: boolean): void {
  if (!trickles) {
    from.on('data', (chunk: Buffer) => to.write(chunk));
    from.on('end', () => to.end());
    return;
  }
  const waiting: number[] = [];
  let hasEnded = false;
  let isRunning = false;
  const step = (): void => {
    const byte = waiting.shift();
    if (byte !== undefined) to.write(Buffer.of(byte));
    else if (hasEnded) to.end();
    isRunning = byte !== undefined;
    if (isRunning) setImmediate(step);
  };
  const go = (): void => {
    if (isRunning) return;
    isRunning = true;
    step();
  };
  from.on('data', (chunk: Buffer) => {
    waiting.push(...chunk);
    go();
  });
  from.on('end', () => {
    hasEnded = true;
    go();
  });
}
