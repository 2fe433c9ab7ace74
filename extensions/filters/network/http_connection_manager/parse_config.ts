/** HttpConnectionManager to plain data. What is not read here is reported as having no effect. Thread: main, config time. */
import {
  HttpConnectionManager_CodecType,
} from '../../../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_enums.ts';
import type {
  HttpConnectionManager, HttpConnectionManager_UpgradeConfig,
} from '../../../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.d.ts';
import type { Http1ProtocolOptions, SchemeHeaderTransformation } from '../../../../core/api/gen/envoy/config/core/v3/protocol_pb.d.ts';
import { parseAccessLogs } from '../../../../core/access_log/parse_access_log.ts';
import { durationMsOr } from '../../../../core/api/scalar_values.ts';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import type { ConnectionManagerConfig, Http1Options, UpgradeConfig } from '../../../../core/http/connection_manager/config.ts';
import { parseStringMatcher } from '../../../../core/matcher/parse_matcher.ts';
import { parseHeaderFormat } from '../../../../core/upstream/http1_header_format.ts';
import type { ParseContext } from '../../../../core/registry/parse_context.ts';
import { parseRouteConfig } from '../../../../core/route/parse_route_config.ts';
import { parseClient, parseProxyStatus } from './parse_client.ts';
import { CONNECTION_MANAGER_CHAIN, parseHttpFilters } from '../../../../core/http/parse_http_filters.ts';
import { parseLocalReply } from './parse_local_reply.ts';

const HOUR_MS = 3_600_000;
const STREAM_IDLE_TIMEOUT_MS = 300_000;
const DRAIN_TIMEOUT_MS = 5_000;
const DELAYED_CLOSE_TIMEOUT_MS = 1_000;
const UNDERSCORES = ['allow', 'reject_request', 'drop_header'] as const;
const SERVER_HEADER = ['overwrite', 'append_if_absent', 'pass_through'] as const;
/** IMPLEMENTATION_SPECIFIC_DEFAULT keeps them. */
const ESCAPED_SLASHES = ['keep_unchanged', 'keep_unchanged', 'reject_request', 'unescape_and_redirect', 'unescape_and_forward'] as const;

/** Full message name of the connection manager's configuration. */
export const HTTP_CONNECTION_MANAGER_TYPE = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** The whole message; reports what is wrong and what is not supported. Frozen. */
export function parseHttpConnectionManager(message: HttpConnectionManager, context: ParseContext): ConnectionManagerConfig {
  refuseUnsupported(message, context);
  const routeConfig = parseRoutes(message, context);
  const filters = parseHttpFilters(message, message.httpFilters, CONNECTION_MANAGER_CHAIN, context);
  warnOfUnusedRateLimits(message, routeConfig, filters, context);
  return deepFreeze({
    statPrefix: message.statPrefix,
    codecType: parseCodecType(message, context),
    routeConfig,
    rdsName: '',
    filters,
    accessLogs: parseAccessLogs(message.accessLog, context),
    http1: parseHttp1(message.httpProtocolOptions, context),
    ...parseLimitsAndTimeouts(message),
    ...parseIdentity(message),
    ...parseClient(message, context),
    proxyStatus: parseProxyStatus(message.proxyStatusConfig, context),
    ...parsePathAndHost(message, context),
    streamErrorOnInvalidHttpMessage: parseStreamError(message),
    proxy100Continue: message.proxy100Continue,
    // The deprecated field counts as long as the message does not say otherwise.
    logsNewRequests: message.accessLogOptions?.flushAccessLogOnNewRequest ?? message.flushAccessLogOnNewRequest,
    logFlushIntervalMs: durationMsOr(message.accessLogOptions?.accessLogFlushInterval ?? message.accessLogFlushInterval, 0),
    localReply: message.localReplyConfig === undefined ? null : parseLocalReply(message.localReplyConfig, context),
    logsTunnels: message.accessLogOptions?.flushLogOnTunnelSuccessfullyEstablished ?? false,
    upgrades: parseUpgrades(message.upgradeConfigs, context),
  });
}

/** Fields that would change where traffic goes, or who is trusted, if they were left out; and such as exclude each other. */
function refuseUnsupported(message: HttpConnectionManager, context: ParseContext): void {
  if (message.typedHeaderValidationConfig !== undefined) context.refuse(message, 'typed_header_validation_config', 'header validators as extensions');
  if (message.accessLogOptions !== undefined && message.accessLogFlushInterval !== undefined) {
    context.error(message, 'access_log_flush_interval', 'Only one of access_log_flush_interval or access_log_options can be specified.');
  }
  if (message.accessLogOptions !== undefined && message.flushAccessLogOnNewRequest) {
    context.error(message, 'flush_access_log_on_new_request', 'Only one of flush_access_log_on_new_request or access_log_options can be specified.');
  }
  if (message.forwardClientCertMatcher !== undefined) context.refuse(message, 'forward_client_cert_matcher', 'choosing by a matcher what to do with client certificates');
}

