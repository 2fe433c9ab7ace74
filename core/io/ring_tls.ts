/** TLS between the contract and the addon: numbers and names of OpenSSL, in both directions. */
import type { NativeTlsFailure, NativeTlsSession } from '../../native/index.ts';
import type { TlsClientConfig, TlsFailure, TlsSession, TlsVersion } from './tls.ts';
import { connectionFailure, libraryFailure, verifyFailure } from './tls_failure.ts';
import { curveName } from './tls_names.ts';

/** As on the wire. */
export const TLS_VERSION_NUMBERS: Readonly<Record<TlsVersion, number>> = { TLSv1: 0x0301, 'TLSv1.1': 0x0302, 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 };

/** Bits of native/src/tls.h. */
const Flag = { verifies: 1, leafCrlOnly: 2, allowsExpired: 4, acceptsUntrusted: 8, allowsRenegotiation: 16 } as const;

export function tlsFlags(config: TlsClientConfig): number {
  const { trust } = config;
  const renegotiation = config.allowsRenegotiation ? Flag.allowsRenegotiation : 0;
  if (trust === null) return renegotiation;
  return (
    renegotiation |
    Flag.verifies |
    (trust.checksLeafCrlOnly ? Flag.leafCrlOnly : 0) |
    (trust.allowsExpired ? Flag.allowsExpired : 0) |
    (trust.acceptsUntrusted ? Flag.acceptsUntrusted : 0)
  );
}

/** As it is sent: each name with its length in front. Throws on names that cannot be. */
export function packAlpn(protocols: readonly string[]): Uint8Array {
  const names = protocols.map((name) => Buffer.from(name, 'latin1'));
  const wrong = names.find((name) => name.length === 0 || name.length > 255);
  if (wrong !== undefined) throw new RangeError(`an ALPN protocol has 1 to 255 bytes: ${wrong.toString('latin1')}`);
  return new Uint8Array(Buffer.concat(names.flatMap((name) => [Buffer.of(name.length), name])));
}

/** OpenSSL's numbers of kinds of keys. */
const Key = { rsa: 6, ec: 408, rsaPss: 912, ed25519: 1087, ed448: 1088 } as const;
const DIGESTS: Readonly<Record<number, string>> = { 64: 'sha1', 672: 'sha256', 673: 'sha384', 674: 'sha512' };
/** TLS names the curve that goes with the digest. */
const ECDSA_NAMES: Readonly<Record<string, string>> = {
  sha1: 'ecdsa_sha1',
  sha256: 'ecdsa_secp256r1_sha256',
  sha384: 'ecdsa_secp384r1_sha384',
  sha512: 'ecdsa_secp521r1_sha512',
};

function signatureAlgorithm(key: number, digest: number): string {
  const name = DIGESTS[digest] ?? '';
  if (key === Key.ed25519) return 'ed25519';
  if (key === Key.ed448) return 'ed448';
  if (name === '') return '';
  if (key === Key.ec) return ECDSA_NAMES[name];
  if (key === Key.rsaPss) return `rsa_pss_rsae_${name}`;
  return key === Key.rsa ? `rsa_pkcs1_${name}` : '';
}

export function ringTlsSession(session: NativeTlsSession): TlsSession {
  const [version, cipher, group, signatureKey, signatureDigest, sessionId, alpn, isResumed, peerCertificate, isVerified] = session;
  return {
    version,
    cipher,
    curve: curveName(group),
    signatureAlgorithm: signatureAlgorithm(signatureKey, signatureDigest),
    sessionId: version === 'TLSv1.3' ? '' : Buffer.from(sessionId).toString('hex'),
    alpn,
    isResumed,
    peerCertificate,
    isVerified,
  };
}

/** `refusal`: what `verifyPeer` said. */
export function ringTlsFailure(failure: NativeTlsFailure, refusal: string): TlsFailure {
  const [reason, name, verifyError, verifyDepth, errno, isOnClientHello, isRefused] = failure;
  if (isRefused) return { kind: 'refused', text: refusal };
  if (verifyError !== '') return verifyFailure(verifyDepth, verifyError);
  return reason === 0 ? connectionFailure(errno) : libraryFailure({ reason, name, isOnClientHello });
}
