/**
 * TLS to the hosts of a cluster: which name is sent, and whether who answers is who should. The handshake itself is the I/O backend's;
 * chains are verified there, names and hashes here. Thread: any; one object per cluster and thread.
 */
import type { PeerVerifier, TlsClientConfig, TlsFailure, TlsSession } from '../../../core/io/tls.ts';
import type { SocketHost, TransportSocketContext, TransportSocketOptions, UpstreamTransportSocket } from '../../../core/network/transport_socket.ts';
import { KeyUsage, type PeerCertificate, readCertificate } from './peer_certificate.ts';
import { hasHostName, hasOneOf, SanMatcher } from './san_matcher.ts';
import type { UpstreamTlsConfig, VerificationConfig } from './tls_config.ts';
import { TlsStats } from './tls_stats.ts';

/** Certificates whose content is kept; peers of a cluster have few. */
const KEPT_CERTIFICATES = 64;
const NO_NAMES: readonly string[] = [];

function failureText(reason: string): string {
  return `TLS_error:|${reason}:TLS_error_end`;
}

function verifyFailure(details: string): string {
  return failureText(`268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED${details}`);
}

const KEY_USAGE_FAILURE = failureText('268435758:SSL routines:OPENSSL_internal:KEY_USAGE_BIT_INCORRECT');
const NO_CERTIFICATE_FAILURE = verifyFailure(':verify cert failed: empty cert chain');
const NAME_LIST_FAILURE = verifyFailure(':verify cert failed: verify SAN list');
const NAME_FAILURE = verifyFailure(':verify cert failed: SAN matcher');
const HASH_FAILURE = verifyFailure(':verify cert failed: cert hash and spki');

export class UpstreamTlsSocket implements UpstreamTransportSocket {
  readonly client: TlsClientConfig;
  private readonly config: UpstreamTlsConfig;
  private readonly stats: TlsStats;
  private readonly names: readonly SanMatcher[];
  /** By their bytes: a peer shows the same on each connection. */
  private readonly certificates = new Map<string, PeerCertificate>();
  /** What they signed their last handshake with. */
  private readonly algorithms = new WeakMap<PeerCertificate, string>();

  constructor(config: UpstreamTlsConfig, context: TransportSocketContext) {
    this.client = config.client;
    this.config = config;
    this.stats = new TlsStats(context.scope);
    this.names = config.verification.names.map((each) => new SanMatcher(each));
  }

  serverName(host: SocketHost, options: TransportSocketOptions | null): string {
    if (options !== null && options.serverName !== '') return options.serverName;
    return this.config.usesHostname && host.hostname !== '' ? host.hostname : this.config.serverName;
  }

  verifier(host: SocketHost, options: TransportSocketOptions | null): PeerVerifier | undefined {
    const names = options?.subjectAltNames ?? NO_NAMES;
    if (!this.asksPeers(names)) return undefined;
    const serverName = this.serverName(host, options);
    return (certificate, isVerified) => this.peerFailure(certificate, isVerified, serverName, names);
  }

  /** More than whether their chain is right. */
  private asksPeers(wantedNames: readonly string[]): boolean {
    const { verification } = this.config;
    return wantedNames.length > 0 || verification.matchesServerName || asksAnything(verification, false);
  }

  onHandshake(session: TlsSession, host: SocketHost, options: TransportSocketOptions | null): string {
    const names = options?.subjectAltNames ?? NO_NAMES;
    const wasAsked = !session.isResumed && this.asksPeers(names);
    const failure = this.keyUsageFailure(session) || (wasAsked ? '' : this.peerFailure(session.peerCertificate, session.isVerified, this.serverName(host, options), names));
    if (failure === '') this.stats.chargeHandshake(session, this.signatureAlgorithm(session));
    return failure;
  }

  /** That of a resumed session is the one of the handshake it is from: the same certificate's. */
  private signatureAlgorithm({ signatureAlgorithm, isResumed, peerCertificate }: TlsSession): string {
    if (peerCertificate === null) return signatureAlgorithm;
    const certificate = this.read(peerCertificate);
    if (isResumed && signatureAlgorithm === '') return this.algorithms.get(certificate) ?? '';
    this.algorithms.set(certificate, signatureAlgorithm);
    return signatureAlgorithm;
  }

