/** TlsCertificate to PEM that a handshake can use, with Envoy's checks. Thread: main. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { TlsCertificate } from '../../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.d.ts';
import type { TlsCertificateConfig } from '../../../core/io/tls.ts';
import type { SocketCertificate } from '../../../core/network/transport_socket.ts';
import type { ParseContext } from '../../../core/registry/parse_context.ts';
import { detailsOf, type Material, type MaterialCache, readCertificates, readMaterial } from './material.ts';
import { inlineHash } from './parse_validation.ts';
import { readPkcs12 } from './pkcs12.ts';

const MIN_RSA_BITS = 2048;
/** Curves of certificates that Envoy's library does not know. */
const KNOWN_CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1', 'secp224r1']);

export interface ParsedCertificate {
  readonly certificate: TlsCertificateConfig;
  readonly shown: SocketCertificate;
  /** The only signature algorithm that its key can be used with, where that is one that peers need not know; else ''. */
  readonly rareSignature: string;
}

/** A field that something is wrong with, and Envoy's words for it. */
interface Complaint {
  readonly field: 'certificate_chain' | 'private_key' | 'pkcs12';
  readonly text: string;
}

type Made = { readonly certificate: TlsCertificateConfig; readonly leaf: X509Certificate } | Complaint;

/** @returns null when there is none, or when it was reported. */
export function parseCertificate(message: TlsCertificate, secretName: string | undefined, cache: MaterialCache, context: ParseContext): ParsedCertificate | null {
  const { certificateChain, privateKey, pkcs12, privateKeyProvider } = message;
  if (certificateChain === undefined && privateKey === undefined && pkcs12 === undefined && privateKeyProvider === undefined) return null;
  if (message.ocspStaple?.specifier.case === 'inlineString') context.error(message, 'ocsp_staple', 'OCSP staple cannot be provided via inline_string');
  if (reportConflicts(message, context)) return null;
  const chain = readMaterial(certificateChain, context);
  const key = readMaterial(privateKey, context);
  const store = readMaterial(pkcs12, context);
  const password = readMaterial(message.password, context);
  if (chain === undefined || key === undefined || store === undefined || password === undefined) return null;
  const made = cache.get(keyOf([chain, key, store, password]), () => (pkcs12 === undefined ? makeOfPem(chain, key, password) : makeOfStore(store, password)));
  if ('field' in made) {
    context.error(message, made.field, made.text);
    return null;
  }
  const name = secretName ?? `unnamed_cert_${certificateChain === undefined ? '' : inlineHash(certificateChain.specifier)}`;
  return { certificate: made.certificate, shown: { name, details: detailsOf(made.leaf, pkcs12 === undefined ? chain.path : store.path) }, rareSignature: rareSignatureOf(made.leaf) };
}

function rareSignatureOf({ publicKey }: X509Certificate): string {
  if (publicKey.asymmetricKeyType === 'ed25519') return 'ed25519';
  return publicKey.asymmetricKeyDetails?.namedCurve === 'secp521r1' ? 'ecdsa_secp521r1_sha512' : '';
}

function reportConflicts(message: TlsCertificate, context: ParseContext): boolean {
  if (message.privateKeyProvider !== undefined && message.pkcs12 === undefined) {
    context.error(message, 'private_key_provider', `Failed to load private key provider: ${message.privateKeyProvider.providerName}`);
    return true;
  }
  if (message.pkcs12 === undefined) return false;
  const fields = [['privateKey', 'private_key'], ['certificateChain', 'certificate_chain'], ['privateKeyProvider', 'private_key_provider']] as const;
  const conflict = fields.find(([member]) => message[member] !== undefined);
  if (conflict !== undefined) context.error(message, 'pkcs12', `Certificate configuration can't have both pkcs12 and ${conflict[1]}`);
  return conflict !== undefined;
}

function keyOf(parts: readonly Material[]): (string | Uint8Array)[] {
  return ['certificate', ...parts.flatMap(({ bytes, path, failure }) => [bytes, path, failure])];
}

