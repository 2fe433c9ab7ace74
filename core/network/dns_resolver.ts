/** Name resolution as the control plane asks for it. Contract only: the resolvers are in server/dns. */

/** Which address families to ask for, and in which order (envoy.config.cluster.v3.Cluster.DnsLookupFamily). */
export type DnsLookupFamily = 'auto' | 'v4_only' | 'v6_only' | 'v4_preferred' | 'all';

export interface ResolvedAddress {
  /** Numeric IPv4 or IPv6 address. */
  readonly address: string;
  /** Seconds this answer may be kept; 0 = the answer did not say. */
  readonly ttlSec: number;
}

/**
 * `completed` with no addresses: the name server says that the name has none. `failed`: nobody could be asked, or the answer was
 * an error; what was known before stays true.
 */
export type DnsAnswer =
  | { readonly status: 'completed'; readonly addresses: readonly ResolvedAddress[] }
  | { readonly status: 'failed'; readonly reason: string };

export interface DnsResolver {
  /** Calls back once, possibly before it returns. Cancelled by `close`: then it is never called. */
  resolve(name: string, family: DnsLookupFamily, callback: (answer: DnsAnswer) => void): void;
  close(): void;
}
