import type { XffConfig } from '../../../../core/api/gen/envoy/extensions/http/original_ip_detection/xff/v3/xff_pb.d.ts';
import { Cidr } from '../../../../core/base/cidr.ts';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import { type IpDetectionContext, ORIGINAL_IP_DETECTION_CATEGORY, type OriginalIpDetection } from '../../../../core/http/original_ip_detection.ts';
import { parseCidr } from '../../../../core/network/parse_address.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../../../core/registry/parse_context.ts';
import { TrustedRanges, XffDetection } from './xff_detection.ts';

interface XffDetectionConfig {
  readonly trustedHops: number;
  /** null = hops are counted instead. */
  readonly trustedCidrs: readonly string[] | null;
  readonly skipsAppend: boolean;
}

/** envoy.http.original_ip_detection.xff: the client is behind so many proxies, or behind those with certain addresses. */
const factory: ExtensionFactory<XffDetectionConfig, IpDetectionContext, OriginalIpDetection> = {
  category: ORIGINAL_IP_DETECTION_CATEGORY,
  name: 'envoy.http.original_ip_detection.xff',
  typeName: 'envoy.extensions.http.original_ip_detection.xff.v3.XffConfig',
  parse: (message, context) => deepFreeze(parse(message as XffConfig, context)),
  createFactory: (config) => {
    const { trustedCidrs, trustedHops, skipsAppend } = config;
    return trustedCidrs === null ? new XffDetection(trustedHops, skipsAppend) : new TrustedRanges(trustedCidrs.map((text) => Cidr.parse(text)), skipsAppend);
  },
};

function parse(message: XffConfig, context: ParseContext): XffDetectionConfig {
  const cidrs = message.xffTrustedCidrs;
  if (cidrs !== undefined && message.xffNumTrustedHops > 0) {
    context.error(message, 'xff_trusted_cidrs', 'Cannot set both xff_num_trusted_hops and xff_trusted_cidrs');
  }
  return {
    trustedHops: message.xffNumTrustedHops,
    trustedCidrs: cidrs === undefined ? null : cidrs.cidrs.map((range) => parseCidr(range, context)).filter((cidr) => cidr !== undefined),
    skipsAppend: message.skipXffAppend ?? true,
  };
}

/** Adds the extension to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
