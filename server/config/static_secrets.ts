/** static_resources.secrets: what configurations refer to by name. Thread: main. */
import type { CertificateValidationContext, TlsCertificate } from '../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.d.ts';
import type { Secret } from '../../core/api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.d.ts';
import type { ParseContext, StaticSecrets } from '../../core/registry/parse_context.ts';

/** By kind and name. Secrets of other kinds, and what nobody refers to, stay unread, so they are reported as without effect. */
export function collectSecrets(messages: readonly Secret[], context: ParseContext): StaticSecrets {
  const certificates = new Map<string, TlsCertificate>();
  const validationContexts = new Map<string, CertificateValidationContext>();
  for (const message of messages) {
    const { name, type } = message;
    const add = <T>(kept: Map<string, T>, secret: T, kind: string): void => {
      if (kept.has(name)) context.error(message, 'name', `Duplicate static ${kind} secret name ${name}`);
      kept.set(name, secret);
    };
    if (type.case === 'tlsCertificate') add(certificates, type.value, 'TlsCertificate');
    else if (type.case === 'validationContext') add(validationContexts, type.value, 'CertificateValidationContext');
  }
  return { certificates, validationContexts };
}
