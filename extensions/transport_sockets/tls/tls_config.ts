/** An UpstreamTlsContext as plain data. */
import type { TlsClientConfig } from '../../../core/io/tls.ts';
import type { SocketCertificate, UpstreamSocketConfig } from '../../../core/network/transport_socket.ts';
import type { SanMatcherConfig } from './san_matcher.ts';

export interface UpstreamTlsConfig extends UpstreamSocketConfig {
  readonly client: TlsClientConfig;
  /** SNI where neither request nor host says another; '' = none. */
  readonly serverName: string;
  /** SNI is the name of the host, where it has one. */
  readonly usesHostname: boolean;
  /** A certificate whose key may not be used as it was is no longer only counted. */
  readonly enforcesKeyUsage: boolean;
  readonly verification: VerificationConfig;
}

/** What is asked of a peer's certificate besides a chain that is right. */
export interface VerificationConfig {
  /** Nothing of it is a reason to fail. */
  readonly acceptsUntrusted: boolean;
  /** The name that was sent as SNI must be one of the certificate's, instead of the matchers. */
  readonly matchesServerName: boolean;
  /** One of them must match; empty = any name will do. */
  readonly names: readonly SanMatcherConfig[];
  /** SHA-256 in lower-case hex, of the certificate and of its public key. One of all must match; both empty = any will do. */
  readonly certificateHashes: readonly string[];
  readonly publicKeyHashes: readonly string[];
}

/** What a validation context comes to. */
export interface ParsedValidation {
  readonly trust: TlsClientConfig['trust'];
  readonly verification: VerificationConfig;
  /** Its first certificate; null = there is no context. */
  readonly authority: SocketCertificate | null;
}
