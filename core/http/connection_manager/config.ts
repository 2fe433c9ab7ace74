/** The HTTP connection manager as plain frozen data. Times in milliseconds, 0 = off, unless said. */
import type { ExtensionConfig } from '../../registry/parse_context.ts';
import type { StringMatcherConfig } from '../../matcher/matcher_config.ts';
import type { RouteConfig } from '../../route/route_config.ts';
import type { AccessLogConfig, AccessLogFilterConfig } from '../../access_log/access_log_config.ts';
import type { BodyFormatConfig } from '../../formatter/format_config.ts';

/** One configured HTTP filter. */
export interface HttpFilterConfig {
  /** Key for typed_per_filter_config. */
  readonly name: string;
  readonly extension: ExtensionConfig;
  readonly disabled: boolean;
}

export interface LocalReplyMapperConfig {
  readonly filter: AccessLogFilterConfig;
  readonly statusCode: number;
  /** null = keep. */
  readonly body: string | null;
  readonly bodyFormat: BodyFormatConfig | null;
  readonly headersToAdd: readonly { readonly name: string; readonly value: string; readonly append: boolean }[];
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
  /** Requests for upgrades to these are served as if they had not asked. */
  readonly ignoredUpgrades: readonly StringMatcherConfig[];
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
  readonly maxStreamDurationMs: number;
  readonly maxHeadersCount: number;
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
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  readonly alwaysSetRequestIdInResponse: boolean;
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly pathWithEscapedSlashesAction: 'keep_unchanged' | 'reject_request' | 'unescape_and_redirect' | 'unescape_and_forward';
  readonly stripMatchingHostPort: boolean;
  readonly stripAnyHostPort: boolean;
  readonly stripTrailingHostDot: boolean;
  readonly streamErrorOnInvalidHttpMessage: boolean;
  readonly proxy100Continue: boolean;
  /** A log line is written when a request begins, too (DownstreamStart). */
  readonly logsNewRequests: boolean;
  readonly appendForwardedPort: boolean;
  /** CIDRs that count as internal; null = the default ranges. */
  readonly internalCidrs: readonly string[] | null;
  readonly localReply: { readonly mappers: readonly LocalReplyMapperConfig[]; readonly bodyFormat: BodyFormatConfig | null } | null;
  /** A log line is written when a tunnel stands, too (DownstreamTunnelSuccessfullyEstablished). */
  readonly logsTunnels: boolean;
  readonly upgrades: readonly UpgradeConfig[];
}
