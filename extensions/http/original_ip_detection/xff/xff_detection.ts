import { canonicalIp, type Cidr } from '../../../../core/base/cidr.ts';
import { forwardedAddress, hasSingleForwardedAddress } from '../../../../core/headers/forwarded_for.ts';
import type { HeaderMap } from '../../../../core/headers/header_map.ts';
import { HeaderId } from '../../../../core/headers/header_names.ts';
import type { IpDetectionResult, OriginalIpDetection } from '../../../../core/http/original_ip_detection.ts';

/** The client is so many places from the right of x-forwarded-for. */
export class XffDetection implements OriginalIpDetection {
  private readonly hops: number;
  private readonly skipsAppend: boolean;

  constructor(hops: number, skipsAppend: boolean) {
    this.hops = hops;
    this.skipsAppend = skipsAppend;
  }

  detect(headers: HeaderMap, _peerIp: string, result: IpDetectionResult): void {
    result.skipsAppend = this.skipsAppend;
    result.address = forwardedAddress(headers, this.hops);
    result.isTrusted = hasSingleForwardedAddress(headers);
  }
}

/**
 * The client is the last of x-forwarded-for that is no trusted proxy, or the first if all are. A peer that is none itself is not
 * believed.
 */
export class TrustedRanges implements OriginalIpDetection {
  private readonly ranges: readonly Cidr[];
  private readonly skipsAppend: boolean;

  constructor(ranges: readonly Cidr[], skipsAppend: boolean) {
    this.ranges = ranges;
    this.skipsAppend = skipsAppend;
  }

  detect(headers: HeaderMap, peerIp: string, result: IpDetectionResult): void {
    if (!this.isTrusted(peerIp)) {
      result.skipsAppend = false;
      return;
    }
    result.skipsAppend = this.skipsAppend;
    const places = (headers.getAll(HeaderId.forwardedFor) ?? '').split(',');
    for (let i = places.length - 1; i >= 0; i--) {
      const address = canonicalIp(places[i].trim());
      // What stands before something that is no address was written by nobody who is known.
      if (address === null) return;
      if (i > 0 && this.isTrusted(address)) continue;
      result.address = address;
      result.isTrusted = places.length === 1;
      return;
    }
  }

  private isTrusted(address: string): boolean {
    return this.ranges.some((range) => range.contains(address));
  }
}
