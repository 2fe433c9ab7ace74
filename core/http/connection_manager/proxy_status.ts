import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';
import { RESPONSE_FLAG_NAMES, ResponseFlag } from '../../stream_info/response_flags.ts';
import type { StreamInfo } from '../../stream_info/stream_info.ts';
import type { ProxyStatusConfig } from './config.ts';

/** An error type of RFC 9209 §2.3 and the status it recommends; 0 = none. */
interface ProxyError {
  readonly flag: number;
  readonly type: string;
  readonly status: number;
}

/** By response flag; the first that a stream has is its error. A client that broke the protocol is told nothing more. */
const ERRORS: readonly ProxyError[] = [
  { flag: ResponseFlag.failedLocalHealthCheck, type: 'destination_unavailable', status: 503 },
  { flag: ResponseFlag.noHealthyUpstream, type: 'destination_unavailable', status: 503 },
  { flag: ResponseFlag.upstreamRequestTimeout, type: 'http_response_timeout', status: 504 },
  { flag: ResponseFlag.localReset, type: 'connection_timeout', status: 504 },
  { flag: ResponseFlag.upstreamRemoteReset, type: 'connection_terminated', status: 502 },
  { flag: ResponseFlag.upstreamConnectionFailure, type: 'connection_refused', status: 502 },
  { flag: ResponseFlag.upstreamConnectionTermination, type: 'connection_terminated', status: 502 },
  { flag: ResponseFlag.upstreamOverflow, type: 'connection_limit_reached', status: 503 },
  { flag: ResponseFlag.noRouteFound, type: 'destination_not_found', status: 500 },
  { flag: ResponseFlag.rateLimited, type: 'connection_limit_reached', status: 503 },
  { flag: ResponseFlag.rateLimitServiceError, type: 'connection_limit_reached', status: 503 },
  { flag: ResponseFlag.upstreamRetryLimitExceeded, type: 'destination_unavailable', status: 503 },
  { flag: ResponseFlag.streamIdleTimeout, type: 'http_response_timeout', status: 504 },
  { flag: ResponseFlag.invalidEnvoyRequestHeaders, type: 'http_request_error', status: 0 },
  { flag: ResponseFlag.upstreamMaxStreamDurationReached, type: 'http_response_timeout', status: 504 },
  { flag: ResponseFlag.noFilterConfigFound, type: 'proxy_configuration_error', status: 500 },
  { flag: ResponseFlag.upstreamProtocolError, type: 'http_protocol_error', status: 502 },
  { flag: ResponseFlag.noClusterFound, type: 'destination_unavailable', status: 503 },
  { flag: ResponseFlag.dnsResolutionFailed, type: 'dns_error', status: 502 },
];

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** proxy_status_config: says in Proxy-Status (RFC 9209) why a response is an error. Only responses of streams with a flag pay. */
export class ProxyStatus {
  private readonly config: ProxyStatusConfig;
  private readonly name: string;

  /** `name` is what this proxy calls itself. */
  constructor(config: ProxyStatusConfig, name: string) {
    this.config = config;
    this.name = name;
  }

  /** Adds the header, and sets the recommended status if configured, when the stream ended in an error. */
  apply(headers: HeaderMap, info: StreamInfo): void {
    if (info.responseFlags === 0) return;
    const error = ERRORS.find((candidate) => info.hasFlag(candidate.flag));
    if (error === undefined) return;
    const value = Buffer.from(`${this.name}; error=${error.type}${this.details(info)}`, 'latin1');
    headers.appendBytes(HeaderId.proxyStatus, value, 0, value.length);
    if (this.config.setsResponseCode && error.status > 0) headers.status = error.status;
  }

  private details(info: StreamInfo): string {
    const { config } = this;
    if (!config.hasDetails || info.responseCodeDetails === '') return '';
    const parts = [info.responseCodeDetails];
    if (config.hasTerminationDetails && info.connectionTerminationDetails !== '') parts.push(info.connectionTerminationDetails);
    if (config.hasResponseFlags) parts.push(flagNames(info));
    return `; details="${parts.join('; ').replace(/["\\\n\r\t]/g, (character) => ESCAPES[character])}"`;
  }
}

function flagNames(info: StreamInfo): string {
  return RESPONSE_FLAG_NAMES.filter(([flag]) => info.hasFlag(flag)).map(([, short]) => short).join(',');
}
