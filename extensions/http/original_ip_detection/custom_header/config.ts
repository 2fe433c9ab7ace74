import type { CustomHeaderConfig } from '../../../../core/api/gen/envoy/extensions/http/original_ip_detection/custom_header/v3/custom_header_pb.d.ts';
import { canonicalIp } from '../../../../core/base/cidr.ts';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import type { HeaderMap } from '../../../../core/headers/header_map.ts';
import { type IpDetectionContext, type IpDetectionResult, ORIGINAL_IP_DETECTION_CATEGORY, type OriginalIpDetection } from '../../../../core/http/original_ip_detection.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';

interface CustomHeaderDetectionConfig {
  readonly headerName: string;
  readonly isTrusted: boolean;
  /** 0 = requests without the header go on. */
  readonly rejectStatus: number;
}

const FORBIDDEN = 403;

/** The whole value of a header is the client's address. */
class CustomHeaderDetection implements OriginalIpDetection {
  private readonly nameId: number;
  private readonly isTrusted: boolean;
  private readonly rejectStatus: number;

  constructor(config: CustomHeaderDetectionConfig, context: IpDetectionContext) {
    this.nameId = context.names.intern(config.headerName);
    this.isTrusted = config.isTrusted;
    this.rejectStatus = config.rejectStatus;
  }

  detect(headers: HeaderMap, _peerIp: string, result: IpDetectionResult): void {
    const address = canonicalIp(headers.get(this.nameId) ?? '');
    if (address === null) {
      result.rejectStatus = this.rejectStatus;
      return;
    }
    result.address = address;
    result.isTrusted = this.isTrusted;
  }
}

/** envoy.http.original_ip_detection.custom_header: a header that a trusted proxy sets says who the client is. */
const factory: ExtensionFactory<CustomHeaderDetectionConfig, IpDetectionContext, OriginalIpDetection> = {
  category: ORIGINAL_IP_DETECTION_CATEGORY,
  name: 'envoy.http.original_ip_detection.custom_header',
  typeName: 'envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig',
  parse: (tracked) => {
    const message = tracked as CustomHeaderConfig;
    const status = message.rejectWithStatus?.code;
    return deepFreeze({
      headerName: message.headerName.toLowerCase(),
      isTrusted: message.allowExtensionToSetAddressAsTrusted,
      // A refusal is an error, whatever was asked for.
      rejectStatus: status === undefined ? 0 : status >= 400 ? status : FORBIDDEN,
    });
  },
  createFactory: (config, context) => new CustomHeaderDetection(config, context),
};

/** Adds the extension to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
