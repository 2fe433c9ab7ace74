/**
 * TLS client connections over `node:tls`: for the portable backend and for what the main thread connects to by itself. Same decisions and
 * words as the ring's; core/io/README.md says where OpenSSL can do more than Node lets it.
 */
import { createPrivateKey, constants as cryptoConstants, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { SecureContext, SecureContextOptions, TLSSocket } from 'node:tls';
import type { PeerVerifier, TlsClientConfig, TlsConnect, TlsFailure, TlsSession, TlsTrustConfig } from './tls.ts';
import { connectionFailure, libraryFailure, verifyFailure } from './tls_failure.ts';
import { curveName } from './tls_names.ts';

/** Loaded with the first context: a thread without TLS does not pay for it. */
const nodeTls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');

/** What connections of one configuration share: the material, and sessions that may be resumed. */
export interface NodeTlsContext {
  readonly config: TlsClientConfig;
  readonly secureContext: SecureContext;
  readonly anchors: readonly X509Certificate[];
  /** Newest first; at most `maxSessionKeys`. */
  readonly sessions: KeptSession[];
}

/** A session to be resumed. */
interface KeptSession {
  readonly bytes: Buffer;
  /** TLS 1.3: a ticket is shown once only. */
  readonly isUsedOnce: boolean;
  readonly serverName: string;
  /** Of the handshake that it goes back to: Node keeps neither for a resumed one. */
  readonly peer: Peer;
}

/** Whom a handshake was with. */
interface Peer {
  readonly leaf: Uint8Array | null;
  readonly isVerified: boolean;
}

/** An error that says itself what became of TLS. */
class TlsVerifyError extends Error {
  readonly failure: TlsFailure;

  constructor(failure: TlsFailure) {
    super(failure.text);
    this.failure = failure;
  }
}

/** Throws an Error with OpenSSL's words on material that it does not take. */
export function createNodeTlsContext(config: TlsClientConfig): NodeTlsContext {
  const { trust } = config;
  const options: SecureContextOptions = {
    minVersion: config.minVersion,
    maxVersion: config.maxVersion,
    secureOptions: config.allowsRenegotiation ? 0 : cryptoConstants.SSL_OP_NO_RENEGOTIATION,
    // A list that is not given means the system's authorities, which nobody asked for.
    ca: trust === null ? [] : trust.trustedCa,
    allowPartialTrustChain: true,
  };
  if (config.cipherSuites !== '') options.ciphers = withTls13Suites(config.cipherSuites);
  if (config.curves !== '') options.ecdhCurve = config.curves;
  if (config.signatureAlgorithms !== '') options.sigalgs = config.signatureAlgorithms;
  for (const { chain, privateKey } of config.certificates) {
    if (!new X509Certificate(chain).checkPrivateKey(createPrivateKey(privateKey))) throw new Error('key values mismatch');
  }
  if (config.certificates.length > 0) {
    // OpenSSL takes the last where several will do.
    const certificates = config.certificates.toReversed();
    options.cert = certificates.map((certificate) => certificate.chain);
    options.key = certificates.map((certificate) => certificate.privateKey);
  }
  const anchors = trust === null ? [] : pemCertificates(trust.trustedCa);
  if (trust !== null && anchors.length === 0) throw new Error('no certificate to trust');
  if (trust !== null && trust.crl !== '') options.crl = trust.crl;
  return { config, anchors, secureContext: nodeTls().createSecureContext(options), sessions: [] };
}

/** Node takes suites of all versions in one list; without one of TLS 1.3 in it there are none. */
function withTls13Suites(suites: string): string {
  return `TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:${suites}`;
}

/**
 * Begins TLS on a socket that is connected, or going to be. The result emits `secureConnect` when the handshake is done, or `error` (ask
 * `tlsFailureOf`). Where the peer's chain is not accepted it is destroyed before anybody else hears of `secureConnect`: a listener of
 * that looks at `destroyed` first.
 */
export function connectTls(context: NodeTlsContext, socket: Socket, tls: Omit<TlsConnect, 'context'>): TLSSocket {
  const { config } = context;
  const alpn = tls.alpnProtocols ?? config.alpnProtocols;
  const session = takeSession(context, tls.verifyPeer === undefined ? undefined : tls.serverName);
  const secured = nodeTls().connect({
    socket,
    secureContext: context.secureContext,
    servername: tls.serverName,
    ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
    ...(session !== undefined ? { session: session.bytes } : {}),
    // Names are looked at above, the chain below.
    checkServerIdentity: () => undefined,
    rejectUnauthorized: false,
  });
  secured.on('secureConnect', () => {
    const isResumed = secured.isSessionReused() && session !== undefined;
    const peer = isResumed ? session.peer : newPeer(context, secured, tls.verifyPeer);
    peers.set(secured, peer);
  });
  if (config.maxSessionKeys > 0) secured.on('session', (bytes: Buffer) => keepSession(context, secured, tls.serverName, bytes));
  secured.prependListener('error', (error: Error) => {
    if (!peers.has(secured) && socket.bytesRead <= ALERT_RECORD_BYTES) answersToHello.add(error);
  });
  return secured;
}

/** Of sockets whose handshake is done. */
const peers = new WeakMap<TLSSocket, Peer>();
/** Errors that came of a server's first answer, of which there was nothing but an alert. */
const answersToHello = new WeakSet<Error>();
const ALERT_RECORD_BYTES = 7;

/** `serverName`: only of that one, as the peer is asked for its names; undefined: of any. */
function takeSession(context: NodeTlsContext, serverName: string | undefined): KeptSession | undefined {
  const newest = context.sessions[0];
  if (serverName !== undefined && newest?.serverName !== serverName) return undefined;
  if (newest?.isUsedOnce) context.sessions.shift();
  return newest;
}

function keepSession(context: NodeTlsContext, socket: TLSSocket, serverName: string, bytes: Buffer): void {
  const { sessions } = context;
  const keep = (): void => {
    // A peer that was not accepted may not be resumed into being accepted.
    const peer = peers.get(socket);
    if (peer === undefined || socket.destroyed) return;
    sessions.unshift({ bytes, serverName, isUsedOnce: socket.getProtocol() === 'TLSv1.3', peer });
    if (sessions.length > context.config.maxSessionKeys) sessions.length = context.config.maxSessionKeys;
  };
  // TLS 1.2: it comes before the handshake is done.
  if (peers.has(socket)) keep();
  else socket.once('secureConnect', keep);
}

// -- the peer's chain -----------------------------------------------------------------------------------------------

/** Looks at the chain, lets `verify` look at the leaf, and ends the connection when one of them is not accepted. */
function newPeer(context: NodeTlsContext, socket: TLSSocket, verify: PeerVerifier | undefined): Peer {
  const { trust } = context.config;
  const chain = chainOf(socket);
  const failure = trust === null ? null : chainFailure(socket, chain, context.anchors, trust);
  const peer = { leaf: chain.length > 0 ? new Uint8Array(chain[0].raw) : null, isVerified: trust !== null && failure === null };
  if (failure !== null && trust?.acceptsUntrusted !== true) {
    socket.destroy(new TlsVerifyError(failure));
    return peer;
  }
  const refusal = verify === undefined ? '' : verify(peer.leaf, peer.isVerified);
  if (refusal !== '') socket.destroy(new TlsVerifyError({ kind: 'refused', text: refusal }));
  return peer;
}

const EXPIRY_ERRORS: readonly string[] = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'];

/** null = it is right. Node says only which error OpenSSL saw last. */
function chainFailure(socket: TLSSocket, chain: readonly X509Certificate[], anchors: readonly X509Certificate[], trust: TlsTrustConfig): TlsFailure | null {
  const intermediates = countIntermediates(chain, anchors);
  const code = socket.authorized ? '' : errorCode(socket.authorizationError);
  // With a CRL another error can be hidden behind the last one.
  const isOnlyExpired = trust.allowsExpired && EXPIRY_ERRORS.includes(code) && trust.crl === '' && intermediates >= 0;
  if (!socket.authorized && !isOnlyExpired) return verifyFailure(depthOf(code, chain), VERIFY_WORDS[code] ?? code);
  return trust.maxDepth >= 0 && intermediates > trust.maxDepth ? verifyFailure(intermediates, 'certificate chain too long') : null;
}

/** As Node has it: a code, though its types say Error. */
function errorCode(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
}

/** What the peer showed, leaf first. */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerX509Certificate();
  while (next !== undefined && !chain.some((certificate) => certificate.fingerprint256 === next?.fingerprint256)) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

/** Certificates between the leaf and what is trusted; -1 = nothing trusted signed it (dates are not looked at). */
function countIntermediates(chain: readonly X509Certificate[], anchors: readonly X509Certificate[]): number {
  for (let i = 0; i < chain.length; i++) {
    const certificate = chain[i];
    const isIssuer = (candidate: X509Certificate): boolean => candidate.ca && certificate.checkIssued(candidate) && certificate.verify(candidate.publicKey);
    if (anchors.some((anchor) => anchor.fingerprint256 === certificate.fingerprint256)) return Math.max(0, i - 1);
    if (anchors.some(isIssuer)) return i;
    if (i + 1 === chain.length || !isIssuer(chain[i + 1])) return -1;
  }
  return -1;
}

function pemCertificates(bundle: string): X509Certificate[] {
  return (bundle.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? []).map((pem) => new X509Certificate(pem));
}

/** How far from the leaf OpenSSL was. */
function depthOf(code: string, chain: readonly X509Certificate[]): number {
  const isAtEnd = code === 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' || code === 'UNABLE_TO_GET_ISSUER_CERT' || code === 'SELF_SIGNED_CERT_IN_CHAIN';
  if (isAtEnd) return Math.max(0, chain.length - 1);
  const now = Date.now();
  let depth = 0;
  if (code === 'CERT_HAS_EXPIRED') depth = chain.findIndex((certificate) => Date.parse(certificate.validTo) < now);
  if (code === 'CERT_NOT_YET_VALID') depth = chain.findIndex((certificate) => Date.parse(certificate.validFrom) > now);
  return Math.max(0, depth);
}

/** BoringSSL's words for what Node gives as a code. */
const VERIFY_WORDS: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: 'unable to get issuer certificate',
  UNABLE_TO_GET_CRL: 'unable to get certificate CRL',
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: "unable to decrypt certificate's signature",
  UNABLE_TO_DECRYPT_CRL_SIGNATURE: "unable to decrypt CRL's signature",
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 'unable to decode issuer public key',
  CERT_SIGNATURE_FAILURE: 'certificate signature failure',
  CRL_SIGNATURE_FAILURE: 'CRL signature failure',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
  CERT_HAS_EXPIRED: 'certificate has expired',
  CRL_NOT_YET_VALID: 'CRL is not yet valid',
  CRL_HAS_EXPIRED: 'CRL has expired',
  ERROR_IN_CERT_NOT_BEFORE_FIELD: "format error in certificate's notBefore field",
  ERROR_IN_CERT_NOT_AFTER_FIELD: "format error in certificate's notAfter field",
  ERROR_IN_CRL_LAST_UPDATE_FIELD: "format error in CRL's lastUpdate field",
  ERROR_IN_CRL_NEXT_UPDATE_FIELD: "format error in CRL's nextUpdate field",
  OUT_OF_MEM: 'out of memory',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'self signed certificate in certificate chain',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unable to get local issuer certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unable to verify the first certificate',
  CERT_CHAIN_TOO_LONG: 'certificate chain too long',
  CERT_REVOKED: 'certificate revoked',
  INVALID_CA: 'invalid CA certificate',
  PATH_LENGTH_EXCEEDED: 'path length constraint exceeded',
  INVALID_PURPOSE: 'unsupported certificate purpose',
  CERT_UNTRUSTED: 'certificate not trusted',
  CERT_REJECTED: 'certificate rejected',
};

