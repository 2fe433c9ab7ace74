import type { BodyData } from '../../../../core/buffer/body_data.ts';
import type { HeaderMap } from '../../../../core/headers/header_map.ts';
import { HeaderId } from '../../../../core/headers/header_names.ts';
import { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, type FilterCallbacks, type HttpFilter, type LocalReplyOptions } from '../../../../core/http/filter.ts';
import type { HttpFilterContext, ServerFacts } from '../../../../core/http/filter_context.ts';
import { compileHeaderMatchers, type HeaderMatcher, matchesAllHeaders } from '../../../../core/matcher/header_matcher.ts';
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

/** What all streams of one health check filter on this worker share: matchers, stats and the cached answer (one per worker). */
export class HealthCheckShared {
  readonly config: HealthCheckConfig;
  readonly server: ServerFacts;
  readonly stats: StatGroup<(typeof COUNTERS)[number], never, never>;
  /** Value of x-envoy-upstream-healthchecked-cluster. */
  readonly nodeCluster: string;
  private readonly headers: readonly HeaderMatcher[];
  cachedStatus: number;
  cachedDegraded: boolean;
  private cachedUntilMs: number;

  constructor(config: HealthCheckConfig, context: HttpFilterContext) {
    this.config = config;
    this.server = context.server;
    this.stats = createStatGroup(context.scope.scope('health_check'), { counters: COUNTERS, gauges: [], histograms: {} });
    this.nodeCluster = context.nodeCluster;
    this.headers = compileHeaderMatchers(config.headers, context.names);
    this.cachedStatus = 0;
    this.cachedDegraded = false;
    this.cachedUntilMs = -0.5;
  }

  isHealthCheck(headers: HeaderMap): boolean {
    return matchesAllHeaders(this.headers, headers);
  }

  hasCached(nowMs: number): boolean {
    return nowMs < this.cachedUntilMs;
  }

  remember(headers: HeaderMap, nowMs: number): void {
    this.cachedStatus = headers.status;
    this.cachedDegraded = headers.find(HeaderId.envoyDegraded) >= 0;
    this.cachedUntilMs = nowMs + this.config.cacheTimeMs;
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
      if (server.clusterHealthyPercent(name) + server.clusterDegradedPercent(name) < minPercent) {
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
  private isFromCache: boolean;

  constructor(shared: HealthCheckShared) {
    this.shared = shared;
    this.callbacks = null;
    this.isHealthCheck = false;
    this.isHandled = false;
    this.isFromCache = false;
  }

  setCallbacks(callbacks: FilterCallbacks): void {
    this.callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const { shared, callbacks } = this;
    if (callbacks === null || !shared.isHealthCheck(headers)) return FilterHeadersStatus.continue;
    this.isHealthCheck = true;
    callbacks.streamInfo.isHealthCheck = true;
    this.isHandled = !shared.config.passThrough || shared.server.isHealthCheckFailed() || shared.hasCached(callbacks.nowMs());
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
      if (shared.config.cacheTimeMs > 0 && !this.isFromCache) shared.remember(headers, callbacks.nowMs());
      headers.set(HeaderId.envoyUpstreamHealthcheckedCluster, shared.nodeCluster);
    }
    if (shared.server.isHealthCheckFailed()) headers.set(HeaderId.envoyImmediateHealthCheckFail, 'true');
    return FilterHeadersStatus.continue;
  }

  onDestroy(): void {
    this.isHealthCheck = false;
    this.isHandled = false;
    this.isFromCache = false;
  }

  private answer(callbacks: FilterCallbacks): void {
    const { shared } = this;
    const { stats } = shared;
    let options = OK;
    let status = 0;
    stats.request_total.inc();
    if (shared.server.isHealthCheckFailed()) options = FAILED;
    else if (shared.config.cacheTimeMs > 0) {
      this.isFromCache = true;
      stats.cached_response.inc();
      status = shared.cachedStatus;
      options = shared.cachedDegraded ? CACHED_DEGRADED : CACHED;
      if (shared.cachedDegraded) stats.degraded.inc();
    } else if (shared.config.clusters.length > 0) options = shared.checkClusters();
    if (status === 0) status = options === OK || options === OK_CLUSTERS ? 200 : 503;
    const isOk = status >= 200 && status < 300;
    (isOk ? stats.ok : stats.failed).inc();
    if (!isOk) callbacks.streamInfo.setFlag(ResponseFlag.failedLocalHealthCheck);
    callbacks.sendLocalReply(status, '', options);
  }
}
