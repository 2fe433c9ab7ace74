import type { TransportSocket } from '../../core/api/gen/envoy/config/core/v3/base_pb.d.ts';
import type { AnyMessage, ExtensionConfig, ParseContext } from '../../core/registry/parse_context.ts';

const RAW_BUFFER = 'envoy.transport_sockets.raw_buffer';

/** A transport socket of a listener's chain or of a cluster; null = a plain connection. */
export function parseTransportSocket(category: string, message: TransportSocket | undefined, context: ParseContext): ExtensionConfig | null {
  if (message === undefined) return null;
  const any = message.configType.case === 'typedConfig' ? (message.configType.value as AnyMessage) : undefined;
  // The plain socket needs no configuration.
  if (any === undefined && message.name === RAW_BUFFER) return null;
  const extension = context.parseExtension(category, message.name, any, message, 'typed_config');
  return extension === undefined || extension.config === null ? null : extension;
}