// -- what became of it ----------------------------------------------------------------------------------------------

/** Only after `secureConnect` and before the socket is destroyed. */
export function tlsSessionOf(socket: TLSSocket): TlsSession {
  const cipher = socket.getCipher();
  const key = socket.getEphemeralKeyInfo();
  const curve = key !== null && 'name' in key && typeof key.name === 'string' ? key.name : '';
  const peer = peers.get(socket);
  return {
    version: socket.getProtocol() ?? '',
    cipher: cipher.name,
    curve: curveName(curve),
    signatureAlgorithm: '',
    sessionId: socket.getProtocol() === 'TLSv1.3' ? '' : sessionId(socket.getSession()),
    alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
    isResumed: socket.isSessionReused(),
    peerCertificate: peer?.leaf ?? null,
    isVerified: peer?.isVerified === true,
  };
}

/** How OpenSSL's encoding of a session begins: SEQUENCE { version 1, protocol 3.x, cipher, id, … }. Node may put something in front of it. */
const SESSION_VERSION = Buffer.from([0x02, 0x01, 0x01, 0x02, 0x02, 0x03]);

function sessionId(session: Buffer | undefined): string {
  const at = session?.indexOf(SESSION_VERSION) ?? -1;
  if (session === undefined || at < 0) return '';
  const cipher = at + SESSION_VERSION.length + 1;
  const id = cipher + 2 + (session[cipher + 1] ?? 0);
  return session[id] === 0x04 ? session.toString('hex', id + 2, id + 2 + session[id + 1]) : '';
}

/** Of an `error` that a socket of `connectTls` emitted. */
export function tlsFailureOf(error: Error): TlsFailure {
  if (error instanceof TlsVerifyError) return error.failure;
  const { code, errno, syscall } = error as NodeJS.ErrnoException;
  const words = /error:([0-9A-F]{8}):SSL routines:[^:]*:([^:]*)/i.exec(error.message);
  if (words !== null) {
    const reason = Number.parseInt(words[1], 16) & 0x7fffff;
    return libraryFailure({ reason, name: words[2], isOnClientHello: answersToHello.has(error) });
  }
  if (syscall !== undefined || code !== 'ECONNRESET') return connectionFailure(errno === undefined ? constants.errno.ECONNRESET : Math.abs(errno));
  // Node's own: the peer closed in the middle of the handshake.
  return connectionFailure(0);
}
