import type { X509Certificate } from 'node:crypto';
import { type SubjectAltName, subjectAltNames } from '../base/subject_alt_names.ts';

/** An X.509 certificate, read piece by piece when somebody asks; about 50 us. */
export class Certificate {
  private readonly x509: X509Certificate;
  private names: readonly SubjectAltName[] | undefined;

  /** DER, or PEM, of which the first one counts. Throws the library's error on what is no certificate. */
  constructor(bytes: Uint8Array | string) {
    this.x509 = new (process.getBuiltinModule('node:crypto').X509Certificate)(bytes);
    this.names = undefined;
  }

  get subjectAltNames(): readonly SubjectAltName[] {
    this.names ??= subjectAltNames(this.x509.raw);
    return this.names;
  }

  namesOf(kind: SubjectAltName['kind']): readonly string[] {
    return this.subjectAltNames.filter((name) => name.kind === kind).map(({ value }) => value);
  }

  /** RFC 2253: `CN=a,O=b`. */
  get subject(): string {
    return distinguishedName(this.x509.subject);
  }

  get issuer(): string {
    return distinguishedName(this.x509.issuer);
  }

  /** Lower-case hex. */
  get serialNumber(): string {
    return this.x509.serialNumber.toLowerCase();
  }

  get validFromMs(): number {
    return this.x509.validFromDate.getTime();
  }

  get validToMs(): number {
    return this.x509.validToDate.getTime();
  }

  get der(): Uint8Array {
    return this.x509.raw;
  }

  get pem(): string {
    return this.x509.toString();
  }

  /** Of the whole, lower-case hex. */
  get sha256(): string {
    return this.x509.fingerprint256.replaceAll(':', '').toLowerCase();
  }

  /** SubjectPublicKeyInfo, DER. */
  get publicKeyInfo(): Uint8Array {
    return this.x509.publicKey.export({ type: 'spki', format: 'der' });
  }
}

/** Lines in the order of the certificate become one line in the reverse order; what is beyond ASCII is escaped byte by byte. */
function distinguishedName(lines: string | undefined): string {
  const text = (lines ?? '').split('\n').reverse().join(',').replaceAll(' + ', '+');
  return text.replace(/[^\x00-\x7f]+/g, (part) => Buffer.from(part).reduce((all, byte) => `${all}\\${byte.toString(16).toUpperCase().padStart(2, '0')}`, ''));
}