  onHandshakeFailed(failure: TlsFailure): void {
    const { fail_verify_error: notVerified, connection_error: others } = this.stats.counters;
    // What `verifier` refused is counted; a connection that was closed or reset is none of TLS's errors.
    if (failure.kind === 'verify') notVerified.inc();
    else if (failure.kind === 'other') others.inc();
  }

  /** A key must be used as its certificate allows; of RSA keys before TLS 1.3 that is only counted unless asked for. */
  private keyUsageFailure({ peerCertificate, isResumed, version, cipher }: TlsSession): string {
    if (peerCertificate === null || isResumed) return '';
    const { keyUsage, hasRsaKey } = this.read(peerCertificate);
    const signs = version === 'TLSv1.3' || cipher.includes('DHE-');
    if (keyUsage < 0 || (keyUsage & (signs ? KeyUsage.digitalSignature : KeyUsage.keyEncipherment)) !== 0) return '';
    if (hasRsaKey && version !== 'TLSv1.3' && !this.config.enforcesKeyUsage) {
      this.stats.counters.was_key_usage_invalid.inc();
      return '';
    }
    this.stats.counters.connection_error.inc();
    return KEY_USAGE_FAILURE;
  }

  /** Whether the peer is who it should be; counts if not. */
  private peerFailure(certificate: Uint8Array | null, isVerified: boolean, serverName: string, wantedNames: readonly string[]): string {
    const { verification } = this.config;
    const { trust } = this.client;
    if (!asksAnything(verification, trust !== null)) return wantedNames.length === 0 ? '' : verifyFailure('');
    if (certificate === null) {
      this.stats.counters.fail_verify_no_cert.inc();
      return verification.acceptsUntrusted ? '' : NO_CERTIFICATE_FAILURE;
    }
    if (trust !== null && !isVerified) {
      this.stats.counters.fail_verify_error.inc();
      return verification.acceptsUntrusted ? '' : verifyFailure('');
    }
    const failure = this.certificateFailure(certificate, serverName, wantedNames);
    return verification.acceptsUntrusted ? '' : failure;
  }

  /** Names, then hashes. */
  private certificateFailure(der: Uint8Array, serverName: string, wantedNames: readonly string[]): string {
    const { matchesServerName, certificateHashes, publicKeyHashes } = this.config.verification;
    const matches = matchesServerName && serverName !== '' && wantedNames.length === 0;
    const nameFailure = wantedNames.length > 0 && !hasOneOf(this.namesOf(der), wantedNames) ? NAME_LIST_FAILURE
      : matches ? (hasHostName(this.namesOf(der), serverName) ? '' : NAME_FAILURE)
      : this.matcherFailure(der);
    if (nameFailure !== '') {
      this.stats.counters.fail_verify_san.inc();
      return nameFailure;
    }
    if (certificateHashes.length + publicKeyHashes.length === 0) return '';
    const { publicKey } = this.read(der);
    if (certificateHashes.length > 0 && certificateHashes.includes(sha256(der))) return '';
    if (publicKeyHashes.length > 0 && publicKey !== null && publicKeyHashes.includes(sha256(publicKey))) return '';
    this.stats.counters.fail_verify_cert_hash.inc();
    return HASH_FAILURE;
  }

  private matcherFailure(der: Uint8Array): string {
    if (this.names.length === 0) return '';
    const names = this.namesOf(der);
    return this.names.some((matcher) => names.some((name) => matcher.matches(name))) ? '' : NAME_FAILURE;
  }

  private namesOf(der: Uint8Array): PeerCertificate['subjectAltNames'] {
    return this.read(der).subjectAltNames;
  }

  private read(der: Uint8Array): PeerCertificate {
    const key = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('latin1');
    let certificate = this.certificates.get(key);
    if (certificate === undefined) {
      if (this.certificates.size >= KEPT_CERTIFICATES) this.certificates.clear();
      // The bytes may be the backend's.
      certificate = readCertificate(new Uint8Array(der));
      this.certificates.set(key, certificate);
    }
    return certificate;
  }
}

function asksAnything({ acceptsUntrusted, names, certificateHashes, publicKeyHashes }: VerificationConfig, hasTrust: boolean): boolean {
  return hasTrust || acceptsUntrusted || names.length + certificateHashes.length + publicKeyHashes.length > 0;
}

/** Lower-case hex. */
function sha256(bytes: Uint8Array): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(bytes).digest('hex');
}
