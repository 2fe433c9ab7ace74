/** What checks of Redis count: they are traffic of their host and cluster, as in Envoy. Thread: main. */
import { HostStat } from '../../../core/shared_memory/layout.ts';
import type { Counter, Gauge } from '../../../core/stats/stats.ts';
import type { CheckTraffic } from '../../../core/upstream/health_prober.ts';

export class TrafficStats {
  private readonly traffic: CheckTraffic;
  private readonly cxActive: Gauge;
  private readonly rqActive: Gauge;
  private readonly counters = new Map<string, Counter>();

  constructor(traffic: CheckTraffic) {
    this.traffic = traffic;
    this.cxActive = traffic.scope.gauge('upstream_cx_active');
    this.rqActive = traffic.scope.gauge('upstream_rq_active');
  }

  onConnect(): void {
    this.count('upstream_cx_total');
    this.cxActive.inc();
    this.traffic.count(HostStat.cxTotal, 1);
    this.traffic.count(HostStat.cxActive, 1);
  }

  /** `hasRequests`: some were waiting for replies. */
  onClose(by: 'local' | 'remote', hasRequests: boolean): void {
    this.cxActive.dec();
    this.traffic.count(HostStat.cxActive, -1);
    this.count('upstream_cx_destroy');
    this.count(`upstream_cx_destroy_${by}`);
    if (!hasRequests) return;
    this.count('upstream_cx_destroy_with_active_rq');
    this.count(`upstream_cx_destroy_${by}_with_active_rq`);
  }

  onConnectFailure(isTimeout: boolean): void {
    this.count(isTimeout ? 'upstream_cx_connect_timeout' : 'upstream_cx_connect_fail');
    this.traffic.count(HostStat.cxConnectFail, 1);
  }

  onProtocolError(): void {
    this.count('upstream_cx_protocol_error');
    this.traffic.count(HostStat.rqError, 1);
  }

  onRequest(): void {
    this.count('upstream_rq_total');
    this.rqActive.inc();
    this.traffic.count(HostStat.rqTotal, 1);
    this.traffic.count(HostStat.rqActive, 1);
  }

  onRequestEnd(): void {
    this.rqActive.dec();
    this.traffic.count(HostStat.rqActive, -1);
  }

  onCancelled(): void {
    this.count('upstream_rq_cancelled');
  }

  /** Names exist once there is something to count. */
  private count(name: string): void {
    let counter = this.counters.get(name);
    if (counter === undefined) {
      counter = this.traffic.scope.counter(name);
      this.counters.set(name, counter);
    }
    counter.inc();
  }
}
