/** HttpConnectionManager to plain data. What is not read here is reported as having no effect. Thread: main, config time. */
import {
  HttpConnectionManager_CodecType,
} from '../../../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_enums.ts';
import type {
  HttpConnectionManager, HttpConnectionManager_InternalAddressConfig, HttpConnectionManager_UpgradeConfig,
} from '../../../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.d.ts';
import type { Http1ProtocolOptions, SchemeHeaderTransformation } from '../../../../core/api/gen/envoy/config/core/v3/protocol_pb.d.ts';
import { parseAccessLogs } from '../../../../core/access_log/parse_access_log.ts';
import { durationMsOr } from '../../../../core/api/scalar_values.ts';
import { deepFreeze } from '../../../../core/base/deep_freeze.ts';
import type { ConnectionManagerConfig, Http1Options } from '../../../../core/http/connection_manager/config.ts';
import { parseCidr } from '../../../../core/network/parse_address.ts';
import type { ParseContext } from '../../../../core/registry/parse_context.ts';
import { parseRouteConfig } from '../../../../core/route/parse_route_config.ts';
import { parseHttpFilters } from './parse_http_filters.ts';
import { parseLocalReply } from './parse_local_reply.ts';

const HOUR_MS = 3_600_000;
const STREAM_IDLE_TIMEOUT_MS = 300_000;
const DRAIN_TIMEOUT_MS = 5_000;
const DELAYED_CLOSE_TIMEOUT_MS = 1_000;
const MAX_HEADERS_COUNT = 100;
const MAX_REQUEST_HEADERS_KB = 60;
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
  const filters = parseHttpFilters(message, message.httpFilters, context);
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
    ...parseIdentity(message, context),
    ...parsePathAndHost(message, context),
    streamErrorOnInvalidHttpMessage: parseStreamError(message),
    proxy100Continue: message.proxy100Continue,
    // The deprecated field counts as long as the message does not say otherwise.
    logsNewRequests: message.accessLogOptions?.flushAccessLogOnNewRequest ?? message.flushAccessLogOnNewRequest,
    localReply: message.localReplyConfig === undefined ? null : parseLocalReply(message.localReplyConfig, context),
    upgrades: parseUpgrades(message.upgradeConfigs, context),
  });
}

/** Fields that would change where traffic goes, or who is trusted, if they were left out. */
function refuseUnsupported(message: HttpConnectionManager, context: ParseContext): void {
  if (message.originalIpDetectionExtensions.length > 0) {
    if (message.useRemoteAddress === true) {
      context.error(message, 'original_ip_detection_extensions', 'Original IP detection extensions and use_remote_address may not be mixed');
    } else context.refuse(message, 'original_ip_detection_extensions', 'original IP detection extensions');
  }
  if (message.earlyHeaderMutationExtensions.length > 0) context.refuse(message, 'early_header_mutation_extensions', 'early header mutation extensions');
  if (message.pathNormalizationOptions !== undefined) context.refuse(message, 'path_normalization_options', 'path normalization options');
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
    properCaseWords: message !== undefined && usesProperCaseWords(message, context),
    allowChunkedLength: message?.allowChunkedLength ?? false,
    allowCustomMethods: message?.allowCustomMethods ?? false,
  };
}

function usesProperCaseWords(message: Http1ProtocolOptions, context: ParseContext): boolean {
  const format = message.headerKeyFormat;
  if (format === undefined) return false;
  if (format.headerFormat.case !== 'properCaseWords') {
    // Header names go out in lower case, which means the same to any recipient.
    context.warn(format, 'stateful_formatter', 'header formatters other than proper_case_words have no effect here');
    return false;
  }
  context.consume(format, 'proper_case_words');
  return true;
}

type LimitsAndTimeouts = Pick<ConnectionManagerConfig,
  'idleTimeoutMs' | 'maxConnectionDurationMs' | 'maxStreamDurationMs' | 'maxHeadersCount' | 'maxRequestHeadersKb' | 'maxRequestsPerConnection'
  | 'headersWithUnderscores' | 'streamIdleTimeoutMs' | 'requestTimeoutMs' | 'requestHeadersTimeoutMs' | 'drainTimeoutMs' | 'delayedCloseTimeoutMs'>;

