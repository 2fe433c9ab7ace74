/**
 * PEM and DER of a configuration, looked at with Node's own library. What was looked at once is kept: thousands of clusters may name one
 * file. Thread: main (or the one that parses).
 */
import type { X509Certificate } from 'node:crypto';
import { subjectAltNames } from '../../../core/base/subject_alt_names.ts';
import type { DataSource } from '../../../core/api/gen/envoy/config/core/v3/base_pb.d.ts';
import type { TlsCertificateConfig, TlsTrustConfig } from '../../../core/io/tls.ts';
import type { CertificateDetails } from '../../../core/network/transport_socket.ts';
import type { ParseContext } from '../../../core/registry/parse_context.ts';

/** Texts that are kept; a configuration with more of them reads some twice. */
const KEPT = 256;

/** What a DataSource came to. */
export interface Material {
  readonly bytes: Uint8Array;
  /** As Envoy calls it: the file's path, `<inline>`, or '' when there is nothing. */
  readonly path: string;
  /** Why it could not be read; '' = it was. */
  readonly failure: string;
}

const NONE: Material = { bytes: new Uint8Array(0), path: '', failure: '' };

/** Reads a DataSource, if there is one. What fails is for the caller to report; undefined = it names a file, and the context refused that. */
export function readMaterial(message: DataSource | undefined, context: ParseContext): Material | undefined {
  const specifier = message?.specifier;
  switch (specifier?.case) {
    case 'filename':
      return readFile(message ?? {}, specifier.value, context);
    case 'environmentVariable': {
      const value = process.env[specifier.value];
      return value === undefined ? { ...NONE, failure: `Environment variable doesn't exist: ${specifier.value}` } : inline(Buffer.from(value));
    }
    case 'inlineString':
      return inline(Buffer.from(specifier.value));
    case 'inlineBytes':
      return inline(specifier.value);
    default:
      return NONE;
  }
}

function inline(bytes: Uint8Array): Material {
  return { bytes: new Uint8Array(bytes), path: bytes.length === 0 ? '' : '<inline>', failure: '' };
}

function readFile(message: object, path: string, context: ParseContext): Material | undefined {
  if (context.readFile === undefined) {
    context.refuse(message, 'filename', 'reading a file here');
    return undefined;
  }
  try {
    return { bytes: context.readFile(path), path, failure: '' };
  } catch {
    return { ...NONE, path, failure: `Invalid path: ${path}` };
  }
}

/** Lower-case hex. */
export function sha256(bytes: Uint8Array): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(bytes).digest('hex');
}

/** The blocks of a PEM text whose label is in a list; undefined = one of them has no end. */
export function pemBlocks(text: string, labels: readonly string[]): string[] | undefined {
  const blocks: string[] = [];
  const begin = '-----BEGIN ';
  for (let start = text.indexOf(begin); start >= 0;) {
    const labelEnd = text.indexOf('-----', start + begin.length);
    if (labelEnd < 0) return undefined;
    const label = text.slice(start + begin.length, labelEnd);
    const endLine = `-----END ${label}-----`;
    const end = text.indexOf(endLine, labelEnd);
    if (end < 0) return undefined;
    if (labels.includes(label)) blocks.push(text.slice(start, end + endLine.length));
    start = text.indexOf(begin, end);
  }
  return blocks;
}

export const CERTIFICATE_LABELS: readonly string[] = ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'];
const CRL_LABELS: readonly string[] = ['X509 CRL'];

/** Certificates of a PEM text; undefined = one cannot be read. */
export function readCertificates(text: string): X509Certificate[] | undefined {
  const { X509Certificate: Certificate } = process.getBuiltinModule('node:crypto');
  try {
    return pemBlocks(text, CERTIFICATE_LABELS)?.map((block) => new Certificate(block));
  } catch {
    return undefined;
  }
}

/** CRLs of a PEM text, again as PEM; undefined = one cannot be read. */
export function readCrls(text: string): string | undefined {
  const crls = pemBlocks(text, CRL_LABELS)?.join('\n');
  if (crls === undefined || crls === '') return crls;
  try {
    process.getBuiltinModule('node:tls').createSecureContext({ crl: crls });
    return `${crls}\n`;
  } catch {
    return undefined;
  }
}

/** What `/certs` and gauges say of a certificate. */
export function detailsOf(certificate: X509Certificate, path: string): CertificateDetails {
  const names = subjectAltNames(certificate.raw);
  return {
    path,
    serialNumber: certificate.serialNumber.toLowerCase(),
    subjectAltNames: (['dns', 'uri', 'ip'] as const).flatMap((kind) => names.filter((name) => name.kind === kind)
      .map(({ value }) => ({ kind, value: Buffer.from(value, 'latin1').toString('utf8') }))),
    validFromMs: certificate.validFromDate.getTime(),
    expiresMs: certificate.validToDate.getTime(),
  };
}

/** Trust in certificates that a context names: the frozen configuration is the same object for the same text. */
export interface TrustMaterial {
  readonly trust: TlsTrustConfig;
  readonly first: X509Certificate;
}

/** A certificate to show. */
export interface OwnMaterial {
  readonly certificate: TlsCertificateConfig;
  readonly leaf: X509Certificate;
}

/** What was made of materials, by what they are. */
export class MaterialCache {
  private readonly kept = new Map<string, unknown>();

  /** Makes it unless it was made before of the same parts. */
  get<T>(parts: readonly (string | Uint8Array)[], make: () => T): T {
    const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
    for (const part of parts) hash.update(`${part.length}:`).update(part);
    const key = hash.digest('latin1');
    if (this.kept.has(key)) return this.kept.get(key) as T;
    if (this.kept.size >= KEPT) this.kept.clear();
    const made = make();
    this.kept.set(key, made);
    return made;
  }
}
