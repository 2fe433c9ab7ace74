/** CertificateValidationContext to plain data, with Envoy's checks. Thread: main. */
import type { CertificateValidationContext, SubjectAltNameMatcher } from '../../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.d.ts';
import { CertificateValidationContext_TrustChainVerification, SubjectAltNameMatcher_SanType } from '../../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/common_enums.ts';
import { parseStringMatcher } from '../../../core/matcher/parse_matcher.ts';
import type { ParseContext } from '../../../core/registry/parse_context.ts';
import { type Material, type MaterialCache, readCertificates, readCrls, readMaterial, type TrustMaterial, detailsOf, sha256 } from './material.ts';
import { parseOid } from './object_ids.ts';
import type { SanMatcherConfig } from './san_matcher.ts';
import type { ParsedValidation } from './tls_config.ts';

/** One context, or two of which the second goes over the first. */
type Contexts = readonly CertificateValidationContext[];

/** Where no context is configured: whoever answers is the peer. */
export const NO_VALIDATION: ParsedValidation = {
  trust: null,
  verification: { acceptsUntrusted: false, matchesServerName: false, names: [], certificateHashes: [], publicKeyHashes: [] },
  authority: null,
};

/**
 * @param secretName name of the secret that it is of; undefined = it stands in the socket's own configuration
 * @param matchesServerName auto_sni_san_validation
 */
export function parseValidation(contexts: Contexts, secretName: string | undefined, matchesServerName: boolean, cache: MaterialCache, context: ParseContext): ParsedValidation {
  for (const message of contexts) reportUnsupported(message, context);
  const holder = holderOf(contexts, (message) => message.trustedCa !== undefined);
  const authorities = readMaterial(holder.trustedCa, context);
  const names = parseNames(contexts, context);
  const certificateHashes = contexts.flatMap((message) => message.verifyCertificateHash.map((text, i) => parseHash(text, message, i, context)));
  const publicKeyHashes = contexts.flatMap((message) => message.verifyCertificateSpki.map((text, i) => parseSpki(text, message, i, context)));
  const material = parseTrust(contexts, authorities, cache, context);
  if (material === null) reportMissingCa(contexts, names, context);
  return {
    trust: material?.trust ?? null,
    verification: { acceptsUntrusted: acceptsUntrusted(contexts), matchesServerName, names, certificateHashes, publicKeyHashes },
    authority: { name: secretName ?? authorityName(holder), details: material === null ? null : detailsOf(material.first, authorities?.path ?? '') },
  };
}

/** The last that has something, else the last. */
function holderOf(contexts: Contexts, has: (message: CertificateValidationContext) => boolean): CertificateValidationContext {
  return contexts.findLast(has) ?? contexts[contexts.length - 1];
}

function acceptsUntrusted(contexts: Contexts): boolean {
  return contexts.some((message) => message.trustChainVerification === CertificateValidationContext_TrustChainVerification.ACCEPT_UNTRUSTED);
}

function reportUnsupported(message: CertificateValidationContext, context: ParseContext): void {
  // Envoy takes both without doing anything: a peer is not verified by them.
  if (message.systemRootCerts !== undefined) context.warn(message, 'system_root_certs', 'system_root_certs has no effect: name the file of the system\'s certificates in trusted_ca');
  if (message.caCertificateProviderInstance !== undefined) context.warn(message, 'ca_certificate_provider_instance', 'ca_certificate_provider_instance has no effect: name certificates in trusted_ca');
  if (message.customValidatorConfig !== undefined) context.refuse(message, 'custom_validator_config', `the certificate validator ${message.customValidatorConfig.name}`);
}

/** In /stats certificates of the configuration itself are called by what they are given inline, files by the hash of nothing. */
function authorityName({ trustedCa }: CertificateValidationContext): string {
  return trustedCa === undefined ? 'unnamed_ca_cert' : `unnamed_ca_cert_${inlineHash(trustedCa.specifier)}`;
}

/** Only inline_bytes count. */
export function inlineHash(specifier: { readonly case: string | undefined; readonly value?: unknown }): string {
  return sha256(specifier.case === 'inlineBytes' ? (specifier.value as Uint8Array) : new Uint8Array(0)).slice(0, 8);
}

