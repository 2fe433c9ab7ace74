import type { HeaderMap } from '../headers/header_map.ts';
import { isGrpcRequest } from '../headers/grpc_headers.ts';
import { grpcTimeoutMs, setGrpcTimeout } from './grpc_timeout.ts';
import type { RouteTimeoutsConfig } from './route_timeouts.ts';

/** No limit. */
export const NO_STREAM_DURATION = -1;

/**
 * How long a stream on a route may last, in milliseconds from its beginning: what grpc-timeout says, where the route lets it,
 * else the route's max_stream_duration, else the connection manager's (`managerMs`, 0 = none). Tells a gRPC upstream in
 * grpc-timeout. 0 ends the stream at once.
 */
export function streamDurationMs(config: RouteTimeoutsConfig, headers: HeaderMap, managerMs: number): number {
  const duration = limitMs(config, headers, managerMs);
  if (duration !== NO_STREAM_DURATION && config.usesStreamDuration && isGrpcRequest(headers)) setGrpcTimeout(headers, Math.floor(duration));
  return duration;
}

function limitMs(config: RouteTimeoutsConfig, headers: HeaderMap, managerMs: number): number {
  const asked = config.grpcTimeoutHeaderMaxMs < 0 ? -1 : grpcTimeoutMs(headers);
  if (asked < 0) {
    const configured = config.maxStreamDurationMs < 0 ? managerMs : config.maxStreamDurationMs;
    return configured === 0 ? NO_STREAM_DURATION : configured;
  }
  const capped = config.grpcTimeoutHeaderMaxMs > 0 ? Math.min(asked, config.grpcTimeoutHeaderMaxMs) : asked;
  return Math.max(0, capped - config.grpcTimeoutHeaderOffsetMs);
}
