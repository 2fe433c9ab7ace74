import { Cidr } from '../../base/cidr.ts';

/** RFC 1918, RFC 4193 and loopback: what counts as internal when internal_address_config is unset. */
const DEFAULT_RANGES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '127.0.0.0/8', '::1/128', 'fd00::/8'];

/** Whether addresses are internal, by the configured ranges. One per filter chain. */
export class InternalAddressChecker {
  private readonly ranges: readonly Cidr[];

  /** `cidrs` null = the default ranges. Throws on a bad range (checked at parse time). */
  constructor(cidrs: readonly string[] | null) {
    this.ranges = (cidrs ?? DEFAULT_RANGES).map((text) => Cidr.parse(text));
  }

  /** For an address without port. Allocates; not for the plain path. */
  isInternal(address: string): boolean {
    return this.ranges.some((range) => range.contains(address));
  }
}
