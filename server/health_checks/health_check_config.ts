/** Active health checks as plain data (envoy.config.core.v3.HealthCheck). Times in milliseconds. */
import type { HeaderMutationsConfig } from '../../core/headers/header_mutation.ts';
import type { StringMatcherConfig } from '../../core/matcher/matcher_config.ts';
import type { ExtensionConfig } from '../../core/registry/parse_context.ts';
import type { CustomCheck, ProbeCredentials } from '../../core/upstream/health_prober.ts';
import type { ProxyHeaderVersion } from './proxy_header.ts';

/** Half open: start <= status < end. */
export interface StatusRange {
  readonly start: number;
  readonly end: number;
}

export interface HttpCheckConfig {
  readonly kind: 'http';
  /** Over HTTP/2, whatever ALPN agrees on; else HTTP/1.1. */
  readonly isHttp2: boolean;
  /** For endpoints without a hostname for checks of their own; '' = the cluster's name. */
  readonly host: string;
  readonly path: string;
  readonly method: string;
  /** Body; empty = none. */
  readonly send: Uint8Array;
  /** Must be found in the body one after the other. */
  readonly receive: readonly Uint8Array[];
  /** Bytes of the body that are looked at; 0 = all. */
  readonly responseBufferBytes: number;
  readonly headers: HeaderMutationsConfig;
  readonly expected: readonly StatusRange[];
  /** Count up to the unhealthy threshold instead of failing at once. */
  readonly retriable: readonly StatusRange[];
  /** Matched against x-envoy-upstream-healthchecked-cluster; null = not looked at. */
  readonly serviceName: StringMatcherConfig | null;
}

export interface TcpCheckConfig {
  readonly kind: 'tcp';
  readonly send: Uint8Array;
  /** Empty: a connection is enough, and nothing is sent. */
  readonly receive: readonly Uint8Array[];
  /** Header of the PROXY protocol before each check; null = none. */
  readonly proxyHeader: ProxyHeaderVersion | null;
}

/** grpc.health.v1.Health.Check. */
export interface GrpcCheckConfig {
  readonly kind: 'grpc';
  /** '' = the server as a whole. */
  readonly serviceName: string;
  /** For endpoints without a hostname for checks of their own; '' = the cluster's name. */
  readonly authority: string;
  /** initial_metadata. */
  readonly metadata: HeaderMutationsConfig;
}

/** A checker that is an extension. */
export interface CustomCheckConfig {
  readonly kind: 'custom';
  /** Its configuration is a CustomCheck. */
  readonly extension: ExtensionConfig;
  /** Of the cluster, for checkers that ask with them (Redis); null = none. */
  readonly credentials: ProbeCredentials | null;
}

export interface HealthCheckConfig {
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly initialJitterMs: number;
  readonly intervalJitterMs: number;
  /** Whole percent of the interval. */
  readonly intervalJitterPercent: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly reuseConnection: boolean;
  /** tls_options: offered by connections with TLS instead of what their socket offers; empty = that. */
  readonly alpnProtocols: readonly string[];
  readonly noTrafficIntervalMs: number;
  readonly noTrafficHealthyIntervalMs: number;
  readonly unhealthyIntervalMs: number;
  readonly unhealthyEdgeIntervalMs: number;
  readonly healthyEdgeIntervalMs: number;
  readonly logsAllFailures: boolean;
  readonly logsAllSuccesses: boolean;
  /** Files that events are appended to. */
  readonly eventLogPaths: readonly string[];
  readonly checker: HttpCheckConfig | TcpCheckConfig | GrpcCheckConfig | CustomCheckConfig;
}

/** envoy.data.core.v3.HealthCheckerType. */
export function checkerType(checker: HealthCheckConfig['checker']): string {
  return checker.kind === 'custom' ? (checker.extension.config as CustomCheck).checkerType : checker.kind.toUpperCase();
}

/** How a cluster's hosts are checked. */
export interface HealthOptions {
  readonly check: HealthCheckConfig | null;
  /** Hosts that discovery no longer knows go at once, not only when their checks fail. */
  readonly ignoresHealthOnRemoval: boolean;
  /** Hosts that were never checked do not count for the panic threshold. */
  readonly ignoresNewHosts: boolean;
}

export const NO_HEALTH_CHECKS: HealthOptions = Object.freeze({ check: null, ignoresHealthOnRemoval: false, ignoresNewHosts: false });
