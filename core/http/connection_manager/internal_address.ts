import { Cidr } from '../../base/cidr.ts';
import type { InternalAddressConfig } from './config.ts';

/** Ranges that count when internal_address_config is there and names none: RFC 1918, RFC 4193's assigned half, loopback. */
const PRIVATE_RANGES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '127.0.0.1', 'fd00::/8', '::1'];

/** Whether addresses are internal, by the configured ranges. One per filter chain. */
export class InternalAddressChecker {
  private readonly ranges: readonly Cidr[];
  private readonly unixSockets: boolean;

  /** Without configuration nothing is internal. Throws on a bad range (checked at parse time). */
  constructor(config: InternalAddressConfig | null) {
    const cidrs = config === null ? [] : config.cidrs.length > 0 ? config.cidrs : PRIVATE_RANGES;
    this.ranges = cidrs.map((text) => Cidr.parse(text));
    this.unixSockets = config?.unixSockets ?? false;
  }

  /** For an address without port, or the path of a Unix socket. Allocates; not for the plain path. */
  isInternal(address: string): boolean {
    if (address.startsWith('/') || address.startsWith('@')) return this.unixSockets;
    const ranges = this.ranges;
    for (let i = 0; i < ranges.length; i++) if (ranges[i].contains(address)) return true;
    return false;
  }
}