/** Types of the filters that look at the rate limits of routes. */
const RATE_LIMIT_FILTERS = ['envoy.extensions.filters.http.ratelimit.v3.RateLimit', 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit'];

/** rate_limits only describe requests: without a filter that asks somebody, nothing is limited. Said once. */
function warnOfUnusedRateLimits(
  message: HttpConnectionManager, routeConfig: ConnectionManagerConfig['routeConfig'], filters: ConnectionManagerConfig['filters'], context: ParseContext,
): void {
  if (filters.some((filter) => RATE_LIMIT_FILTERS.includes(filter.extension.typeName))) return;
  const hasSome = routeConfig?.virtualHosts.some((host) =>
    host.rateLimits.length > 0 || host.routes.some((route) => route.action.kind === 'route' && route.action.rateLimits.length > 0)) === true;
  if (hasSome) context.warn(message, 'route_config', 'rate_limits have no effect: no rate limit filter is configured');
}

function parseCodecType(message: HttpConnectionManager, context: ParseContext): ConnectionManagerConfig['codecType'] {
  switch (message.codecType) {
    case HttpConnectionManager_CodecType.HTTP1:
      return 'http1';
    case HttpConnectionManager_CodecType.HTTP2:
      context.refuse(message, 'codec_type', 'HTTP/2 from downstream');
      return 'http2';
    case HttpConnectionManager_CodecType.HTTP3:
      context.refuse(message, 'codec_type', 'HTTP/3');
      return 'auto';
    default:
      return 'auto';
  }
}

function parseRoutes(message: HttpConnectionManager, context: ParseContext): ConnectionManagerConfig['routeConfig'] {
  const specifier = message.routeSpecifier;
  switch (specifier.case) {
    case 'routeConfig':
      return parseRouteConfig(specifier.value, true, context);
    case 'rds':
      context.refuse(message, 'rds', 'xDS (route discovery)');
      return null;
    case 'scopedRoutes':
      context.refuse(message, 'scoped_routes', 'scoped routes');
      return null;
    default:
      return null;
  }
}

/** The codec's own setting wins over the manager's. */
function parseStreamError(message: HttpConnectionManager): boolean {
  const general = message.streamErrorOnInvalidHttpMessage ?? false;
  return message.httpProtocolOptions?.overrideStreamErrorOnInvalidHttpMessage ?? general;
}

function parseHttp1(message: Http1ProtocolOptions | undefined, context: ParseContext): Http1Options {
  return {
    acceptHttp10: message?.acceptHttp10 ?? false,
    defaultHostForHttp10: message?.defaultHostForHttp10 ?? '',
    allowAbsoluteUrl: message?.allowAbsoluteUrl ?? true,
    enableTrailers: message?.enableTrailers ?? false,
    ...parseHeaderFormat(message, context),
    allowChunkedLength: message?.allowChunkedLength ?? false,
    allowCustomMethods: message?.allowCustomMethods ?? false,
    ignoredUpgrades: (message?.ignoreHttp11Upgrade ?? []).map((matcher) => parseStringMatcher(matcher, context)),
  };
}

type LimitsAndTimeouts = Pick<ConnectionManagerConfig,
  'idleTimeoutMs' | 'maxConnectionDurationMs' | 'isMaxConnectionDurationSafe' | 'maxStreamDurationMs' | 'maxHeadersCount' | 'maxRequestHeadersKb' | 'maxRequestsPerConnection'
  | 'headersWithUnderscores' | 'streamIdleTimeoutMs' | 'requestTimeoutMs' | 'requestHeadersTimeoutMs' | 'drainTimeoutMs' | 'delayedCloseTimeoutMs'>;

function parseLimitsAndTimeouts(message: HttpConnectionManager): LimitsAndTimeouts {
  const common = message.commonHttpProtocolOptions;
  return {
    idleTimeoutMs: durationMsOr(common?.idleTimeout, HOUR_MS),
    maxConnectionDurationMs: durationMsOr(common?.maxConnectionDuration, 0),
    isMaxConnectionDurationSafe: message.http1SafeMaxConnectionDuration,
    maxStreamDurationMs: durationMsOr(common?.maxStreamDuration, 0),
    maxHeadersCount: common?.maxHeadersCount ?? 0,
    maxRequestHeadersKb: message.maxRequestHeadersKb ?? 0,
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
    headersWithUnderscores: UNDERSCORES[common?.headersWithUnderscoresAction ?? 0] ?? 'allow',
    streamIdleTimeoutMs: durationMsOr(message.streamIdleTimeout, STREAM_IDLE_TIMEOUT_MS),
    requestTimeoutMs: durationMsOr(message.requestTimeout, 0),
    requestHeadersTimeoutMs: durationMsOr(message.requestHeadersTimeout, 0),
    drainTimeoutMs: durationMsOr(message.drainTimeout, DRAIN_TIMEOUT_MS),
    delayedCloseTimeoutMs: durationMsOr(message.delayedCloseTimeout, DELAYED_CLOSE_TIMEOUT_MS),
  };
}

type Identity = Pick<ConnectionManagerConfig,
  'useRemoteAddress' | 'xffNumTrustedHops' | 'skipXffAppend' | 'via' | 'serverName' | 'serverHeaderTransformation' | 'schemeToOverwrite' | 'schemeMatchesUpstream'
  | 'generateRequestId' | 'preserveExternalRequestId' | 'alwaysSetRequestIdInResponse' | 'appendForwardedPort' | 'mapsIpv4ToIpv6' | 'addUserAgent'>;

function parseIdentity(message: HttpConnectionManager): Identity {
  return {
    useRemoteAddress: message.useRemoteAddress ?? false,
    xffNumTrustedHops: message.xffNumTrustedHops,
    skipXffAppend: message.skipXffAppend,
    via: message.via,
    serverName: message.serverName === '' ? 'envoy' : message.serverName,
    serverHeaderTransformation: SERVER_HEADER[message.serverHeaderTransformation] ?? 'overwrite',
    schemeToOverwrite: parseScheme(message.schemeHeaderTransformation),
    schemeMatchesUpstream: message.schemeHeaderTransformation?.matchUpstream ?? false,
    generateRequestId: message.generateRequestId ?? true,
    preserveExternalRequestId: message.preserveExternalRequestId,
    alwaysSetRequestIdInResponse: message.alwaysSetRequestIdInResponse,
    appendForwardedPort: message.appendXForwardedPort,
    mapsIpv4ToIpv6: message.representIpv4RemoteAddressAsIpv4MappedIpv6,
    addUserAgent: message.addUserAgent ?? false,
  };
}

function parseScheme(message: SchemeHeaderTransformation | undefined): string {
  return message?.transformation.case === 'schemeToOverwrite' ? message.transformation.value : '';
}

type PathAndHost = Pick<ConnectionManagerConfig,
  'normalizePath' | 'isNormalizePathSaid' | 'mergeSlashes' | 'pathWithEscapedSlashesAction' | 'stripMatchingHostPort' | 'stripAnyHostPort' | 'stripTrailingHostDot'>;

function parsePathAndHost(message: HttpConnectionManager, context: ParseContext): PathAndHost {
  const stripAnyHostPort = message.stripPortMode.case === 'stripAnyHostPort' && message.stripPortMode.value;
  if (stripAnyHostPort && message.stripMatchingHostPort) {
    context.error(message, 'strip_any_host_port', 'Error: Only one of `strip_matching_host_port` or `strip_any_host_port` can be set.');
  }
  return {
    normalizePath: message.normalizePath ?? false,
    isNormalizePathSaid: message.normalizePath !== undefined,
    mergeSlashes: message.mergeSlashes,
    pathWithEscapedSlashesAction: ESCAPED_SLASHES[message.pathWithEscapedSlashesAction] ?? 'keep_unchanged',
    stripMatchingHostPort: message.stripMatchingHostPort,
    stripAnyHostPort,
    stripTrailingHostDot: message.stripTrailingHostDot,
  };
}

function parseUpgrades(messages: readonly HttpConnectionManager_UpgradeConfig[], context: ParseContext): UpgradeConfig[] {
  const seen = new Set<string>();
  const upgrades: UpgradeConfig[] = [];
  for (const message of messages) {
    const type = message.upgradeType.toLowerCase();
    if (seen.has(type)) context.error(message, 'upgrade_type', `Error: multiple upgrade configs with the same name: '${message.upgradeType}'`);
    seen.add(type);
    upgrades.push({ type, enabled: message.enabled ?? true, filters: message.filters.length === 0 ? null : parseHttpFilters(message, message.filters, CONNECTION_MANAGER_CHAIN, context) });
  }
  return upgrades;
}
