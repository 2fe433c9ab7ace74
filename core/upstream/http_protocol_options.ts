/** How HTTP is spoken to a cluster, as plain data, and its parsing. Thread: main, config time. */
import type { Http1ProtocolOptions, HttpProtocolOptions, UpstreamHttpProtocolOptions } from '../api/gen/envoy/config/core/v3/protocol_pb.d.ts';
import { durationMsOr } from '../api/scalar_values.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import { parseHeaderFormat } from './http1_header_format.ts';
import type { AutoServerNameConfig, ClusterConfig } from './cluster_config.ts';
import type { ErrorPredicateConfig } from './error_predicate.ts';

/** Category of `typed_extension_protocol_options` for HTTP. */
export const UPSTREAM_OPTIONS_CATEGORY = 'envoy.upstream_options';

/** The part of a cluster's configuration that its HTTP options decide. Times in milliseconds, 0 = off. */
export type UpstreamHttpOptions = Pick<ClusterConfig,
  'protocol' | 'http1' | 'requestPolicies' | 'autoServerName' | 'maxRequestsPerConnection' | 'idleTimeoutMs' | 'maxConnectionDurationMs' | 'maxStreamDurationMs' | 'maxResponseHeadersKb' | 'maxHttp2ResponseHeadersKb' | 'maxResponseHeadersCount'>;

/** With what only parsing the rest of the cluster needs. */
export interface ParsedHttpOptions extends UpstreamHttpOptions {
  /** HTTP/2 is among the protocols that may be spoken. */
  readonly offersHttp2: boolean;
  /** What outlier detection takes for errors; null = responses with 5xx. */
  readonly errors: ErrorPredicateConfig | null;
}

const IDLE_TIMEOUT_MS = 3_600_000;
const MAX_RESPONSE_HEADERS_KB = 80;
const MAX_HTTP2_RESPONSE_HEADERS_KB = 60;
const MAX_RESPONSE_HEADERS_COUNT = 100;

/** common_http_protocol_options with Envoy's defaults. */
export function parseCommonOptions(message: HttpProtocolOptions | undefined): Omit<UpstreamHttpOptions, 'protocol' | 'http1' | 'requestPolicies' | 'autoServerName'> {
  return {
    maxRequestsPerConnection: message?.maxRequestsPerConnection ?? 0,
    idleTimeoutMs: durationMsOr(message?.idleTimeout, IDLE_TIMEOUT_MS),
    maxConnectionDurationMs: durationMsOr(message?.maxConnectionDuration, 0),
    maxStreamDurationMs: durationMsOr(message?.maxStreamDuration, 0),
    maxResponseHeadersKb: message?.maxResponseHeadersKb ?? MAX_RESPONSE_HEADERS_KB,
    maxHttp2ResponseHeadersKb: message?.maxResponseHeadersKb ?? MAX_HTTP2_RESPONSE_HEADERS_KB,
    maxResponseHeadersCount: message?.maxHeadersCount ?? MAX_RESPONSE_HEADERS_COUNT,
  };
}

/** HTTP/1 options of a cluster. */
export function parseUpstreamHttp1(message: Http1ProtocolOptions | undefined, context: ParseContext): UpstreamHttpOptions['http1'] {
  return {
    enableTrailers: message?.enableTrailers ?? false,
    ...parseHeaderFormat(message, context),
    sendFullyQualifiedUrl: message?.sendFullyQualifiedUrl ?? false,
  };
}

/** upstream_http_protocol_options; null = requests say nothing of their connection. */
export function parseAutoServerName(message: UpstreamHttpProtocolOptions | undefined): AutoServerNameConfig | null {
  if (message === undefined || !(message.autoSni || message.autoSanValidation)) return null;
  return { setsServerName: message.autoSni, verifiesName: message.autoSanValidation, header: message.overrideAutoSniHeader.toLowerCase() };
}
