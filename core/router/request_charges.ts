import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import { ResetReason } from '../http/codec.ts';
import type { RequestStats } from '../route/request_stats.ts';
import type { ClusterStats } from '../upstream/cluster_info.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';
import type { ResponseCodeStats } from '../upstream/response_code_stats.ts';
import { percentOfTimeout } from '../upstream/tracking_stats.ts';
import { failureStatus } from './request_rules.ts';
import type { RequestTimeouts } from './request_timeouts.ts';
import type { UpstreamRequest } from './upstream_request.ts';

/** What the router's configuration says of counting. */
export interface CountingRules {
  readonly dynamicStats: boolean;
  readonly suppressGrpcCodeStats: boolean;
}

/** Everywhere that one request's outcome is counted: its cluster, its virtual cluster, its route. One per pooled router. */
export class RequestCharges {
  cluster: ClusterStats | null;
  virtualCluster: RequestStats | null;
  route: RequestStats | null;
  isInternal: boolean;
  /** From the zone of this process to that of the host; null where one has none. */
  zone: ResponseCodeStats | null;
  /** x-envoy-upstream-alt-stat-name; '' = none. */
  altStatName: string;
  /** Neither codes nor times: health checks are no traffic, and with `dynamic_stats: false` nothing is. */
  isUncounted: boolean;
  /** Which code it was is not counted for the cluster as a whole: gRPC requests with `suppress_grpc_request_failure_code_stats`. */
  hidesCodes: boolean;
  /** A 1xx response went to the client: what fails from now on is no outcome of its own. */
  hasInterimResponse: boolean;

  constructor() {
    this.cluster = null;
    this.virtualCluster = null;
    this.route = null;
    this.isInternal = false;
    this.zone = null;
    this.altStatName = '';
    this.isUncounted = false;
    this.hidesCodes = false;
    this.hasInterimResponse = false;
  }

  /** Takes up a request. */
  begin(cluster: ClusterStats, virtualCluster: RequestStats | null, route: RequestStats | null, info: StreamInfo, rules: CountingRules, isGrpc: boolean): void {
    this.cluster = cluster;
    this.virtualCluster = virtualCluster;
    this.route = route;
    this.isInternal = info.isInternalRequest;
    this.isUncounted = info.isHealthCheck || !rules.dynamicStats;
    this.hidesCodes = isGrpc && rules.suppressGrpcCodeStats;
  }

  clear(): void {
    this.cluster = null;
    this.virtualCluster = null;
    this.route = null;
    this.zone = null;
    this.altStatName = '';
    this.hasInterimResponse = false;
  }

  /** x-envoy-upstream-alt-stat-name (of trusted callers; others' is gone): response codes are counted below that name too. */
  takeAltStatName(headers: HeaderMap): void {
    if (headers.find(HeaderId.envoyUpstreamAltStatName) < 0) return;
    this.altStatName = headers.get(HeaderId.envoyUpstreamAltStatName) ?? '';
    headers.remove(HeaderId.envoyUpstreamAltStatName);
  }

  /** A response, or a reply instead of one. */
  code(status: number, isCanary: boolean): void {
    const stats = this.cluster;
    if (stats === null || this.isUncounted) return;
    if (this.hidesCodes) stats.codes.chargeCompleted();
    else stats.codes.charge(status);
    stats.byOrigin(this.isInternal).charge(status);
    this.virtualCluster?.codes.charge(status);
    this.route?.codes.charge(status);
    this.zone?.charge(status);
    if (this.altStatName !== '') stats.alternative(this.altStatName)?.charge(status, this.isInternal);
    if (isCanary) stats.canaryCodes().charge(status);
  }

  /** A try failed; the client is told so, or would be were no others under way. */
  failure(upstream: UpstreamRequest, reason: ResetReason): void {
    if (reason === ResetReason.overflow) this.code(failureStatus(reason), false);
    else this.abort(upstream, failureStatus(reason));
  }

  /** A try ends without a response. */
  abort(upstream: UpstreamRequest, status: number): void {
    if (this.hasInterimResponse) return;
    upstream.host?.onRequestError();
    this.code(status, false);
  }

  /** A try that got a connection. */
  request(): void {
    this.virtualCluster?.rqTotal.inc();
    this.route?.rqTotal.inc();
  }

  /** A try was too slow. */
  timeout(upstream: UpstreamRequest, timeouts: RequestTimeouts): void {
    upstream.host?.onRequestTimeout();
    upstream.noteTimeout(timeouts.answersNoContent ? 204 : 504);
  }

  /** The time of the request is over, with this try under way. */
  lateRequest(upstream: UpstreamRequest, timeouts: RequestTimeouts): void {
    this.cluster?.rqTimeout.inc();
    this.virtualCluster?.rqTimeout.inc();
    this.route?.rqTimeout.inc();
    upstream.onRequestTimeout(timeouts.answersNoContent ? 204 : 504);
    this.timeout(upstream, timeouts);
  }

  /** The same for a try beside the last one: the answer counts for both. */
  abandoned(upstream: UpstreamRequest, timeouts: RequestTimeouts): void {
    this.lateRequest(upstream, timeouts);
    this.abort(upstream, timeouts.answersNoContent ? 204 : 504);
  }

  /** So many milliseconds of the request's time were used. */
  budget(elapsed: number, timeouts: RequestTimeouts): void {
    this.cluster?.budgets?.whole.record(percentOfTimeout(elapsed, timeouts.globalMs));
  }

  /** The whole response took this many milliseconds. */
  time(elapsed: number, timeouts: RequestTimeouts): void {
    const stats = this.cluster;
    if (stats === null) return;
    if (stats.budgets !== null) this.budget(elapsed, timeouts);
    if (this.isUncounted) return;
    stats.codes.time.record(elapsed);
    stats.byOrigin(this.isInternal).time.record(elapsed);
    this.virtualCluster?.codes.time.record(elapsed);
    this.route?.codes.time.record(elapsed);
    this.zone?.time.record(elapsed);
  }
}
