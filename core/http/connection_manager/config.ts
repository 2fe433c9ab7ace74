/** The HTTP connection manager as plain frozen data. Times in milliseconds, 0 = off, unless said. */
import type { HttpFilterConfig } from '../../registry/http_filter_config.ts';
import type { ExtensionConfig } from '../../registry/parse_context.ts';
import type { RouteConfig } from '../../route/route_config.ts';
import type { AccessLogConfig, AccessLogFilterConfig } from '../../access_log/access_log_config.ts';
import type { PreserveCaseConfig } from '../../headers/header_spelling.ts';
import type { StringMatcherConfig } from '../../matcher/matcher_config.ts';
import type { HeaderAddConfig } from '../../headers/header_mutation.ts';
import type { BodyFormatConfig } from '../../formatter/format_config.ts';

export interface LocalReplyMapperConfig {
  readonly filter: AccessLogFilterConfig;
  readonly statusCode: number;
  /** null = keep. */
  readonly body: string | null;
  readonly bodyFormat: BodyFormatConfig | null;
  readonly headersToAdd: readonly HeaderAddConfig[];
}

/** One entry of upgrade_configs. */
export interface UpgradeConfig {
  /** Lower case: 'websocket', 'connect', ... */
  readonly type: string;
  /** Allowed where a route says nothing. */
  readonly enabled: boolean;
  /** A filter chain of its own; null = the connection manager's. */
  readonly filters: readonly HttpFilterConfig[] | null;
}

export interface Http1Options {
  readonly acceptHttp10: boolean;
  readonly defaultHostForHttp10: string;
  readonly allowAbsoluteUrl: boolean;
  readonly enableTrailers: boolean;
  readonly properCaseWords: boolean;
  readonly allowChunkedLength: boolean;
  readonly allowCustomMethods: boolean;
  /** Upgrades that are treated as if nobody had asked for them. */
  readonly ignoredUpgrades: readonly StringMatcherConfig[];
  readonly preserveCase: PreserveCaseConfig | null;
}

/** internal_address_config. */
export interface InternalAddressConfig {
  /** Empty = the private ranges. */
  readonly cidrs: readonly string[];
  readonly unixSockets: boolean;
}

/** proxy_status_config: the Proxy-Status header (RFC 9209) on responses that end in an error. */
export interface ProxyStatusConfig {
  readonly name: { readonly kind: 'server_name' | 'node_id' } | { readonly kind: 'literal'; readonly value: string };
  readonly hasDetails: boolean;
  readonly hasTerminationDetails: boolean;
  readonly hasResponseFlags: boolean;
  /** The response's status becomes the one RFC 9209 recommends for the error. */
  readonly setsResponseCode: boolean;
}

export interface ConnectionManagerConfig {
  readonly statPrefix: string;
  readonly codecType: 'auto' | 'http1' | 'http2';
  /** Inline table; null when it comes from RDS (`rdsName`). */
  readonly routeConfig: RouteConfig | null;
  readonly rdsName: string;
  readonly filters: readonly HttpFilterConfig[];
  readonly accessLogs: readonly AccessLogConfig[];
  readonly http1: Http1Options;
  readonly idleTimeoutMs: number;
  readonly maxConnectionDurationMs: number;
  /** At its end the connection is not closed: the next response says `connection: close`. */
  readonly isMaxConnectionDurationSafe: boolean;
  readonly maxStreamDurationMs: number;
  /** 0 = not said. */
  readonly maxHeadersCount: number;
  /** 0 = not said. */
  readonly maxRequestHeadersKb: number;
  /** 0 = unlimited. */
  readonly maxRequestsPerConnection: number;
  readonly headersWithUnderscores: 'allow' | 'reject_request' | 'drop_header';
  readonly streamIdleTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly requestHeadersTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly delayedCloseTimeoutMs: number;
  readonly useRemoteAddress: boolean;
  readonly xffNumTrustedHops: number;
  readonly skipXffAppend: boolean;
  readonly via: string;
  readonly serverName: string;
  readonly serverHeaderTransformation: 'overwrite' | 'append_if_absent' | 'pass_through';
  /** '' = unset. */
  readonly schemeToOverwrite: string;
  readonly schemeMatchesUpstream: boolean;
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  readonly alwaysSetRequestIdInResponse: boolean;
  readonly normalizePath: boolean;
  /** Otherwise runtime may switch it on. */
  readonly isNormalizePathSaid: boolean;
  readonly mergeSlashes: boolean;
  readonly pathWithEscapedSlashesAction: 'keep_unchanged' | 'reject_request' | 'unescape_and_redirect' | 'unescape_and_forward';
  readonly stripMatchingHostPort: boolean;
  readonly stripAnyHostPort: boolean;
  readonly stripTrailingHostDot: boolean;
  readonly streamErrorOnInvalidHttpMessage: boolean;
  readonly proxy100Continue: boolean;
  /** A log line is written when a request begins, too (DownstreamStart). */
  readonly logsNewRequests: boolean;
  /** And one at this interval while the stream lasts (DownstreamPeriodic). */
  readonly logFlushIntervalMs: number;
  readonly appendForwardedPort: boolean;
  /** null = nothing is internal. */
  readonly internalAddresses: InternalAddressConfig | null;
  /** Who the client is when the peer is not asked (`useRemoteAddress` false); empty = x-forwarded-for says. */
  readonly originalIpDetection: readonly ExtensionConfig[];
  readonly earlyHeaderMutations: readonly ExtensionConfig[];
  /** An IPv4 peer is appended to x-forwarded-for as ::ffff:a.b.c.d. */
  readonly mapsIpv4ToIpv6: boolean;
  /** x-envoy-downstream-service-cluster, -node and, if there is none, user-agent name this proxy. */
  readonly addUserAgent: boolean;
  /** x-forwarded-client-cert passes even though no client certificate was presented. */
  readonly keepsForwardedClientCert: boolean;
  readonly proxyStatus: ProxyStatusConfig | null;
  readonly localReply: { readonly mappers: readonly LocalReplyMapperConfig[]; readonly bodyFormat: BodyFormatConfig | null } | null;
  /** A log line is written when a tunnel stands, too (DownstreamTunnelSuccessfullyEstablished). */
  readonly logsTunnels: boolean;
  readonly upgrades: readonly UpgradeConfig[];
}
