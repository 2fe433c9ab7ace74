import type { HeaderMatcherConfig } from '../../../../core/matcher/matcher_config.ts';
import type { FractionalPercent } from '../../../../core/runtime/runtime_snapshot.ts';

/** A delay. Milliseconds; -1 = the request says it (x-envoy-fault-delay-request). */
export interface FaultDelayConfig {
  readonly delayMs: number;
  readonly percentage: FractionalPercent;
}

/** An answer instead of the upstream's: an HTTP status, a gRPC status, or what the request says. -1 = not this one. */
export interface FaultAbortConfig {
  readonly httpStatus: number;
  readonly grpcStatus: number;
  readonly isFromHeader: boolean;
  readonly percentage: FractionalPercent;
}

/** A limit on response bodies. KiB/s; -1 = the request says it (x-envoy-fault-throughput-response). */
export interface FaultRateLimitConfig {
  readonly limitKbps: number;
  readonly percentage: FractionalPercent;
}

/** Names of the runtime keys that override a fault. */
export interface FaultRuntimeKeys {
  readonly delayPercent: string;
  readonly abortPercent: string;
  readonly delayDuration: string;
  readonly abortHttpStatus: string;
  readonly abortGrpcStatus: string;
  readonly maxActiveFaults: string;
  readonly responseRateLimitPercent: string;
}

/** envoy.extensions.filters.http.fault.v3.HTTPFault as plain data; the same for filter and route. */
export interface FaultConfig {
  readonly delay: FaultDelayConfig | null;
  readonly abort: FaultAbortConfig | null;
  readonly responseRateLimit: FaultRateLimitConfig | null;
  /** '' = any. */
  readonly upstreamCluster: string;
  readonly headers: readonly HeaderMatcherConfig[];
  /** Empty = any. */
  readonly downstreamNodes: readonly string[];
  /** -1 = unlimited. */
  readonly maxActiveFaults: number;
  readonly runtimeKeys: FaultRuntimeKeys;
  readonly disableDownstreamClusterStats: boolean;
  /** Dynamic metadata of requests that got a fault; null = none. */
  readonly filterMetadata: Readonly<Record<string, unknown>> | null;
}
