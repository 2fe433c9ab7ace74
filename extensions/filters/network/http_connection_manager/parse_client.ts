import { HttpConnectionManager_ForwardClientCertDetails as ClientCert } from '../../../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_enums.ts';
import type {
  HttpConnectionManager, HttpConnectionManager_InternalAddressConfig, HttpConnectionManager_ProxyStatusConfig,
} from '../../../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.d.ts';
import type { TypedExtensionConfig } from '../../../../core/api/gen/envoy/config/core/v3/extension_pb.d.ts';
import type { ConnectionManagerConfig, InternalAddressConfig, ProxyStatusConfig } from '../../../../core/http/connection_manager/config.ts';
import { REQUEST_ID_CATEGORY } from '../../../../core/http/connection_manager/request_id.ts';
import { EARLY_HEADER_MUTATION_CATEGORY } from '../../../../core/http/early_header_mutation.ts';
import { ORIGINAL_IP_DETECTION_CATEGORY } from '../../../../core/http/original_ip_detection.ts';
import { parseCidr } from '../../../../core/network/parse_address.ts';
import type { AnyMessage, ExtensionConfig, ParseContext } from '../../../../core/registry/parse_context.ts';

type Client = Pick<ConnectionManagerConfig, 'internalAddresses' | 'originalIpDetection' | 'earlyHeaderMutations' | 'keepsForwardedClientCert'>;

/** Who the client is, what it may say about itself, and what is changed before anybody looks. */
export function parseClient(message: HttpConnectionManager, context: ParseContext): Client {
  checkDetection(message, context);
  const extension = message.requestIdExtension;
  if (extension !== undefined) context.parseExtension(REQUEST_ID_CATEGORY, '', extension.typedConfig as AnyMessage | undefined, extension, 'typed_config');
  // It says what of a client certificate to tell; there is none on a plaintext connection.
  if (message.setCurrentClientCertDetails !== undefined) context.consume(message, 'set_current_client_cert_details');
  return {
    internalAddresses: message.internalAddressConfig === undefined ? null : parseInternal(message.internalAddressConfig, context),
    originalIpDetection: parseExtensions(ORIGINAL_IP_DETECTION_CATEGORY, message.originalIpDetectionExtensions, context),
    earlyHeaderMutations: parseExtensions(EARLY_HEADER_MUTATION_CATEGORY, message.earlyHeaderMutationExtensions, context),
    keepsForwardedClientCert: message.forwardClientCertDetails === ClientCert.ALWAYS_FORWARD_ONLY,
  };
}

function checkDetection(message: HttpConnectionManager, context: ParseContext): void {
  if (message.originalIpDetectionExtensions.length === 0) return;
  if (message.useRemoteAddress === true) {
    context.error(message, 'original_ip_detection_extensions', 'Original IP detection extensions and use_remote_address may not be mixed');
  }
  if (message.xffNumTrustedHops > 0) {
    context.error(message, 'xff_num_trusted_hops', 'Original IP detection extensions and xff_num_trusted_hops may not be mixed');
  }
}

function parseExtensions(category: string, messages: readonly TypedExtensionConfig[], context: ParseContext): ExtensionConfig[] {
  return messages
    .map((message) => context.parseExtension(category, message.name, message.typedConfig as AnyMessage | undefined, message, 'typed_config'))
    .filter((extension) => extension !== undefined);
}

function parseInternal(message: HttpConnectionManager_InternalAddressConfig, context: ParseContext): InternalAddressConfig {
  return {
    cidrs: message.cidrRanges.map((range) => parseCidr(range, context)).filter((cidr) => cidr !== undefined),
    unixSockets: message.unixSockets,
  };
}

/** proxy_status_config. */
export function parseProxyStatus(message: HttpConnectionManager_ProxyStatusConfig | undefined, context: ParseContext): ProxyStatusConfig | null {
  if (message === undefined) return null;
  return {
    name: parseName(message, context),
    hasDetails: !message.removeDetails,
    hasTerminationDetails: !message.removeConnectionTerminationDetails,
    hasResponseFlags: !message.removeResponseFlags,
    setsResponseCode: message.setRecommendedResponseCode,
  };
}

function parseName(message: HttpConnectionManager_ProxyStatusConfig, context: ParseContext): ProxyStatusConfig['name'] {
  const name = message.proxyName;
  if (name.case === 'literalProxyName') return { kind: 'literal', value: name.value };
  if (name.case === undefined) return { kind: 'server_name' };
  // Its value does not matter: the choice was made by writing it.
  context.consume(message, 'use_node_id');
  return { kind: 'node_id' };
}
