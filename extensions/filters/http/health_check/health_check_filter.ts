import type { BodyData } from '../../../../core/buffer/body_data.ts';
import type { HeaderMap } from '../../../../core/headers/header_map.ts';
import { HeaderId } from '../../../../core/headers/header_names.ts';
import { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, type FilterCallbacks, type HttpFilter, type LocalReplyOptions } from '../../../../core/http/filter.ts';
import type { HttpFilterContext, ServerFacts } from '../../../../core/http/filter_context.ts';
import { compileHeaderMatchers, type HeaderMatcher, matchesAllHeaders } from '../../../../core/matcher/header_matcher.ts';
import type { ProcessCount } from '../../../../core/shared_memory/process_counts.ts';
import { createStatGroup, type StatGroup } from '../../../../core/stats/stat_group.ts';
import { ResponseFlag } from '../../../../core/stream_info/response_flags.ts';
import type { HealthCheckConfig } from './health_check_config.ts';

const COUNTERS = ['request_total', 'failed', 'ok', 'cached_response', 'failed_cluster_not_found', 'failed_cluster_empty', 'failed_cluster_unhealthy', 'degraded'] as const;

/** Answers and their details. */
const OK: LocalReplyOptions = { details: 'health_check_ok' };
const OK_CLUSTERS: LocalReplyOptions = { details: 'health_check_ok_cluster_healthy' };
const FAILED: LocalReplyOptions = { details: 'health_check_failed' };
const FAILED_NO_CLUSTER: LocalReplyOptions = { details: 'health_check_failed_no_cluster_found' };
const FAILED_EMPTY: LocalReplyOptions = { details: 'health_check_failed_cluster_empty' };
const FAILED_UNHEALTHY: LocalReplyOptions = { details: 'health_check_failed_cluster_unhealthy' };
const CACHED: LocalReplyOptions = { details: 'health_check_cached' };
const CACHED_DEGRADED: LocalReplyOptions = { details: 'health_check_cached', modifyHeaders: (headers) => headers.set(HeaderId.envoyDegraded, '') };

/** The word of a cached answer: status, whether it was degraded, and the tick in which it is good. */
const STATUS_BITS = 0x3ff;
const DEGRADED_BIT = 0x400;
const TICK_SHIFT = 11;
const TICK_MASK = 0xfffff;

/**
 * What all streams of one health check filter on this worker share: matchers, stats and the cached answer. That is the process's:
 * each worker writes what it got into a word of its own, all look for one of the present tick. As in Envoy a cached answer is good
 * until the next tick, not for the whole cache time: ticks are the same for all, by the wall clock.
 */
export class HealthCheckShared {
  readonly config: HealthCheckConfig;
  readonly server: ServerFacts;
  readonly stats: StatGroup<(typeof COUNTERS)[number], never, never>;
  /** Value of x-envoy-upstream-healthchecked-cluster. */
  readonly nodeCluster: string;
  private readonly headers: readonly HeaderMatcher[];
  private readonly clock: Float64Array;
  /** null = no cache. */
  private readonly cache: ProcessCount | null;

  constructor(config: HealthCheckConfig, context: HttpFilterContext) {
    this.config = config;
    this.server = context.server;
    this.stats = createStatGroup(context.scope.scope('health_check'), { counters: COUNTERS, gauges: [], histograms: {} });
    this.nodeCluster = context.nodeCluster;
    this.headers = compileHeaderMatchers(config.headers, context.names);
    this.clock = context.clock;
    this.cache = config.cacheTimeMs > 0 ? context.server.processCount(config.cacheName) : null;
  }

  isHealthCheck(headers: HeaderMap): boolean {
    return matchesAllHeaders(this.headers, headers);
  }

  /** The cached answer's word; -1 = none. */
  cached(): number {
    return this.cache === null ? -1 : this.cache.find(TICK_MASK << TICK_SHIFT, this.tick());
  }

  remember(headers: HeaderMap): void {
    this.cache?.set(this.tick() | (headers.find(HeaderId.envoyDegraded) >= 0 ? DEGRADED_BIT : 0) | (headers.status & STATUS_BITS));
  }

  /** Never 0, which is the tick of words that nobody has written. */
  private tick(): number {
    const { cacheTimeMs } = this.config;
    return ((Math.floor(this.clock[1] / cacheTimeMs) % TICK_MASK) + 1) << TICK_SHIFT;
  }

