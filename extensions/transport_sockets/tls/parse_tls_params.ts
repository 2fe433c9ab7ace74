/** TlsParameters in OpenSSL's words, with Envoy's checks and defaults for clients. Thread: main. */
import { TlsParameters_TlsProtocol } from '../../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/common_enums.ts';
import type { TlsParameters } from '../../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.d.ts';
import type { TlsClientConfig, TlsVersion } from '../../../core/io/tls.ts';
import type { ParseContext } from '../../../core/registry/parse_context.ts';
import { evaluateCipherList, rejectedCiphers } from './cipher_list.ts';

type TlsParams = Pick<TlsClientConfig, 'minVersion' | 'maxVersion' | 'cipherSuites' | 'curves' | 'signatureAlgorithms'>;

const DEFAULT_CIPHERS = '[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]:[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384';
const DEFAULT_CURVES = 'X25519:P-256';
/** What Envoy's library takes of servers; OpenSSL's own list is longer. */
const DEFAULT_SIGNATURE_ALGORITHMS = 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:rsa_pkcs1_sha384:rsa_pss_rsae_sha512:rsa_pkcs1_sha512:rsa_pkcs1_sha1';
const DEFAULT_VERSION: TlsVersion = 'TLSv1.2';
/** Not in OpenSSL as Node builds it. */
const ABSENT_CIPHER = 'DES-CBC3-SHA';
const ABSENT_CURVE = 'X25519Kyber768Draft00';
const CURVES: ReadonlySet<string> = new Set([
  'P-224', 'P-256', 'P-384', 'P-521', 'X25519', 'X25519MLKEM768', ABSENT_CURVE, 'secp224r1', 'prime256v1', 'secp384r1', 'secp521r1', 'x25519',
]);
/** With OpenSSL's older way to name them: key and hash. */
const SIGNATURE_ALGORITHM = /^(rsa_pkcs1_sha(1|256|384|512)|rsa_pss_rsae_sha(256|384|512)|ecdsa_sha1|ecdsa_secp256r1_sha256|ecdsa_secp384r1_sha384|ecdsa_secp521r1_sha512|ed25519|(RSA|ECDSA)\+SHA(1|256|384|512)|(RSA-PSS|PSS)\+SHA(256|384|512))$/;
const VERSIONS: Readonly<Record<number, TlsVersion>> = {
  [TlsParameters_TlsProtocol.TLSv1_0]: 'TLSv1',
  [TlsParameters_TlsProtocol.TLSv1_1]: 'TLSv1.1',
  [TlsParameters_TlsProtocol.TLSv1_2]: 'TLSv1.2',
  [TlsParameters_TlsProtocol.TLSv1_3]: 'TLSv1.3',
};

/** @param rareSignature what a certificate of our own needs besides the usual algorithms; '' = nothing */
export function parseTlsParams(message: TlsParameters | undefined, rareSignature: string, context: ParseContext): TlsParams {
  const minVersion = VERSIONS[message?.tlsMinimumProtocolVersion ?? 0] ?? DEFAULT_VERSION;
  const maxVersion = VERSIONS[message?.tlsMaximumProtocolVersion ?? 0] ?? DEFAULT_VERSION;
  const ciphers = parseCiphers(message, context);
  if (message !== undefined) {
    if (minVersion > maxVersion) {
      context.warn(message, 'tls_minimum_protocol_version', `no version is left from ${minVersion} to ${maxVersion} (the default of tls_maximum_protocol_version is TLSv1_2): every connection will fail`);
    }
    if (message.compliancePolicies.length > 0) context.refuse(message, 'compliance_policies', 'compliance policies of TLS');
  }
  return {
    minVersion, maxVersion,
    // What versions before 1.2 sign with is too weak for any level but the lowest.
    cipherSuites: minVersion < 'TLSv1.2' ? `${ciphers}:@SECLEVEL=0` : ciphers,
    curves: parseCurves(message, context),
    signatureAlgorithms: parseSignatureAlgorithms(message, rareSignature, context),
  };
}

function parseCiphers(message: TlsParameters | undefined, context: ParseContext): string {
  const given = message?.cipherSuites.join(':') ?? '';
  const list = given === '' ? DEFAULT_CIPHERS : given;
  const names = evaluateCipherList(list);
  if (message === undefined || given === '') return names?.join(':') ?? '';
  if (names === undefined) {
    context.error(message, 'cipher_suites', `Failed to initialize cipher suites ${list}. The following ciphers were rejected when tried individually: ${rejectedCiphers(list).join(', ')}`);
    return '';
  }
  const present = names.filter((name) => name !== ABSENT_CIPHER);
  if (present.length === 0) context.refuse(message, 'cipher_suites', `the cipher suite ${ABSENT_CIPHER}`);
  else if (present.length < names.length) context.warn(message, 'cipher_suites', `${ABSENT_CIPHER} is not built in and not offered`);
  return present.join(':');
}

function parseCurves(message: TlsParameters | undefined, context: ParseContext): string {
  const given = message?.ecdhCurves.join(':') ?? '';
  if (message === undefined || given === '') return DEFAULT_CURVES;
  const curves = given.split(':');
  if (curves.some((curve) => !CURVES.has(curve))) context.error(message, 'ecdh_curves', `Failed to initialize ECDH curves ${given}`);
  else if (curves.includes(ABSENT_CURVE)) context.refuse(message, 'ecdh_curves', `the curve ${ABSENT_CURVE}`);
  return [...new Set(curves)].join(':');
}

function parseSignatureAlgorithms(message: TlsParameters | undefined, rareSignature: string, context: ParseContext): string {
  const given = message?.signatureAlgorithms.join(':') ?? '';
  if (message === undefined || given === '') return rareSignature === '' ? DEFAULT_SIGNATURE_ALGORITHMS : `${DEFAULT_SIGNATURE_ALGORITHMS}:${rareSignature}`;
  const algorithms = given.split(':');
  if (algorithms.some((name) => !SIGNATURE_ALGORITHM.test(name)) || new Set(algorithms).size < algorithms.length) {
    context.error(message, 'signature_algorithms', `Failed to initialize TLS signature algorithms ${given}`);
  }
  return given;
}
