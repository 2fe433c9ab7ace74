import type { AddressOrderConfig, ClusterConfig, HostAddress } from './cluster_config.ts';

/**
 * The order in which a host's addresses are tried: families take turns, the first one (that of the first address unless configured)
 * with `firstCount` addresses per turn (RFC 8305 §4). A new list.
 */
export function orderAddresses(addresses: readonly HostAddress[], { firstFamily, firstCount }: AddressOrderConfig): HostAddress[] {
  if (addresses.length === 0) return [];
  const isV6First = firstFamily === 'first' ? isV6(addresses[0]) : firstFamily === 'v6';
  const first = addresses.filter((each) => isV6(each) === isV6First);
  const other = addresses.filter((each) => isV6(each) !== isV6First);
  const ordered: HostAddress[] = [];
  while (first.length > 0 || other.length > 0) ordered.push(...first.splice(0, firstCount), ...other.splice(0, 1));
  return ordered;
}

/** Whether two hosts have the same addresses in the same order; undefined: there is one only. */
export function areSameAddresses(a: readonly HostAddress[] | undefined, b: readonly HostAddress[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((each, i) => each.address === b[i].address && each.port === b[i].port);
}

/** Which of a cluster's local addresses is for this target: the one of its family, else the first. Unix sockets come from nowhere. */
export function localAddressFor(config: Pick<ClusterConfig, 'bindAddress' | 'otherBindAddress'>, target: HostAddress): HostAddress | null {
  const { bindAddress, otherBindAddress } = config;
  if (bindAddress === null || target.address.startsWith('/') || target.address.startsWith('@')) return null;
  return otherBindAddress !== null && isV6(otherBindAddress) === isV6(target) ? otherBindAddress : bindAddress;
}

function isV6({ address }: HostAddress): boolean {
  return address.includes(':');
}
