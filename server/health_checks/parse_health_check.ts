/** envoy.config.core.v3.HealthCheck to plain data. Thread: main. */
import { RequestMethod } from '../../core/api/gen/envoy/config/core/v3/base_enums.ts';
import type { Cluster } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { HealthCheck, HealthCheck_CustomHealthCheck, HealthCheck_GrpcHealthCheck, HealthCheck_HttpHealthCheck, HealthCheck_TcpHealthCheck } from '../../core/api/gen/envoy/config/core/v3/health_check_pb.d.ts';
import { ProxyProtocolConfig_Version } from '../../core/api/gen/envoy/config/core/v3/proxy_protocol_enums.ts';
import type { ProxyProtocolConfig } from '../../core/api/gen/envoy/config/core/v3/proxy_protocol_pb.d.ts';
import type { Endpoint_HealthCheckConfig } from '../../core/api/gen/envoy/config/endpoint/v3/endpoint_components_pb.d.ts';
import type { Int64Range } from '../../core/api/gen/envoy/type/v3/range_pb.d.ts';
import { CodecClientType } from '../../core/api/gen/envoy/type/v3/http_enums.ts';
import { durationMsOr } from '../../core/api/scalar_values.ts';
import { parseStringMatcher } from '../../core/matcher/parse_matcher.ts';
import { parseNumericAddress } from '../../core/network/parse_address.ts';
import type { AnyMessage, ParseContext } from '../../core/registry/parse_context.ts';
import { parseHeaderMutations } from '../../core/route/parse_header_mutations.ts';
import type { EndpointHealthCheck } from '../../core/upstream/cluster_config.ts';
import { type CustomCheck, HEALTH_CHECKER_CATEGORY } from '../../core/upstream/health_prober.ts';
import { positiveDurationMs } from '../config/positive_duration.ts';
import { checkerType, type CustomCheckConfig, type GrpcCheckConfig, type HealthCheckConfig, type HttpCheckConfig, type StatusRange, type TcpCheckConfig } from './health_check_config.ts';
import { parsePayload } from './payload.ts';
import { parseRedisCredentials } from './redis_credentials.ts';

const NO_TRAFFIC_INTERVAL_MS = 60_000;
const RESPONSE_BUFFER_BYTES = 1024;
const NO_BODY_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'TRACE']);
const METHODS = Object.keys(RequestMethod);
/** Category of what takes health check events. */
export const EVENT_SINK_CATEGORY = 'envoy.health_check.event_sinks';

/** What checks must know of their cluster. */
export interface CheckedClusterFacts {
  readonly message: Cluster;
  /** Its HTTP options speak of HTTP/2. */
  readonly offersHttp2: boolean;
  /** Some of its connections are secured. */
  readonly hasTls: boolean;
}

/** The cluster's health check; null when it has none. */
export function parseHealthChecks(facts: CheckedClusterFacts, context: ParseContext): HealthCheckConfig | null {
  const { message } = facts;
  const messages = message.healthChecks;
  if (messages.length > 1) context.error(message, 'health_checks', 'Multiple health checks not supported');
  return messages.length === 0 ? null : parseHealthCheck(messages[0], facts, context);
}

