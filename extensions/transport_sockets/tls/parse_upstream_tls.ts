/** UpstreamTlsContext to plain data. What is not read here is reported as having no effect. Thread: main. */
import type { CertificateValidationContext } from '../../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.d.ts';
import type { SdsSecretConfig } from '../../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.d.ts';
import type { CommonTlsContext, UpstreamTlsContext } from '../../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.d.ts';
import type { ParseContext } from '../../../core/registry/parse_context.ts';
import type { MaterialCache } from './material.ts';
import { type ParsedCertificate, parseCertificate } from './parse_certificate.ts';
import { parseTlsParams } from './parse_tls_params.ts';
import { NO_VALIDATION, parseValidation } from './parse_validation.ts';
import type { ParsedValidation, UpstreamTlsConfig } from './tls_config.ts';

const MAX_ALPN_BYTES = 65_534;

export function parseUpstreamTls(message: UpstreamTlsContext, cache: MaterialCache, context: ParseContext): UpstreamTlsConfig {
  const common = message.commonTlsContext;
  if (message.sni.includes('\0')) context.error(message, 'sni', 'SNI names containing NULL-byte are not allowed');
  if (common !== undefined) refuseUnsupported(common, context);
  const certificate = common === undefined ? null : parseCertificates(common, cache, context);
  const { trust, verification, authority } = common === undefined ? NO_VALIDATION : parsePeer(common, message.autoSniSanValidation, cache, context);
  if (message.autoSniSanValidation && trust === null) {
    const what = authority === null ? 'without a validation context' : 'without configuring a trusted CA';
    context.error(message, 'auto_sni_san_validation', `'auto_sni_san_validation' was configured ${what}`);
  }
  return {
    client: {
      ...parseTlsParams(common?.tlsParams, certificate?.rareSignature ?? '', context),
      certificates: certificate === null ? [] : [certificate.certificate],
      trust,
      alpnProtocols: common === undefined ? [] : parseAlpn(common, context),
      maxSessionKeys: message.maxSessionKeys ?? 1,
      allowsRenegotiation: message.allowRenegotiation,
    },
    serverName: message.sni,
    usesHostname: message.autoHostSni,
    enforcesKeyUsage: message.enforceRsaKeyUsage ?? false,
    verification,
    certificates: { authority, shown: certificate?.shown ?? null },
  };
}

function refuseUnsupported(message: CommonTlsContext, context: ParseContext): void {
  if (message.customHandshaker !== undefined) context.refuse(message, 'custom_handshaker', 'custom TLS handshakers');
  if (message.keyLog !== undefined) context.refuse(message, 'key_log', 'logging the keys of TLS connections');
}

/** Split at commas, as Envoy splits what it has joined. */
function parseAlpn(message: CommonTlsContext, context: ParseContext): string[] {
  const joined = message.alpnProtocols.join(',');
  if (joined === '') return [];
  const protocols = joined.split(',');
  if (Buffer.byteLength(joined) > MAX_ALPN_BYTES || protocols.some((name) => name === '' || Buffer.byteLength(name) > 255)) {
    context.error(message, 'alpn_protocols', 'Invalid ALPN protocol string');
  }
  return protocols;
}

/** At most one; from the configuration itself or a static secret. */
function parseCertificates(message: CommonTlsContext, cache: MaterialCache, context: ParseContext): ParsedCertificate | null {
  const { tlsCertificates, tlsCertificateSdsSecretConfigs: secrets } = message;
  if (tlsCertificates.length + secrets.length > 1) {
    context.error(message, tlsCertificates.length > 1 ? 'tls_certificates' : 'tls_certificate_sds_secret_configs', 'Multiple TLS certificates are not supported for client contexts');
    return null;
  }
  if (tlsCertificates.length > 0) return parseCertificate(tlsCertificates[0], undefined, cache, context);
  if (secrets.length === 0 || isDynamic(secrets[0], context)) return null;
  const { name } = secrets[0];
  const secret = context.staticSecrets?.certificates.get(name);
  if (secret !== undefined) return parseCertificate(secret, name, cache, context);
  context.error(secrets[0], 'name', `Unknown static secret: ${name}`);
  return null;
}

function isDynamic(message: SdsSecretConfig, context: ParseContext): boolean {
  if (message.sdsConfig !== undefined) context.refuse(message, 'sds_config', 'secrets that are fetched (SDS)');
  return message.sdsConfig !== undefined;
}

/** How the peer is verified. */
function parsePeer(message: CommonTlsContext, matchesServerName: boolean, cache: MaterialCache, context: ParseContext): ParsedValidation {
  const type = message.validationContextType;
  switch (type.case) {
    case 'validationContext':
      return parseValidation([type.value], undefined, matchesServerName, cache, context);
    case 'validationContextSdsSecretConfig':
      return parseSecretValidation(type.value, [], matchesServerName, cache, context);
    case 'combinedValidationContext': {
      const { defaultValidationContext, validationContextSdsSecretConfig: secret } = type.value;
      const defaults = defaultValidationContext === undefined ? [] : [defaultValidationContext];
      return secret === undefined ? NO_VALIDATION : parseSecretValidation(secret, defaults, matchesServerName, cache, context);
    }
    case undefined:
      return NO_VALIDATION;
    default:
      // Envoy takes them without doing anything: the peer is not verified.
      context.warn(message, snakeCase(type.case), 'certificate providers have no effect: the peer is not verified');
      return NO_VALIDATION;
  }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function parseSecretValidation(
  message: SdsSecretConfig, defaults: readonly CertificateValidationContext[], matchesServerName: boolean, cache: MaterialCache, context: ParseContext,
): ParsedValidation {
  if (isDynamic(message, context)) return NO_VALIDATION;
  const secret = context.staticSecrets?.validationContexts.get(message.name);
  if (secret !== undefined) return parseValidation([...defaults, secret], message.name, matchesServerName, cache, context);
  context.error(message, 'name', `Unknown static certificate validation context: ${message.name}`);
  return NO_VALIDATION;
}
