import { Cidr } from '../../base/cidr.ts';

/** Whether addresses are internal, by the configured ranges. One per filter chain. */
export class InternalAddressChecker {
  private readonly ranges: readonly Cidr[];

  /** `cidrs` null = nothing is internal, as in Envoy since internal_address_config. Throws on a bad range (checked at parse time). */
  constructor(cidrs: readonly string[] | null) {
    this.ranges = (cidrs ?? []).map((text) => Cidr.parse(text));
  }

  /** For an address without port. Allocates; not for the plain path. */
  isInternal(address: string): boolean {
    return this.ranges.some((range) => range.contains(address));
  }
}
