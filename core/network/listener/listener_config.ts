/** A listener as plain frozen data. */
import type { MetadataStructs } from '../../stream_info/stream_info.ts';
import type { AccessLogConfig } from '../../access_log/access_log_config.ts';
import type { ExtensionConfig } from '../../registry/parse_context.ts';

export interface SocketAddressConfig {
  /** Numeric IPv4/IPv6 address, or a path ('/…', '@…') for Unix sockets with port 0. */
  readonly address: string;
  readonly port: number;
}

/** Criteria of envoy.config.listener.v3.FilterChainMatch; empty lists and 0 mean "any". */
export interface FilterChainMatchConfig {
  readonly destinationPort: number;
  readonly prefixRanges: readonly string[];
  readonly serverNames: readonly string[];
  readonly transportProtocol: string;
  readonly applicationProtocols: readonly string[];
  readonly directSourcePrefixRanges: readonly string[];
  readonly sourceType: 'any' | 'same_ip_or_loopback' | 'external';
  readonly sourcePrefixRanges: readonly string[];
  readonly sourcePorts: readonly number[];
}

export interface FilterChainConfig {
  readonly name: string;
  readonly match: FilterChainMatchConfig;
  /** Category `envoy.filters.network`. */
  readonly filters: readonly ExtensionConfig[];
  /** Category `envoy.transport_sockets.downstream`; null = raw. */
  readonly transportSocket: ExtensionConfig | null;
  readonly transportSocketConnectTimeoutMs: number;
}

export interface ListenerConfig {
  readonly name: string;
  /** The `<addr>` of `listener.<addr>.`: stat_prefix or the address with ':' as '_'. */
  readonly statPrefix: string;
  readonly addresses: readonly SocketAddressConfig[];
  /** false: it gets connections from listeners that hand them off, and no others. */
  readonly bindToPort: boolean;
  /** Redirected connections go to the listener at the address that they were going to, if there is one (use_original_dst). */
  readonly handsOff: boolean;
  readonly reusePort: boolean;
  /** 0 = the system's. */
  readonly backlog: number;
  readonly transparent: boolean;
  readonly freebind: boolean;
  readonly tcpFastOpenQueueLength: number;
  readonly perConnectionBufferLimitBytes: number;
  readonly maxConnectionsToAcceptPerSocketEvent: number;
  /** Category `envoy.filters.listener`. */
  readonly listenerFilters: readonly ExtensionConfig[];
  readonly listenerFiltersTimeoutMs: number;
  readonly continueOnListenerFiltersTimeout: boolean;
  readonly filterChains: readonly FilterChainConfig[];
  readonly defaultFilterChain: FilterChainConfig | null;
  /** Untyped metadata by namespace; absent if none. */
  readonly metadata?: MetadataStructs;
  readonly trafficDirection: 'unspecified' | 'inbound' | 'outbound';
  readonly drainType: 'default' | 'modify_only';
  readonly accessLogs: readonly AccessLogConfig[];
}