function makeOfPem(chain: Material, key: Material, password: Material): Made {
  if (chain.bytes.length === 0) {
    return { field: 'certificate_chain', text: `Failed to load incomplete certificate from ${chain.path}: certificate chain not set${reasonOf(chain)}` };
  }
  if (key.bytes.length === 0) return { field: 'private_key', text: `Failed to load incomplete private key from path: ${key.path}${reasonOf(key)}` };
  const certificates = readCertificates(Buffer.from(chain.bytes).toString('latin1'));
  const complaint = complaintOf(certificates, chain.path);
  if (complaint !== '') return { field: 'certificate_chain', text: complaint };
  const [leaf] = certificates ?? [];
  const readKey = readPrivateKey(key.bytes, password.bytes);
  const cause = typeof readKey === 'string' ? readKey : mismatchOf(leaf, readKey);
  if (typeof readKey === 'string' || cause !== '') return { field: 'private_key', text: `Failed to load private key from ${key.path}, Cause: ${cause}` };
  return { certificate: pemOf(certificates ?? [], readKey), leaf };
}

/** Why a file gave nothing. */
function reasonOf({ failure }: Material): string {
  return failure === '' ? '' : ` (${failure})`;
}

function makeOfStore(store: Material, password: Material): Made {
  // Without a store Envoy goes on to a chain that is not there either.
  if (store.bytes.length === 0) return { field: 'pkcs12', text: `Failed to load certificate chain from ${reasonOf(store)}` };
  const content = readPkcs12(store.bytes, Buffer.from(password.bytes).toString('utf8'));
  if (typeof content === 'string') return { field: 'pkcs12', text: `Failed to load pkcs12 from ${store.path}${content === '' ? '' : ` (${content})`}` };
  const complaint = complaintOf(content.certificates, store.path);
  return complaint === '' ? { certificate: pemOf(content.certificates, content.key), leaf: content.certificates[0] } : { field: 'pkcs12', text: complaint };
}

function complaintOf(certificates: readonly X509Certificate[] | undefined, path: string): string {
  const failed = `Failed to load certificate chain from ${path}`;
  const key = certificates?.[0]?.publicKey;
  if (key === undefined) return failed;
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa' && (modulusLength ?? 0) < MIN_RSA_BITS) {
    return `${failed}, only RSA certificates with 2048-bit or larger keys are supported`;
  }
  return namedCurve === undefined || KNOWN_CURVES.has(namedCurve) ? '' : failed;
}

/** The key, or why there is none. */
function readPrivateKey(pem: Uint8Array, password: Uint8Array): KeyObject | string {
  const { createPrivateKey } = process.getBuiltinModule('node:crypto');
  try {
    return createPrivateKey({ key: Buffer.from(pem), ...(password.length === 0 ? {} : { passphrase: Buffer.from(password) }) });
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code === 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED' || code === 'ERR_MISSING_PASSPHRASE') return 'error:09000068:PEM routines:OPENSSL_internal:BAD_PASSWORD_READ';
    if (code === 'ERR_OSSL_BAD_DECRYPT' || code === 'ERR_OSSL_EVP_BAD_DECRYPT') return 'error:1e000065:Cipher functions:OPENSSL_internal:BAD_DECRYPT';
    return 'error:0900006e:PEM routines:OPENSSL_internal:NO_START_LINE';
  }
}

function mismatchOf(leaf: X509Certificate, key: KeyObject): string {
  if (leaf.checkPrivateKey(key)) return '';
  const what = leaf.publicKey.asymmetricKeyType === key.asymmetricKeyType ? '74:X.509 certificate routines:OPENSSL_internal:KEY_VALUES' : '73:X.509 certificate routines:OPENSSL_internal:KEY_TYPE';
  return `error:0b0000${what}_MISMATCH`;
}

function pemOf(certificates: readonly X509Certificate[], key: KeyObject): TlsCertificateConfig {
  const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return Object.freeze({ chain: certificates.map((certificate) => certificate.toString()).join(''), privateKey });
}
