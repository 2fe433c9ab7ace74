import type { RequestStats } from '../route/request_stats.ts';
import type { ClusterStats } from '../upstream/cluster_info.ts';
import type { ResponseCodeStats } from '../upstream/response_code_stats.ts';
import type { Host } from '../upstream/host.ts';

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
  /** Health checks are no traffic. */
  isHealthCheck: boolean;

  constructor() {
    this.cluster = null;
    this.virtualCluster = null;
    this.route = null;
    this.isInternal = false;
    this.zone = null;
    this.altStatName = '';
    this.isHealthCheck = false;
  }

  clear(): void {
    this.cluster = null;
    this.virtualCluster = null;
    this.route = null;
    this.zone = null;
    this.altStatName = '';
  }

  /** A response, or a reply instead of one. */
  code(status: number, isCanary: boolean): void {
    const stats = this.cluster;
    if (stats === null || this.isHealthCheck) return;
    stats.codes.charge(status);
    stats.byOrigin(this.isInternal).charge(status);
    this.virtualCluster?.codes.charge(status);
    this.route?.codes.charge(status);
    this.zone?.charge(status);
    if (this.altStatName !== '') stats.alternative(this.altStatName)?.charge(status, this.isInternal);
    if (isCanary) stats.canaryCodes().charge(status);
  }

  /** A try that got a connection. */
  request(): void {
    this.virtualCluster?.rqTotal.inc();
    this.route?.rqTotal.inc();
  }

  timeout(host: Host | null, upstream: { noteTimeout(status: number): void }, timeouts: { readonly answersNoContent: boolean }): void {
    this.virtualCluster?.rqTimeout.inc();
    this.route?.rqTimeout.inc();
    host?.onRequestTimeout();
    upstream.noteTimeout(timeouts.answersNoContent ? 204 : 504);
  }

  /** The whole response took this many milliseconds. */
  time(elapsed: number): void {
    const stats = this.cluster;
    if (stats === null) return;
    stats.codes.time.record(elapsed);
    stats.byOrigin(this.isInternal).time.record(elapsed);
    this.virtualCluster?.codes.time.record(elapsed);
    this.route?.codes.time.record(elapsed);
    this.zone?.time.record(elapsed);
  }
}
