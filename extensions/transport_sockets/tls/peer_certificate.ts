/** What of a certificate decides whether a peer is who it should be: names, usage and public key. Thread: any. */
import { certificateExtension } from '../../../core/base/certificate_extension.ts';
import { DerError, DerReader, oidText } from '../../../core/base/der_reader.ts';
import { type SubjectAltName, subjectAltNames } from '../../../core/base/subject_alt_names.ts';

/** Bits of the first byte of a KeyUsage. */
export const KeyUsage = { digitalSignature: 0x80, keyEncipherment: 0x20 } as const;

export interface PeerCertificate {
  readonly subjectAltNames: readonly SubjectAltName[];
  /** First byte; -1 = the certificate does not restrict its key. */
  readonly keyUsage: number;
  readonly hasRsaKey: boolean;
  /** DER of its SubjectPublicKeyInfo; null = it cannot be read. */
  readonly publicKey: Uint8Array | null;
}

/** 2.5.29.15 */
const KEY_USAGE = Buffer.from([0x55, 0x1d, 0x0f]);
const RSA_KEY = '1.2.840.113549.1.1.1';
const SEQUENCE = 0x30;
const BIT_STRING = 0x03;
const OBJECT_ID = 0x06;
const VERSION = 0xa0;

export function readCertificate(der: Uint8Array): PeerCertificate {
  const names = subjectAltNames(der);
  try {
    const publicKey = readPublicKey(der);
    return { subjectAltNames: names, keyUsage: readKeyUsage(der), hasRsaKey: isRsa(publicKey), publicKey };
  } catch (error) {
    if (error instanceof DerError) return { subjectAltNames: names, keyUsage: -1, hasRsaKey: false, publicKey: null };
    throw error;
  }
}

function readPublicKey(der: Uint8Array): Uint8Array {
  const body = new DerReader(der).enter(SEQUENCE).enter(SEQUENCE);
  if (body.peekTag() === VERSION) body.skip();
  // serialNumber, signature, issuer, validity, subject
  for (let i = 0; i < 5; i++) body.skip();
  return body.whole();
}

function readKeyUsage(der: Uint8Array): number {
  const extension = certificateExtension(der, KEY_USAGE);
  if (extension === undefined) return -1;
  // The number of unused bits comes first.
  const bits = new DerReader(extension).content(BIT_STRING);
  return bits.length < 2 ? 0 : bits[1];
}

function isRsa(publicKey: Uint8Array): boolean {
  return oidText(new DerReader(publicKey).enter(SEQUENCE).enter(SEQUENCE).content(OBJECT_ID)) === RSA_KEY;
}
