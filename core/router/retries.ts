import { systemRandom } from '../base/random.ts';
import type { XxHash64 } from '../base/xxhash64.ts';
import type { UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import type { Timer } from '../event/timer.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import type { ResetReason } from '../http/codec.ts';
import type { TerminalFilterCallbacks } from '../http/terminal_filter.ts';
import { NO_RETRIES, RetryPolicy } from '../route/retry_policy.ts';
import type { RouteEntry } from '../route/route_entry.ts';
import { ResponseFlag } from '../stream_info/response_flags.ts';
import type { MetadataCriteria } from '../upstream/metadata_criteria.ts';
import type { Host } from '../upstream/host.ts';
import type { RetryPriority } from '../upstream/retry_priority.ts';
import type { RequestCharges } from './request_charges.ts';
import { RetryState, RetryVerdict } from './retry_state.ts';
import type { RouterContext } from './router_context.ts';

/** Whether a request may be retried: the policy of its cluster or route says so, or its headers do. */
export function mayRetry(policy: RetryPolicy | null, headers: HeaderMap): boolean {
  if (policy !== null && policy.config.retryOn !== 0) return true;
  return headers.find(HeaderId.envoyRetryOn) >= 0 || headers.find(HeaderId.envoyRetryGrpcOn) >= 0;
}

/**
 * The retries of one request at the router: the decision (RetryState), the wait before the next try, its host and its headers.
 * Made for a pooled router when its first request asks for it, then used again.
 *
 *   waiting: a try was granted and no try is under way; the timer starts it
 */
export class Retries {
  /** The wait before the next try. */
  readonly timer: Timer;
  /** The next try is granted and not yet begun. */
  isWaiting: boolean;
  /** The request was sent again at least once. */
  isRetry: boolean;
  /** The request is nothing but headers. */
  isHeadersOnly: boolean;
  /** The request's, kept; null = none (so far). */
  trailers: HeaderMap | null;
  private readonly context: RouterContext;
  private readonly state: RetryState;
  /** Of routes that have none. */
  private readonly noPolicy: RetryPolicy;
  private policy: RetryPolicy;
  private isTimeoutRetry: boolean;
  /** The last try would have been followed by another, were there not too many. */
  wasDenied: boolean;
  /** Of this request; null without the policy's. */
  private priority: RetryPriority | null;
  /** Where the request was sent; filled for policies with host predicates only. */
  private readonly attempted: Host[];

  constructor(context: RouterContext, timer: Timer) {
    this.context = context;
    this.timer = timer;
    this.state = new RetryState(systemRandom);
    this.noPolicy = new RetryPolicy(NO_RETRIES, { names: context.names, product: () => undefined });
    this.policy = this.noPolicy;
    this.isWaiting = false;
    this.isRetry = false;
    this.isHeadersOnly = false;
    this.trailers = null;
    this.isTimeoutRetry = false;
    this.wasDenied = false;
    this.priority = null;
    this.attempted = [];
  }

  /** Takes up a request. */
  begin(policy: RetryPolicy | null, route: RouteEntry, headers: HeaderMap, endStream: boolean, cluster: UpstreamCluster, charges: RequestCharges, callbacks: TerminalFilterCallbacks): void {
    this.policy = policy ?? this.noPolicy;
    this.priority = this.policy.priorities === null ? null : this.policy.priorities.create();
    this.isHeadersOnly = endStream;
    this.state.begin(this.policy, headers, {
      stats: cluster.info.stats,
      breaker: cluster.info.breakers[route.isHighPriority ? 1 : 0],
      virtualCluster: charges.virtualCluster,
      route: charges.route,
      runtime: this.context.runtime,
      random: callbacks.streamInfo.random,
    });
  }

  /** Something may be retried still. */
  get isOpen(): boolean {
    return this.state.isOpen;
  }

  /** A response has begun; true: it is not passed on, the next try waits. */
  retriesResponse(response: HeaderMap, callbacks: TerminalFilterCallbacks): boolean {
    return this.follow(this.state.onResponse(response, this.context.clock[1]), false, callbacks);
  }

  /** A try has ended without a response; true: the next one waits. */
  retriesReset(reason: ResetReason, isTimeout: boolean, callbacks: TerminalFilterCallbacks): boolean {
    return this.follow(this.state.onReset(reason, !Number.isNaN(callbacks.streamInfo.firstUpstreamTxMs)), isTimeout, callbacks);
  }

  /** A try is slow and goes on; true: another waits to be begun beside it. */
  retriesSlow(callbacks: TerminalFilterCallbacks): boolean {
    return this.follow(this.state.onSlow(), true, callbacks);
  }

  /** Whether the response of a try that has been followed by another is no better than none. */
  wouldRetry(response: HeaderMap): boolean {
    return this.state.isOpen && this.state.wouldRetryResponse(response);
  }

  private follow(verdict: number, isTimeout: boolean, callbacks: TerminalFilterCallbacks): boolean {
    this.wasDenied = verdict === RetryVerdict.overflow || verdict === RetryVerdict.limitExceeded;
    if (verdict === RetryVerdict.overflow) callbacks.streamInfo.setFlag(ResponseFlag.upstreamOverflow);
    else if (verdict === RetryVerdict.limitExceeded) callbacks.streamInfo.setFlag(ResponseFlag.upstreamRetryLimitExceeded);
    if (verdict !== RetryVerdict.retry) return false;
    this.isWaiting = true;
    this.isTimeoutRetry = isTimeout;
    this.timer.enable(this.state.nextDelayMs());
    return true;
  }

  /** A try goes to this host. */
  onHostAttempted(host: Host, cluster: UpstreamCluster): void {
    if (!this.isOpen) return;
    if (this.policy.hostPredicates !== null) this.attempted.push(host);
    this.priority?.onHostAttempted(cluster.priorityOf(host));
  }

  /** The host of the next try: the last one chosen when the predicates like none. */
  chooseHost(cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks, hash: XxHash64 | null, criteria: MetadataCriteria | null): Host | null {
    if (this.priority === null) return this.chooseAccepted(cluster, callbacks, hash, criteria);
    cluster.preferPriorities(this.priority);
    const host = this.chooseAccepted(cluster, callbacks, hash, criteria);
    cluster.preferPriorities(null);
    return host;
  }

  private chooseAccepted(cluster: UpstreamCluster, callbacks: TerminalFilterCallbacks, hash: XxHash64 | null, criteria: MetadataCriteria | null): Host | null {
    const { random } = callbacks.streamInfo;
    const predicates = this.policy.hostPredicates;
    let host = cluster.chooseHost(random, hash, criteria, callbacks);
    if (predicates === null) return host;
    for (let left = this.policy.config.hostSelectionMaxAttempts; left > 0 && host !== null; left--) {
      const candidate = host;
      if (!predicates.some((predicate) => predicate.rejects(candidate, this.attempted))) return host;
      host = cluster.chooseHost(random, hash, criteria, callbacks);
    }
    return host;
  }

  /** The wait is over: what the upstream is told of the next try. */
  beginTry(route: RouteEntry, headers: HeaderMap, attempt: number): void {
    this.isWaiting = false;
    this.isRetry = true;
    this.timer.disable();
    if (route.virtualHost.includeRequestAttemptCount) headers.setInteger(HeaderId.envoyAttemptCount, attempt);
    if (route.virtualHost.includeIsTimeoutRetryHeader) headers.set(HeaderId.envoyIsTimeoutRetry, this.isTimeoutRetry ? 'true' : 'false');
  }

  /** Nothing is retried any more. */
  end(): void {
    this.timer.disable();
    this.isWaiting = false;
    this.trailers = null;
    this.attempted.length = 0;
    this.priority = null;
    if (this.state.isOpen) this.state.end();
  }

  /** The stream is over. */
  clear(): void {
    this.end();
    this.isRetry = false;
  }
}
