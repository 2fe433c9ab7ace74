import { grpcStatusIn } from '../headers/grpc_headers.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import { ResetReason } from '../http/codec.ts';
import type { RequestStats } from '../route/request_stats.ts';
import { grpcCondition, httpCondition, listItems, type RetryPolicy, RetryOn } from '../route/retry_policy.ts';
import type { RuntimeFraction, RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { CircuitKind } from '../shared_memory/layout.ts';
import type { CircuitBreaker } from '../upstream/circuit_breaker.ts';
import type { ClusterStats } from '../upstream/cluster_info.ts';

/** What becomes of a try that did not go well. */
export const RetryVerdict = { no: 0, retry: 1, overflow: 2, limitExceeded: 3 } as const;

/** Where a request's retries are counted and limited. */
export interface RetryScope {
  readonly stats: ClusterStats;
  readonly breaker: CircuitBreaker;
  readonly virtualCluster: RequestStats | null;
  readonly route: RequestStats | null;
  readonly runtime: RuntimeSnapshot;
  /** The stream's, for runtime fractions. */
  readonly random: number;
}

/**
 * Whether a request is sent again, and after what wait: conditions of policy and request, number of tries, circuit breaker.
 * Knows nothing of streams or timers. (Envoy: docs configuration/http/http_filters/router_filter.)
 *
 *   closed --begin--> open: each decision takes a try away; a granted one holds a place in the breaker until the next decision
 */
export class RetryState {
  /** Something may be retried still. */
  isOpen: boolean;
  private readonly jitter: () => number;
  private policy: RetryPolicy | null;
  private scope: RetryScope | null;
  private conditions: number;
  private remaining: number;
  private holdsPlace: boolean;
  /** Milliseconds; the next exponential wait is below `windowMs`. */
  private windowMs: number;
  private maxWindowMs: number;
  /** What the last response asked to wait at least; 0 = nothing. */
  private resetMs: number;
  /** The next try needs no wait. */
  private isImmediate: boolean;
  private readonly codes: number[];
  private readonly headerNames: string[];

  /** `jitter`: numbers in [0, 1). */
  constructor(jitter: () => number) {
    this.jitter = jitter;
    this.isOpen = false;
    this.policy = null;
    this.scope = null;
    this.conditions = 0;
    this.remaining = 0;
    this.holdsPlace = false;
    this.windowMs = 0;
    this.maxWindowMs = 0;
    this.resetMs = 0;
    this.isImmediate = false;
    this.codes = [];
    this.headerNames = [];
  }

  /** Takes up a request with the policy of its route and what its headers add to it. */
  begin(policy: RetryPolicy, headers: HeaderMap, scope: RetryScope): void {
    const { config } = policy;
    let conditions = config.retryOn;
    for (const name of listOf(headers, HeaderId.envoyRetryOn)) conditions |= httpCondition(name);
    for (const name of listOf(headers, HeaderId.envoyRetryGrpcOn)) conditions |= grpcCondition(name);
    if (!policy.allows(headers)) conditions = 0;
    this.policy = policy;
    this.scope = scope;
    this.conditions = conditions;
    this.isOpen = conditions !== 0;
    this.holdsPlace = false;
    this.resetMs = 0;
    this.remaining = wholeNumberOr(headers.get(HeaderId.envoyMaxRetries), config.numRetries);
    this.windowMs = config.backOffBaseMs === 0 ? Math.max(1, scope.runtime.getInteger(BASE_KEY, DEFAULT_BASE_MS)) : config.backOffBaseMs;
    this.maxWindowMs = config.backOffMaxMs === 0 ? this.windowMs * MAX_BASES : config.backOffMaxMs;
    this.codes.length = 0;
    for (const code of listOf(headers, HeaderId.envoyRetriableStatusCodes)) this.codes.push(wholeNumberOr(code, 0));
    this.headerNames.length = 0;
    for (const name of listOf(headers, HeaderId.envoyRetriableHeaderNames)) this.headerNames.push(name.toLowerCase());
  }

  /** The response of a try has begun: is it one to retry? `wallMs` is the time of day, for reset headers. */
  onResponse(response: HeaderMap, wallMs: number): number {
    const wouldRetry = this.wouldRetryResponse(response);
    this.isImmediate = wouldRetry && this.isTooEarly(response);
    if (wouldRetry && !this.isImmediate) this.resetMs = this.askedToWait(response, wallMs);
    return this.decide(wouldRetry);
  }

  /** A try ended without a response; `wasSent`: its headers had gone out. */
  onReset(reason: ResetReason, wasSent: boolean): number {
    return this.decide(this.wouldRetryReset(reason, wasSent));
  }

  /** A try is slow, and another shall start beside it. */
  onSlow(): number {
    return this.decide(true);
  }

  /** Whether the conditions speak for another try; what `onResponse` asks first. */
  wouldRetryResponse(response: HeaderMap): boolean {
    const { conditions, policy } = this;
    if (policy === null) return false;
    // It comes from another proxy, which would only be asked more.
    if (response.find(HeaderId.envoyRatelimited) >= 0) return (conditions & RetryOn.envoyRateLimited) !== 0;
    const status = response.status;
    if ((conditions & RetryOn.fiveXx) !== 0 && status >= 500 && status < 600) return true;
    if ((conditions & RetryOn.gatewayError) !== 0 && status >= 502 && status <= 504) return true;
    if ((conditions & RetryOn.retriable4xx) !== 0 && status === 409) return true;
    if ((conditions & RetryOn.retriableStatusCodes) !== 0 && (policy.config.retriableStatusCodes.includes(status) || this.codes.includes(status))) return true;
    if ((conditions & RetryOn.retriableHeaders) !== 0) {
      for (const matcher of policy.retriableHeaders) if (matcher.matches(response)) return true;
      for (const name of this.headerNames) if (response.getByName(name) !== undefined) return true;
    }
    return (conditions & GRPC_CONDITIONS) !== 0 && (conditions & grpcConditionOf(grpcStatusIn(response))) !== 0;
  }

  /** How long to wait before the try that was granted, in milliseconds. Once per try. */
  nextDelayMs(): number {
    const { stats } = this.openScope();
    if (this.isImmediate) {
      this.isImmediate = false;
      return 0;
    }
    const asked = this.resetMs;
    if (asked > 0) {
      this.resetMs = 0;
      stats.rqRetryBackoffRatelimited.inc();
      return asked + Math.floor(this.jitter() * Math.floor(asked / 2));
    }
    stats.rqRetryBackoffExponential.inc();
    const window = this.windowMs;
    this.windowMs = Math.min(window * 2, this.maxWindowMs);
    return Math.floor(this.jitter() * Math.min(window, this.maxWindowMs));
  }

  /** No try follows any more. */
  end(): void {
    this.releasePlace();
    this.isOpen = false;
    this.policy = null;
    this.scope = null;
  }

  private decide(wouldRetry: boolean): number {
    const scope = this.openScope();
    const { stats, virtualCluster, route, breaker } = scope;
    const wasRetried = this.holdsPlace;
    this.releasePlace();
    if (!wouldRetry) {
      // What was granted before has led to something else than a failure of the kind.
      if (wasRetried) {
        stats.rqRetrySuccess.inc();
        virtualCluster?.rqRetrySuccess.inc();
        route?.rqRetrySuccess.inc();
      }
      return RetryVerdict.no;
    }
    if (this.remaining === 0) {
      stats.rqRetryLimitExceeded.inc();
      virtualCluster?.rqRetryLimitExceeded.inc();
      route?.rqRetryLimitExceeded.inc();
      return RetryVerdict.limitExceeded;
    }
    this.remaining--;
    if (!breaker.canRetry()) {
      stats.rqRetryOverflow.inc();
      virtualCluster?.rqRetryOverflow.inc();
      route?.rqRetryOverflow.inc();
      return RetryVerdict.overflow;
    }
    if (!scope.runtime.featureEnabled(USE_RETRY, scope.random)) return RetryVerdict.no;
    breaker.inc(CircuitKind.retries);
    this.holdsPlace = true;
    stats.rqRetry.inc();
    virtualCluster?.rqRetry.inc();
    route?.rqRetry.inc();
    return RetryVerdict.retry;
  }

  private wouldRetryReset(reason: ResetReason, wasSent: boolean): boolean {
    // The cluster is full: more tries would not help it.
    if (reason === ResetReason.overflow) return false;
    const { conditions } = this;
    if ((conditions & (RetryOn.reset | RetryOn.fiveXx | RetryOn.gatewayError)) !== 0) return true;
    if ((conditions & RetryOn.resetBeforeRequest) !== 0 && !wasSent) return true;
    if ((conditions & RetryOn.connectFailure) === 0) return false;
    return reason === ResetReason.localConnectionFailure || reason === ResetReason.remoteConnectionFailure || reason === ResetReason.connectionTimeout;
  }

  /** 425 as a status to retry: the server wants nothing but a request that is no early data, which no request here is. */
  private isTooEarly(response: HeaderMap): boolean {
    return response.status === TOO_EARLY && response.find(HeaderId.envoyRatelimited) < 0;
  }

  /** Milliseconds that the first usable reset header asks for; 0 = none. */
  private askedToWait(response: HeaderMap, wallMs: number): number {
    const policy = this.policy;
    if (policy === null) return 0;
    for (const header of policy.resetHeaders) {
      const seconds = wholeNumberOr(response.get(header.nameId), -1);
      const waitMs = header.isTimestamp ? (seconds - Math.floor(wallMs / 1000)) * 1000 : seconds * 1000;
      if (seconds >= 0 && waitMs >= 0 && waitMs <= policy.config.resetMaxMs) return waitMs > 1 ? waitMs : 0;
    }
    return 0;
  }

  private releasePlace(): void {
    if (!this.holdsPlace) return;
    this.holdsPlace = false;
    this.openScope().breaker.dec(CircuitKind.retries);
  }

  private openScope(): RetryScope {
    if (this.scope === null) throw new Error('no request is being retried');
    return this.scope;
  }
}

const TOO_EARLY = 425;
const BASE_KEY = 'upstream.base_retry_backoff_ms';
const DEFAULT_BASE_MS = 25;
const MAX_BASES = 10;
const USE_RETRY: RuntimeFraction = { defaultValue: { numerator: 100, denominator: 100 }, runtimeKey: 'upstream.use_retry' };
const GRPC_CONDITIONS = RetryOn.grpcCancelled | RetryOn.grpcDeadlineExceeded | RetryOn.grpcResourceExhausted | RetryOn.grpcUnavailable | RetryOn.grpcInternal;

/** The condition that a grpc-status stands for (google/rpc/code.proto); 0 = none. */
function grpcConditionOf(status: number): number {
  switch (status) {
    case 1: return RetryOn.grpcCancelled;
    case 4: return RetryOn.grpcDeadlineExceeded;
    case 8: return RetryOn.grpcResourceExhausted;
    case 13: return RetryOn.grpcInternal;
    case 14: return RetryOn.grpcUnavailable;
    default: return 0;
  }
}

const NOTHING: readonly string[] = [];

function listOf(headers: HeaderMap, nameId: number): readonly string[] {
  return headers.find(nameId) < 0 ? NOTHING : listItems(headers.get(nameId) ?? '');
}

function wholeNumberOr(value: string | undefined, fallback: number): number {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : fallback;
}