/** null = no certificate is trusted, or it was reported. */
function parseTrust(contexts: Contexts, authorities: Material | undefined, cache: MaterialCache, context: ParseContext): TrustMaterial | null {
  const holder = holderOf(contexts, (message) => message.trustedCa !== undefined);
  const crlHolder = holderOf(contexts, (message) => message.crl !== undefined);
  const crl = readMaterial(crlHolder.crl, context);
  if (authorities === undefined || crl === undefined) return null;
  if (crl.failure !== '') context.error(crlHolder, 'crl', crl.failure);
  if (holder.trustedCa === undefined) {
    if (crl.bytes.length > 0) context.error(crlHolder, 'crl', `Failed to load CRL from ${crl.path} without trusted CA`);
    return null;
  }
  if (authorities.failure !== '' || authorities.bytes.length === 0) {
    context.error(holder, 'trusted_ca', authorities.failure === '' ? 'DataSource cannot be empty' : authorities.failure);
    return null;
  }
  const checksLeafCrlOnly = contexts.some((message) => message.onlyVerifyLeafCertCrl);
  const allowsExpired = contexts.some((message) => message.allowExpiredCertificate);
  const accepts = acceptsUntrusted(contexts);
  const flags = `trust ${[checksLeafCrlOnly, allowsExpired, accepts].join()}`;
  const made = cache.get([flags, authorities.bytes, crl.bytes], (): TrustMaterial | 'trusted_ca' | 'crl' => {
    const authorityText = Buffer.from(authorities.bytes).toString('latin1');
    const crlText = Buffer.from(crl.bytes).toString('latin1');
    const certificates = readCertificates(authorityText);
    const ownCrls = readCrls(authorityText);
    if (certificates === undefined || certificates.length === 0 || ownCrls === undefined) return 'trusted_ca';
    const crls = readCrls(crlText);
    if (crls === undefined || (crls === '' && crlText !== '')) return 'crl';
    const trust = {
      trustedCa: certificates.map((certificate) => certificate.toString()).join(''), crl: ownCrls + crls,
      checksLeafCrlOnly, allowsExpired, acceptsUntrusted: accepts, maxDepth: -1,
    };
    return { trust: Object.freeze(trust), first: certificates[0] };
  });
  if (made === 'trusted_ca') context.error(holder, 'trusted_ca', `Failed to load trusted CA certificates from ${authorities.path}`);
  else if (made === 'crl') context.error(crlHolder, 'crl', `Failed to load CRL from ${crl.path}`);
  else return made;
  return null;
}

/** What makes sense only with somebody to trust. */
function reportMissingCa(contexts: Contexts, names: readonly SanMatcherConfig[], context: ParseContext): void {
  if (contexts.some((message) => message.trustedCa !== undefined)) return;
  const last = contexts[contexts.length - 1];
  if (names.length > 0) {
    const field = last.matchTypedSubjectAltNames.length > 0 ? 'match_typed_subject_alt_names' : 'match_subject_alt_names';
    context.error(last, field, 'SAN-based verification of peer certificates without trusted CA is insecure and not allowed');
  }
  if (contexts.some((message) => message.allowExpiredCertificate)) {
    context.error(last, 'allow_expired_certificate', 'Certificate validity period is always ignored without trusted CA');
  }
}

const KINDS: Readonly<Record<number, SanMatcherConfig['kind']>> = {
  [SubjectAltNameMatcher_SanType.EMAIL]: 'email',
  [SubjectAltNameMatcher_SanType.DNS]: 'dns',
  [SubjectAltNameMatcher_SanType.URI]: 'uri',
  [SubjectAltNameMatcher_SanType.IP_ADDRESS]: 'ip',
  [SubjectAltNameMatcher_SanType.OTHER_NAME]: 'other',
};

/** Typed ones, else the deprecated ones, which stand for four types. */
function parseNames(contexts: Contexts, context: ParseContext): SanMatcherConfig[] {
  const typed = contexts.flatMap((message) => message.matchTypedSubjectAltNames.map((each) => parseName(each, context)));
  const untyped = contexts.filter((message) => message.matchSubjectAltNames.length > 0);
  if (typed.length === 0) {
    return untyped.flatMap((message) => message.matchSubjectAltNames).flatMap((each) => {
      const matcher = parseStringMatcher(each, context);
      return (['dns', 'uri', 'email', 'ip'] as const).map((kind) => ({ kind, oid: '', matcher }));
    });
  }
  for (const message of untyped) {
    context.warn(message, 'match_subject_alt_names', 'Ignoring match_subject_alt_names as match_typed_subject_alt_names is also specified, and the former is deprecated.');
  }
  return typed;
}

function parseName(message: SubjectAltNameMatcher, context: ParseContext): SanMatcherConfig {
  const kind = KINDS[message.sanType] ?? 'dns';
  const matcher = message.matcher === undefined ? { kind: 'exact' as const, value: '', ignoreCase: false } : parseStringMatcher(message.matcher, context);
  if (kind !== 'other') return { kind, oid: '', matcher };
  const oid = parseOid(message.oid);
  if (oid === undefined) context.error(message, 'oid', `Failed to create string SAN matcher of type ${message.sanType}`);
  return { kind, oid: oid ?? '', matcher };
}

/** With colons or without. */
function parseHash(text: string, holder: object, index: number, context: ParseContext): string {
  const hex = (text.length === 95 ? text.replaceAll(':', '') : text).toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hex)) context.error(holder, `verify_certificate_hash[${index}]`, `Invalid hex-encoded SHA-256 ${text.length === 95 ? text.replaceAll(':', '') : text}`);
  return hex;
}

function parseSpki(text: string, holder: object, index: number, context: ParseContext): string {
  const bytes = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text) || bytes.length !== 32) context.error(holder, `verify_certificate_spki[${index}]`, `Invalid base64-encoded SHA-256 ${text}`);
  return bytes.toString('hex');
}
