import { Cidr } from '../../base/cidr.ts';

/** Whether addresses are internal, by the configured ranges. One per filter chain. */
export class InternalAddressChecker {
  private readonly ranges: readonly Cidr[];

  /** `cidrs` null = nothing is internal, as in Envoy since internal_address_config. Throws on a bad range (checked at parse time). */
  constructor(cidrs: readonly string[] | null) {
    this.ranges = (cidrs ?? []).map((text) => Cidr.parse(text));
  }

  /** For an address without port. Allocates where there are ranges. */
  isInternal(address: string): boolean {
    const ranges = this.ranges;
    for (let i = 0; i < ranges.length; i++) if (ranges[i].contains(address)) return true;
    return false;
  }
}
