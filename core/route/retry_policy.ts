import type { HeaderMap } from '../headers/header_map.ts';
import type { HeaderNames } from '../headers/header_names.ts';
import { compileHeaderMatchers, type HeaderMatcher } from '../matcher/header_matcher.ts';
import type { HeaderMatcherConfig } from '../matcher/matcher_config.ts';
import type { ExtensionConfig } from '../registry/parse_context.ts';
import type { Host } from '../upstream/host.ts';
import { RETRY_PRIORITY_CATEGORY, type RetryPriorityFactory } from '../upstream/retry_priority.ts';

/** Conditions under which a request is sent again: bits of a set (Envoy: docs configuration/http/http_filters/router_filter, x-envoy-retry-on). */
export const RetryOn = {
  fiveXx: 1,
  gatewayError: 1 << 1,
  connectFailure: 1 << 2,
  retriable4xx: 1 << 3,
  refusedStream: 1 << 4,
  retriableStatusCodes: 1 << 5,
  reset: 1 << 6,
  retriableHeaders: 1 << 7,
  envoyRateLimited: 1 << 8,
  resetBeforeRequest: 1 << 9,
  /** Known and never seen: there is no HTTP/3. */
  http3PostConnectFailure: 1 << 10,
  grpcCancelled: 1 << 11,
  grpcDeadlineExceeded: 1 << 12,
  grpcResourceExhausted: 1 << 13,
  grpcUnavailable: 1 << 14,
  grpcInternal: 1 << 15,
} as const;

const HTTP_CONDITIONS: Readonly<Record<string, number>> = {
  '5xx': RetryOn.fiveXx, 'gateway-error': RetryOn.gatewayError, 'connect-failure': RetryOn.connectFailure, 'retriable-4xx': RetryOn.retriable4xx,
  'refused-stream': RetryOn.refusedStream, 'retriable-status-codes': RetryOn.retriableStatusCodes, reset: RetryOn.reset,
  'retriable-headers': RetryOn.retriableHeaders, 'envoy-ratelimited': RetryOn.envoyRateLimited, 'reset-before-request': RetryOn.resetBeforeRequest,
  'http3-post-connect-failure': RetryOn.http3PostConnectFailure,
};
const GRPC_CONDITIONS: Readonly<Record<string, number>> = {
  cancelled: RetryOn.grpcCancelled, 'deadline-exceeded': RetryOn.grpcDeadlineExceeded, 'resource-exhausted': RetryOn.grpcResourceExhausted,
  unavailable: RetryOn.grpcUnavailable, internal: RetryOn.grpcInternal,
};

/** The condition bit of a name of x-envoy-retry-on; 0 = unknown. */
export function httpCondition(name: string): number {
  return Object.hasOwn(HTTP_CONDITIONS, name) ? HTTP_CONDITIONS[name] : 0;
}

/** The condition bit of a name of x-envoy-retry-grpc-on; 0 = unknown. */
export function grpcCondition(name: string): number {
  return Object.hasOwn(GRPC_CONDITIONS, name) ? GRPC_CONDITIONS[name] : 0;
}

/** The names of a set of conditions. */
export function conditionNames(conditions: number): string[] {
  return Object.entries({ ...HTTP_CONDITIONS, ...GRPC_CONDITIONS }).filter(([, bit]) => (conditions & bit) !== 0).map(([name]) => name);
}

/** The names in a comma-separated list, without empty ones. */
export function listItems(list: string): string[] {
  return list.split(',').map((item) => item.trim()).filter((item) => item !== '');
}

/** How a header says when to come back. */
export interface ResetHeaderConfig {
  /** Lower case. */
  readonly name: string;
  readonly format: 'seconds' | 'unix_timestamp';
}

/** envoy.config.route.v3.RetryPolicy as plain data; its timeouts are with the route's. */
export interface RetryPolicyConfig {
  /** Bits of RetryOn. */
  readonly retryOn: number;
  readonly numRetries: number;
  readonly retriableStatusCodes: readonly number[];
  /** Of responses: any of them. */
  readonly retriableHeaders: readonly HeaderMatcherConfig[];
  /** Of requests: without any of these nothing is sent again; empty = no such rule. */
  readonly retriableRequestHeaders: readonly HeaderMatcherConfig[];
  /** Milliseconds, at least 1; 0 = the runtime's. */
  readonly backOffBaseMs: number;
  /** 0 = ten times the base. */
  readonly backOffMaxMs: number;
  readonly resetHeaders: readonly ResetHeaderConfig[];
  /** Longer waits asked for by reset headers do not count. */
  readonly resetMaxMs: number;
  readonly hostPredicates: readonly ExtensionConfig[];
  /** Category `envoy.retry_priorities`; null = none. */
  readonly priority: ExtensionConfig | null;
  /** Choices beyond the first while a predicate rejects the host. */
  readonly hostSelectionMaxAttempts: number;
}

/** Product of a retry host predicate's factory. */
export interface RetryHostPredicate {
  /** Whether another host should be looked for; `attempted` are those that the request was sent to. */
  rejects(host: Host, attempted: readonly Host[]): boolean;
}

/** Category in the factory registry. */
export const RETRY_HOST_PREDICATE_CATEGORY = 'envoy.retry_host_predicates';

/** What compiling a policy needs of the thread. */
export interface RetryCompileContext {
  readonly names: HeaderNames;
  product(category: string, extension: ExtensionConfig): unknown;
}

/** A reset header, ready to be looked for. */
export interface ResetHeader {
  readonly nameId: number;
  readonly isTimestamp: boolean;
}

/** A compiled policy; shared by the route's streams. */
export class RetryPolicy {
  readonly config: RetryPolicyConfig;
  readonly retriableHeaders: readonly HeaderMatcher[];
  readonly resetHeaders: readonly ResetHeader[];
  /** null = none. */
  readonly hostPredicates: readonly RetryHostPredicate[] | null;
  /** null = tries after the first go where others go. */
  readonly priorities: RetryPriorityFactory | null;
  private readonly requestHeaders: readonly HeaderMatcher[];

  constructor(config: RetryPolicyConfig, context: RetryCompileContext) {
    this.config = config;
    this.retriableHeaders = compileHeaderMatchers(config.retriableHeaders, context.names);
    this.requestHeaders = compileHeaderMatchers(config.retriableRequestHeaders, context.names);
    this.resetHeaders = config.resetHeaders.map(({ name, format }) => ({ nameId: context.names.intern(name), isTimestamp: format === 'unix_timestamp' }));
    this.hostPredicates = config.hostPredicates.length === 0 ? null
      : config.hostPredicates.map((predicate) => context.product(RETRY_HOST_PREDICATE_CATEGORY, predicate) as RetryHostPredicate);
    this.priorities = config.priority === null ? null : context.product(RETRY_PRIORITY_CATEGORY, config.priority) as RetryPriorityFactory;
  }

  /** Whether a request may be sent again at all (retriable_request_headers). */
  allows(headers: HeaderMap): boolean {
    return this.requestHeaders.length === 0 || this.requestHeaders.some((matcher) => matcher.matches(headers));
  }
}

/** Of a route that says nothing: retries only as the request's headers ask. */
export const NO_RETRIES: RetryPolicyConfig = Object.freeze({
  retryOn: 0, numRetries: 1, retriableStatusCodes: [], retriableHeaders: [], retriableRequestHeaders: [], backOffBaseMs: 0, backOffMaxMs: 0,
  resetHeaders: [], resetMaxMs: 300_000, hostPredicates: [], priority: null, hostSelectionMaxAttempts: 1,
});