function parseLimitsAndTimeouts(message: HttpConnectionManager): LimitsAndTimeouts {
  const common = message.commonHttpProtocolOptions;
  return {
    idleTimeoutMs: durationMsOr(common?.idleTimeout, HOUR_MS),
    maxConnectionDurationMs: durationMsOr(common?.maxConnectionDuration, 0),
    maxStreamDurationMs: durationMsOr(common?.maxStreamDuration, 0),
    maxHeadersCount: common?.maxHeadersCount ?? MAX_HEADERS_COUNT,
    maxRequestHeadersKb: message.maxRequestHeadersKb ?? MAX_REQUEST_HEADERS_KB,
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
  'useRemoteAddress' | 'xffNumTrustedHops' | 'skipXffAppend' | 'via' | 'serverName' | 'serverHeaderTransformation' | 'schemeToOverwrite'
  | 'generateRequestId' | 'preserveExternalRequestId' | 'alwaysSetRequestIdInResponse' | 'appendForwardedPort' | 'internalCidrs'>;

function parseIdentity(message: HttpConnectionManager, context: ParseContext): Identity {
  return {
    useRemoteAddress: message.useRemoteAddress ?? false,
    xffNumTrustedHops: message.xffNumTrustedHops,
    skipXffAppend: message.skipXffAppend,
    via: message.via,
    serverName: message.serverName === '' ? 'envoy' : message.serverName,
    serverHeaderTransformation: SERVER_HEADER[message.serverHeaderTransformation] ?? 'overwrite',
    schemeToOverwrite: parseScheme(message.schemeHeaderTransformation),
    generateRequestId: message.generateRequestId ?? true,
    preserveExternalRequestId: message.preserveExternalRequestId,
    alwaysSetRequestIdInResponse: message.alwaysSetRequestIdInResponse,
    appendForwardedPort: message.appendXForwardedPort,
    internalCidrs: message.internalAddressConfig === undefined ? null : parseInternalCidrs(message.internalAddressConfig, context),
  };
}

function parseScheme(message: SchemeHeaderTransformation | undefined): string {
  return message?.transformation.case === 'schemeToOverwrite' ? message.transformation.value : '';
}

function parseInternalCidrs(message: HttpConnectionManager_InternalAddressConfig, context: ParseContext): string[] {
  return message.cidrRanges.map((range) => parseCidr(range, context)).filter((cidr) => cidr !== undefined);
}

type PathAndHost = Pick<ConnectionManagerConfig,
  'normalizePath' | 'mergeSlashes' | 'pathWithEscapedSlashesAction' | 'stripMatchingHostPort' | 'stripAnyHostPort' | 'stripTrailingHostDot'>;

function parsePathAndHost(message: HttpConnectionManager, context: ParseContext): PathAndHost {
  const stripAnyHostPort = message.stripPortMode.case === 'stripAnyHostPort' && message.stripPortMode.value;
  if (stripAnyHostPort && message.stripMatchingHostPort) {
    context.error(message, 'strip_any_host_port', 'Error: Only one of `strip_matching_host_port` or `strip_any_host_port` can be set.');
  }
  return {
    normalizePath: message.normalizePath ?? false,
    mergeSlashes: message.mergeSlashes,
    pathWithEscapedSlashesAction: ESCAPED_SLASHES[message.pathWithEscapedSlashesAction] ?? 'keep_unchanged',
    stripMatchingHostPort: message.stripMatchingHostPort,
    stripAnyHostPort,
    stripTrailingHostDot: message.stripTrailingHostDot,
  };
}

function parseUpgrades(messages: readonly HttpConnectionManager_UpgradeConfig[], context: ParseContext): string[] {
  const seen = new Set<string>();
  const allowed: string[] = [];
  for (const message of messages) {
    const type = message.upgradeType.toLowerCase();
    if (seen.has(type)) context.error(message, 'upgrade_type', `Error: multiple upgrade configs with the same name: '${message.upgradeType}'`);
    seen.add(type);
    if (message.filters.length > 0) context.refuse(message, 'filters', 'filter chains of their own for upgrades');
    if (message.enabled ?? true) allowed.push(type);
  }
  return allowed;
}