function parseHealthCheck(message: HealthCheck, cluster: CheckedClusterFacts, context: ParseContext): HealthCheckConfig | null {
  // Left unread, so reported as without effect: alt_port, which Envoy does not look at. transport_socket_match_criteria are read with
  // the cluster's sockets (server/config/socket_matches.ts).
  const checker = parseChecker(message, cluster, context);
  const intervalMs = whole(durationMsOr(message.interval, 0));
  const unhealthyIntervalMs = whole(durationMsOr(message.unhealthyInterval, intervalMs));
  const noTrafficIntervalMs = whole(durationMsOr(message.noTrafficInterval, NO_TRAFFIC_INTERVAL_MS));
  if (checker === null) return null;
  return {
    timeoutMs: whole(durationMsOr(message.timeout, 0)),
    intervalMs,
    initialJitterMs: whole(positiveDurationMs(message.initialJitter, message, 'initial_jitter', context)),
    intervalJitterMs: whole(positiveDurationMs(message.intervalJitter, message, 'interval_jitter', context)),
    intervalJitterPercent: message.intervalJitterPercent,
    unhealthyThreshold: message.unhealthyThreshold ?? 0,
    healthyThreshold: message.healthyThreshold ?? 0,
    reuseConnection: message.reuseConnection ?? true,
    alpnProtocols: parseAlpnProtocols(message, cluster, checker),
    noTrafficIntervalMs,
    noTrafficHealthyIntervalMs: whole(durationMsOr(message.noTrafficHealthyInterval, noTrafficIntervalMs)),
    unhealthyIntervalMs,
    unhealthyEdgeIntervalMs: whole(durationMsOr(message.unhealthyEdgeInterval, unhealthyIntervalMs)),
    healthyEdgeIntervalMs: whole(durationMsOr(message.healthyEdgeInterval, intervalMs)),
    logsAllFailures: message.alwaysLogHealthCheckFailures,
    logsAllSuccesses: message.alwaysLogHealthCheckSuccess,
    eventLogPaths: parseEventLogs(message, context),
    checker,
  };
}

/** Left unread, so reported as without effect, where connections are plain, and for Redis, whose checks go over connections of traffic. */
function parseAlpnProtocols(message: HealthCheck, { hasTls }: CheckedClusterFacts, checker: HealthCheckConfig['checker']): readonly string[] {
  return hasTls && checkerType(checker) !== 'REDIS' ? (message.tlsOptions?.alpnProtocols ?? []) : [];
}

/** Timers count whole milliseconds. */
function whole(ms: number): number {
  return Math.floor(ms);
}

function parseEventLogs(message: HealthCheck, context: ParseContext): string[] {
  const paths: string[] = [];
  if (message.eventLogPath !== '') {
    checkAppendable(message.eventLogPath, message, context);
    paths.push(message.eventLogPath);
  }
  for (const sink of message.eventLogger) {
    const parsed = context.parseExtension(EVENT_SINK_CATEGORY, sink.name, sink.typedConfig as AnyMessage | undefined, sink, 'typed_config');
    if (parsed !== undefined) paths.push((parsed.config as { readonly path: string }).path);
  }
  return paths;
}

function checkAppendable(path: string, message: HealthCheck, context: ParseContext): void {
  if (path === '/dev/stdout' || path === '/dev/stderr') return;
  const reason = context.whyNotAppendable?.(path);
  if (reason !== undefined) context.error(message, 'event_log_path', `unable to open file '${path}': ${reason}`);
}

function parseChecker(message: HealthCheck, cluster: CheckedClusterFacts, context: ParseContext): HealthCheckConfig['checker'] | null {
  const checker = message.healthChecker;
  switch (checker.case) {
    case 'httpHealthCheck':
      return parseHttp(checker.value, context);
    case 'tcpHealthCheck':
      return parseTcp(checker.value, context);
    case 'grpcHealthCheck':
      if (!cluster.offersHttp2) context.error(message, 'grpc_health_check', `${cluster.message.name} cluster must support HTTP/2 for gRPC healthchecking`);
      return parseGrpc(checker.value, context);
    case 'customHealthCheck':
      return parseCustom(checker.value, cluster.message, context);
    default:
      return null;
  }
}

/** A checker that is an extension. */
function parseCustom(message: HealthCheck_CustomHealthCheck, cluster: Cluster, context: ParseContext): CustomCheckConfig | null {
  const any = message.configType.case === 'typedConfig' ? (message.configType.value as AnyMessage) : undefined;
  const extension = context.parseExtension(HEALTH_CHECKER_CATEGORY, message.name, any, message, 'typed_config');
  if (extension === undefined) return null;
  const isRedis = (extension.config as CustomCheck).checkerType === 'REDIS';
  return { kind: 'custom', extension, credentials: isRedis ? parseRedisCredentials(cluster, context) : null };
}

