/** What the router reads out of a request's headers and an upstream's failure, apart from the stream. */
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import { ResetReason } from '../http/codec.ts';
import { ResponseFlag } from '../stream_info/response_flags.ts';
import type { Host } from '../upstream/host.ts';

/** Router headers of trusted callers: obeyed here, not forwarded (an untrusted caller's are gone already). */
const CONSUMED: readonly number[] = [
  HeaderId.envoyMaxRetries, HeaderId.envoyRetryOn, HeaderId.envoyRetryGrpcOn, HeaderId.envoyRetriableStatusCodes,
  HeaderId.envoyRetriableHeaderNames,
];

/** Takes them away. */
export function removeConsumed(headers: HeaderMap): void {
  for (let i = 0; i < CONSUMED.length; i++) if (headers.find(CONSUMED[i]) >= 0) headers.remove(CONSUMED[i]);
}

/** Whether a router header's value is what strict_check_headers wants: numbers, or known retry conditions. */
export function isWellFormed(id: number, value: string): boolean {
  switch (id) {
    case HeaderId.envoyRetryOn:
      return value.split(',').every((item) => RETRY_ON.has(item.trim()));
    case HeaderId.envoyRetryGrpcOn:
      return value.split(',').every((item) => RETRY_GRPC_ON.has(item.trim()));
    default:
      return /^\d{1,15}$/.test(value);
  }
}

const RETRY_ON: ReadonlySet<string> = new Set([
  '5xx', 'gateway-error', 'connect-failure', 'envoy-ratelimited', 'retriable-4xx', 'refused-stream', 'retriable-status-codes', 'retriable-headers',
  'reset', 'reset-before-request', 'http3-post-connect-failure',
]);
const RETRY_GRPC_ON: ReadonlySet<string> = new Set(['cancelled', 'deadline-exceeded', 'resource-exhausted', 'unavailable', 'internal']);

/** Whether a response is a canary's: the host says so in its metadata, or in this response. */
export function isCanaryResponse(host: Host | null, headers: HeaderMap): boolean {
  return host?.isCanary === true || headers.valueEquals(HeaderId.envoyUpstreamCanary, 'true');
}

/** Whether the method is CONNECT. */
export function isConnectRequest(headers: HeaderMap): boolean {
  return headers.methodLength === CONNECT.length && headers.get(HeaderId.method) === CONNECT;
}

const CONNECT = 'CONNECT';

/** The status that a client is told of an upstream's failure. */
export function failureStatus(reason: ResetReason): number {
  return reason === ResetReason.protocolError ? 502 : 503;
}

/** The response flag of a reset (Envoy: StreamInfo::ResponseFlag). */
export function flagOf(reason: ResetReason): number {
  switch (reason) {
    case ResetReason.remoteConnectionFailure:
    case ResetReason.localConnectionFailure:
    case ResetReason.connectionTimeout:
      return ResponseFlag.upstreamConnectionFailure;
    case ResetReason.connectionTermination:
      return ResponseFlag.upstreamConnectionTermination;
    case ResetReason.localReset:
      return ResponseFlag.localReset;
    case ResetReason.overflow:
      return ResponseFlag.upstreamOverflow;
    case ResetReason.protocolError:
      return ResponseFlag.upstreamProtocolError;
    case ResetReason.overloadManager:
      return ResponseFlag.overloadManagerTerminated;
    default:
      return ResponseFlag.upstreamRemoteReset;
  }
}
