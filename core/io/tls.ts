/**
 * TLS on outgoing connections, as the I/O seam sees it: what a context is made of, what a connect asks for, what a handshake came
 * to. Records are the backend's business; above it there is plain text only.
 *
 * With `ConnectOptions.tls` the `connect` event comes when the handshake is done (or failed), so that whoever connects needs not
 * know: what is sent before is queued, and the first `data` is plain text. A peer's close_notify is an `eof`, as is a FIN.
 */

/** A certificate that we show, PEM. */
export interface TlsCertificateConfig {
  /** Leaf first. */
  readonly chain: string;
  /** Not encrypted. */
  readonly privateKey: string;
}

/** One of OpenSSL's protocol versions that can be asked for. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** What client connections of one cluster have in common; plain data that crosses threads. */
export interface TlsClientConfig {
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL's list for TLS up to 1.2 (`A:B:C`); '' = the library's own. Suites of TLS 1.3 are always all offered. */
  readonly cipherSuites: string;
  /** OpenSSL's list of groups (`X25519:P-256`); '' = the library's own. */
  readonly curves: string;
  /** OpenSSL's list of signature algorithms; '' = the library's own. */
  readonly signatureAlgorithms: string;
  /** Shown when asked for; empty = none. At most one per kind of key; where several will do, the first. */
  readonly certificates: readonly TlsCertificateConfig[];
  /** null = the peer's chain is not verified. */
  readonly trust: TlsTrustConfig | null;
  /** Offered where the connect names no others; empty = no ALPN. */
  readonly alpnProtocols: readonly string[];
  /** Sessions that are kept to be resumed, each used once under TLS 1.3; 0 = none. */
  readonly maxSessionKeys: number;
  /** The server may begin another handshake (TLS up to 1.2). */
  readonly allowsRenegotiation: boolean;
}

/** How a peer's chain is verified. */
export interface TlsTrustConfig {
  /** PEM, at least one certificate. */
  readonly trustedCa: string;
  /** PEM; '' = none. */
  readonly crl: string;
  /** The CRL is asked about the leaf only, not the whole chain. */
  readonly checksLeafCrlOnly: boolean;
  readonly allowsExpired: boolean;
  /** A chain that does not verify is no reason to fail; the session says that it did not. */
  readonly acceptsUntrusted: boolean;
  /** Intermediate certificates at most; -1 = OpenSSL's own limit. */
  readonly maxDepth: number;
}

/** How one connect is to be secured. */
export interface TlsConnect {
  /** From `Io.addTlsContext`. */
  readonly context: number;
  /** SNI; '' = none is sent. */
  readonly serverName: string;
  /** Instead of the context's; absent: those. */
  readonly alpnProtocols?: readonly string[];
  /** Asked in a handshake that resumes no session, when the chain has been verified (if it was to be); absent: nothing more is asked. */
  readonly verifyPeer?: PeerVerifier;
}

/**
 * Why a peer that shows this certificate (DER; null = none) may not be talked to; '' = it may. Any other text ends the handshake with an
 * alert (on the portable backend the connection, as soon as the handshake is done) and is that of the failure. `isVerified`: the chain was to be
 * verified and is right. Called in the middle of a turn: it must not use the I/O layer.
 */
export type PeerVerifier = (certificate: Uint8Array | null, isVerified: boolean) => string;

/** What a finished handshake agreed on. */
export interface TlsSession {
  /** `TLSv1.3` … as OpenSSL says it. */
  readonly version: string;
  /** OpenSSL's name: `TLS_AES_128_GCM_SHA256`, `ECDHE-RSA-AES128-GCM-SHA256`. */
  readonly cipher: string;
  /** `X25519`, `P-256`; '' = none or not known. */
  readonly curve: string;
  /** The peer's, e.g. `rsa_pss_rsae_sha256`; '' = none (a resumed session) or not known (the portable backend). */
  readonly signatureAlgorithm: string;
  /** Hex; '' = none, as with TLS 1.3 (which has tickets instead). */
  readonly sessionId: string;
  /** What was agreed on; '' = nothing. */
  readonly alpn: string;
  readonly isResumed: boolean;
  /** DER of the peer's leaf; null = it showed none. */
  readonly peerCertificate: Uint8Array | null;
  /** The chain was asked to be verified, and is right. */
  readonly isVerified: boolean;
}

/** Why a handshake failed, or an established session broke. */
export interface TlsFailure {
  /** `verify`: the peer's chain was not accepted; `refused`: `verifyPeer` has said why not. `io`: the connection broke or was closed, which is no error of TLS (and is not counted as one). */
  readonly kind: 'verify' | 'refused' | 'io' | 'other';
  /** As Envoy's users see it: `TLS_error:|<number>:SSL routines:OPENSSL_internal:<REASON>:TLS_error_end`; '' = the peer closed the connection. */
  readonly text: string;
}