function parseHttp(message: HealthCheck_HttpHealthCheck, context: ParseContext): HttpCheckConfig {
  const method = message.method === RequestMethod.METHOD_UNSPECIFIED ? 'GET' : METHODS[message.method] ?? 'GET';
  if (message.codecClientType === CodecClientType.HTTP3) context.refuse(message, 'codec_client_type', 'health checks over HTTP/3');
  if (message.send !== undefined && NO_BODY_METHODS.has(method)) {
    context.error(message, 'send',
      `HTTP health check cannot specify a request payload with method '${method}'. Only methods that support a request body (POST, PUT, PATCH, OPTIONS) can be used with payload.`);
  }
  const receive = message.receive.map((payload) => parsePayload(payload, context));
  const responseBufferBytes = Number(message.responseBufferSize ?? RESPONSE_BUFFER_BYTES);
  const total = receive.reduce((sum, segment) => sum + segment.length, 0);
  if (responseBufferBytes !== 0 && total > responseBufferBytes) {
    context.error(message, 'receive', `The expected response length '${total}' is over than http health response buffer size '${responseBufferBytes}'`);
  }
  const expected = parseRanges(message.expectedStatuses, 'expected', context);
  const headers = parseHeaderMutations(message, 'request', message.requestHeadersToAdd, message.requestHeadersToRemove, context);
  return {
    kind: 'http',
    isHttp2: message.codecClientType === CodecClientType.HTTP2,
    host: message.host,
    path: message.path,
    method,
    send: message.send === undefined ? new Uint8Array() : parsePayload(message.send, context),
    receive,
    responseBufferBytes,
    headers,
    expected: expected.length === 0 ? [{ start: 200, end: 201 }] : expected,
    retriable: parseRanges(message.retriableStatuses, 'retriable', context),
    serviceName: message.serviceNameMatcher === undefined ? null : parseStringMatcher(message.serviceNameMatcher, context),
  };
}

function parseGrpc(message: HealthCheck_GrpcHealthCheck, context: ParseContext): GrpcCheckConfig {
  const metadata = parseHeaderMutations(message, 'request', message.initialMetadata, [], context);
  return { kind: 'grpc', serviceName: message.serviceName, authority: message.authority, metadata };
}

function parseRanges(messages: readonly Int64Range[], kind: 'expected' | 'retriable', context: ParseContext): StatusRange[] {
  return messages.map((message) => {
    // Without a sign: what is below 0 is far above 600, and said so.
    const start = BigInt.asUintN(64, message.start);
    const end = BigInt.asUintN(64, message.end);
    const text = `Invalid http ${kind} status range: expecting`;
    if (start >= end) context.error(message, undefined, `${text} start < end, but found start=${start} and end=${end}`);
    else if (start < 100) context.error(message, 'start', `${text} start >= 100, but found start=${start}`);
    else if (end > 600) context.error(message, 'end', `${text} end <= 600, but found end=${end}`);
    return { start: Number(start), end: Number(end) };
  });
}

function parseTcp(message: HealthCheck_TcpHealthCheck, context: ParseContext): TcpCheckConfig {
  return {
    kind: 'tcp',
    send: message.send === undefined ? new Uint8Array() : parsePayload(message.send, context),
    receive: message.receive.map((payload) => parsePayload(payload, context)),
    proxyHeader: parseProxyHeader(message.proxyProtocolConfig),
  };
}

/** TLVs stay unread, so reported: Envoy's checks send none. */
function parseProxyHeader(message: ProxyProtocolConfig | undefined): TcpCheckConfig['proxyHeader'] {
  if (message === undefined) return null;
  return message.version === ProxyProtocolConfig_Version.V2 ? 'v2' : 'v1';
}

/** Endpoint.health_check_config; undefined when there is none. */
export function parseEndpointHealthCheck(message: Endpoint_HealthCheckConfig | undefined, context: ParseContext): EndpointHealthCheck | undefined {
  if (message === undefined) return undefined;
  const address = message.address === undefined ? undefined : parseNumericAddress(message.address, context);
  return {
    port: message.portValue > 0 ? message.portValue : address?.port ?? 0,
    address: address?.address ?? '',
    hostname: message.hostname,
    isDisabled: message.disableActiveHealthCheck,
  };
}
