import type { PeerVerifier, TlsClientConfig, TlsFailure, TlsSession } from '../io/tls.ts';
import type { StatsScope } from '../stats/stats.ts';

/** Category of what secures connections to hosts. */
export const UPSTREAM_SOCKET_CATEGORY = 'envoy.transport_sockets.upstream';

/** A certificate that is in use, for those who watch when it ends. Times in milliseconds since 1970. */
export interface CertificateDetails {
  /** Of the file that it stands in, or `<inline>`. */
  readonly path: string;
  /** Lower-case hex. */
  readonly serialNumber: string;
  readonly subjectAltNames: readonly { readonly kind: 'dns' | 'uri' | 'ip'; readonly value: string }[];
  readonly validFromMs: number;
  readonly expiresMs: number;
}

/** A certificate as stats know it. */
export interface SocketCertificate {
  /** In `ssl.certificate.<name>`. */
  readonly name: string;
  /** null: none is configured where one could be. */
  readonly details: CertificateDetails | null;
}

/** What the configuration of every socket of this category has (`ExtensionConfig.config`), besides what is its own. */
export interface UpstreamSocketConfig {
  readonly certificates: {
    /** The first that peers' are verified with; null = they are not verified. */
    readonly authority: SocketCertificate | null;
    /** What is shown to peers; null = nothing. */
    readonly shown: SocketCertificate | null;
  };
}

/** What `createFactory` of this category is given. */
export interface TransportSocketContext {
  /** `cluster.<name>`. */
  readonly scope: StatsScope;
}

/** What a request asks of the connection that it goes over; connections are shared by requests that ask for the same. */
export interface TransportSocketOptions {
  /** SNI instead of the configured one; '' = the configured one. */
  readonly serverName: string;
  /** Names of which the peer's certificate must have one, besides what is configured; empty = any. */
  readonly subjectAltNames: readonly string[];
}

/** What of a host matters to its socket. */
export interface SocketHost {
  /** From the configuration; '' = none. */
  readonly hostname: string;
}

/**
 * How connections of one cluster (or of one of its transport_socket_matches) to its hosts are secured; one per thread. It makes no
 * connections: workers (core/http/conn_pool) and health checks (server/health_checks) do, with what it says.
 */
export interface UpstreamTransportSocket {
  readonly client: TlsClientConfig;
  /** SNI for a host; '' = none. */
  serverName(host: SocketHost, options: TransportSocketOptions | null): string;
  /** What is asked of a peer in the handshake besides its chain, and counted; undefined = nothing. */
  verifier(host: SocketHost, options: TransportSocketOptions | null): PeerVerifier | undefined;
  /** A handshake is done: counts it, and looks at the peer of a resumed session. '' = the connection may be used; else why not (text of the
   *  transport failure). */
  onHandshake(session: TlsSession, host: SocketHost, options: TransportSocketOptions | null): string;
  /** A handshake failed: counts it. */
  onHandshakeFailed(failure: TlsFailure): void;
}
