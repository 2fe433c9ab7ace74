import type { HedgePolicy, RetryPolicy, RouteAction } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import { durationMs, durationMsOr } from '../api/scalar_values.ts';
import type { ParseContext } from '../registry/parse_context.ts';

/** All times of a route, in milliseconds. */
export interface RouteTimeoutsConfig {
  /** Whole response; 0 = none. Default 15000. */
  readonly timeoutMs: number;
  /** 0 = off; -1 = the connection manager's. */
  readonly idleTimeoutMs: number;
  /** max_stream_duration is set: `timeoutMs` and the older gRPC fields do not count, and grpc-timeout is rewritten. */
  readonly usesStreamDuration: boolean;
  /** 0 = off; -1 = the connection manager's. */
  readonly maxStreamDurationMs: number;
  /** Cap of the grpc-timeout header as the stream's duration; 0 = no cap; -1 = the header does not count. */
  readonly grpcTimeoutHeaderMaxMs: number;
  /** Taken off the header's time. */
  readonly grpcTimeoutHeaderOffsetMs: number;
  /** Deprecated: cap of the grpc-timeout header as the route's timeout; 0 = no cap; -1 = the header does not count. */
  readonly maxGrpcTimeoutMs: number;
  readonly grpcTimeoutOffsetMs: number;
  /** One attempt; 0 = none. */
  readonly perTryTimeoutMs: number;
  /** Silence of one attempt; 0 = none. */
  readonly perTryIdleTimeoutMs: number;
  /** An attempt that takes longer than per_try_timeout is kept, and another begun beside it. */
  readonly hedgesOnPerTryTimeout: boolean;
}

/** What routes take over from their virtual host when they say nothing. */
export interface VirtualHostTimes {
  /** As it stands, for its timeouts. */
  readonly retryPolicy: RetryPolicy | undefined;
  readonly hedgePolicy: HedgePolicy | undefined;
}

const DEFAULT_TIMEOUT_MS = 15_000;

export const DEFAULT_ROUTE_TIMEOUTS: RouteTimeoutsConfig = Object.freeze({
  timeoutMs: DEFAULT_TIMEOUT_MS, idleTimeoutMs: -1, usesStreamDuration: false, maxStreamDurationMs: -1, grpcTimeoutHeaderMaxMs: -1, grpcTimeoutHeaderOffsetMs: 0,
  maxGrpcTimeoutMs: -1, grpcTimeoutOffsetMs: 0, perTryTimeoutMs: 0, perTryIdleTimeoutMs: 0, hedgesOnPerTryTimeout: false,
});

/**
 * Times of a route action; those of an attempt come from the route's retry policy, else from its virtual host's. flush_timeout is
 * left unread: on HTTP/1 nothing waits in a stream beyond its connection's buffer.
 */
export function parseRouteTimeouts(message: RouteAction, virtualHost: VirtualHostTimes, context: ParseContext): RouteTimeoutsConfig {
  const duration = message.maxStreamDuration;
  const policy = message.retryPolicy ?? virtualHost.retryPolicy;
  const maxGrpcTimeoutMs = wholeMs(durationMs(message.maxGrpcTimeout)) ?? -1;
  if (message.maxGrpcTimeout === undefined && message.grpcTimeoutOffset !== undefined) {
    context.warn(message, 'grpc_timeout_offset', 'has no effect without max_grpc_timeout');
  }
  return {
    timeoutMs: durationMsOr(message.timeout, DEFAULT_TIMEOUT_MS),
    idleTimeoutMs: durationMs(message.idleTimeout) ?? -1,
    usesStreamDuration: duration !== undefined,
    maxStreamDurationMs: durationMs(duration?.maxStreamDuration) ?? -1,
    grpcTimeoutHeaderMaxMs: wholeMs(durationMs(duration?.grpcTimeoutHeaderMax)) ?? -1,
    grpcTimeoutHeaderOffsetMs: wholeMs(durationMs(duration?.grpcTimeoutHeaderOffset)) ?? 0,
    maxGrpcTimeoutMs,
    grpcTimeoutOffsetMs: wholeMs(durationMs(message.grpcTimeoutOffset)) ?? 0,
    perTryTimeoutMs: wholeMs(durationMs(policy?.perTryTimeout)) ?? 0,
    perTryIdleTimeoutMs: wholeMs(durationMs(policy?.perTryIdleTimeout)) ?? 0,
    // The other fields of a hedge policy are left unread: Envoy does nothing with them either.
    hedgesOnPerTryTimeout: (message.hedgePolicy ?? virtualHost.hedgePolicy)?.hedgeOnPerTryTimeout ?? false,
  };
}

/** They are written into headers, as integers. */
function wholeMs(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms);
}