  /** Whether enough hosts of the clusters are there. */
  checkClusters(): LocalReplyOptions {
    const { clusters } = this.config;
    const { server, stats } = this;
    for (let i = 0; i < clusters.length; i++) {
      const { name, minPercent } = clusters[i];
      const total = server.clusterMembershipTotal(name);
      if (total < 0) {
        stats.failed_cluster_not_found.inc();
        return FAILED_NO_CLUSTER;
      }
      if (total === 0) {
        if (minPercent === 0) continue;
        stats.failed_cluster_empty.inc();
        return FAILED_EMPTY;
      }
      // Whole hosts again: a third and two thirds are not quite 100 percent.
      const usable = Math.round(((server.clusterHealthyPercent(name) + server.clusterDegradedPercent(name)) * total) / 100);
      if (usable * 100 < total * minPercent) {
        stats.failed_cluster_unhealthy.inc();
        return FAILED_UNHEALTHY;
      }
    }
    return OK_CLUSTERS;
  }
}

/**
 * Answers health checks: by itself, from a cache, or by passing them on; always itself once the server was told to fail
 * (/healthcheck/fail). Then every response also tells the health checkers behind it (x-envoy-immediate-health-check-fail).
 */
export class HealthCheckFilter implements HttpFilter {
  private readonly shared: HealthCheckShared;
  private callbacks: FilterCallbacks | null;
  private isHealthCheck: boolean;
  /** Answered here, once the request is complete. */
  private isHandled: boolean;
  /** Word of the cached answer; -1 = none. */
  private cached: number;

  constructor(shared: HealthCheckShared) {
    this.shared = shared;
    this.callbacks = null;
    this.isHealthCheck = false;
    this.isHandled = false;
    this.cached = -1;
  }

  setCallbacks(callbacks: FilterCallbacks): void {
    this.callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const { shared, callbacks } = this;
    if (callbacks === null || !shared.isHealthCheck(headers)) return FilterHeadersStatus.continue;
    this.isHealthCheck = true;
    callbacks.streamInfo.isHealthCheck = true;
    this.cached = shared.cached();
    this.isHandled = !shared.config.passThrough || shared.server.isHealthCheckFailed() || this.cached >= 0;
    if (!this.isHandled) return FilterHeadersStatus.continue;
    if (endStream) this.answer(callbacks);
    return FilterHeadersStatus.stopIteration;
  }

  /** Bodies of health checks are read and dropped. */
  decodeData(_data: BodyData, endStream: boolean): FilterDataStatus {
    if (!this.isHandled || this.callbacks === null) return FilterDataStatus.continue;
    if (endStream) this.answer(this.callbacks);
    return FilterDataStatus.stopIterationNoBuffer;
  }

  decodeTrailers(): FilterTrailersStatus {
    if (!this.isHandled || this.callbacks === null) return FilterTrailersStatus.continue;
    this.answer(this.callbacks);
    return FilterTrailersStatus.stopIteration;
  }

  encodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    const { shared, callbacks } = this;
    if (this.isHealthCheck && callbacks !== null) {
      // As in Envoy, our own answer is remembered, too, once the server was told to fail.
      if (this.cached < 0 || shared.server.isHealthCheckFailed()) shared.remember(headers);
      headers.set(HeaderId.envoyUpstreamHealthcheckedCluster, shared.nodeCluster);
    }
    if (shared.server.isHealthCheckFailed()) headers.set(HeaderId.envoyImmediateHealthCheckFail, 'true');
    return FilterHeadersStatus.continue;
  }

  onDestroy(): void {
    this.isHealthCheck = false;
    this.isHandled = false;
    this.cached = -1;
  }

  private answer(callbacks: FilterCallbacks): void {
    const { shared } = this;
    const { stats } = shared;
    let options = OK;
    let status = 0;
    stats.request_total.inc();
    if (shared.server.isHealthCheckFailed()) options = FAILED;
    else if (this.cached >= 0) {
      const isDegraded = (this.cached & DEGRADED_BIT) !== 0;
      stats.cached_response.inc();
      status = this.cached & STATUS_BITS;
      options = isDegraded ? CACHED_DEGRADED : CACHED;
      if (isDegraded) stats.degraded.inc();
    } else if (shared.config.clusters.length > 0) options = shared.checkClusters();
    if (status === 0) status = options === OK || options === OK_CLUSTERS ? 200 : 503;
    const isOk = status >= 200 && status < 300;
    (isOk ? stats.ok : stats.failed).inc();
    if (!isOk) callbacks.streamInfo.setFlag(ResponseFlag.failedLocalHealthCheck);
    callbacks.sendLocalReply(status, '', options);
  }
}
