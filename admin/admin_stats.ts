/** What the admin listener counts about itself: `listener.admin.*`, `http.admin.*`. Thread: main. */
import type { Counter, Gauge, Histogram, StatsScope } from '../core/stats/stats.ts';

export class AdminStats {
  readonly cxActive: readonly Gauge[];
  readonly cxTotal: readonly Counter[];
  readonly cxDestroy: readonly Counter[];
  readonly cxRxBytes: Counter;
  readonly cxTxBytes: Counter;
  readonly cxLengthMs: readonly Histogram[];
  readonly rqActive: Gauge;
  readonly rqTotal: readonly Counter[];
  readonly rqCompleted: readonly Counter[];
  readonly rqTime: Histogram;
  /** Index = hundreds of the status. */
  readonly rqByClass: readonly (readonly Counter[])[];

  constructor(root: StatsScope) {
    const listener = root.scope('listener.admin');
    const http = root.scope('http.admin');
    const listenerHttp = listener.scope('http.admin');
    const thread = listener.scope('main_thread');
    this.cxActive = [
      listener.gauge('downstream_cx_active'), thread.gauge('downstream_cx_active'), http.gauge('downstream_cx_active'),
      http.gauge('downstream_cx_http1_active'),
    ];
    this.cxTotal = [
      listener.counter('downstream_cx_total'), thread.counter('downstream_cx_total'), http.counter('downstream_cx_total'),
      http.counter('downstream_cx_http1_total'),
    ];
    this.cxDestroy = [listener.counter('downstream_cx_destroy'), http.counter('downstream_cx_destroy')];
    this.cxRxBytes = http.counter('downstream_cx_rx_bytes_total');
    this.cxTxBytes = http.counter('downstream_cx_tx_bytes_total');
    this.cxLengthMs = [listener.histogram('downstream_cx_length_ms', 'ms'), http.histogram('downstream_cx_length_ms', 'ms')];
    this.rqActive = http.gauge('downstream_rq_active');
    this.rqTotal = [http.counter('downstream_rq_total'), http.counter('downstream_rq_http1_total')];
    this.rqCompleted = [http.counter('downstream_rq_completed'), listenerHttp.counter('downstream_rq_completed')];
    this.rqTime = http.histogram('downstream_rq_time', 'ms');
    this.rqByClass = [0, 1, 2, 3, 4, 5].map((hundreds) => (hundreds === 0 ? [] : [
      http.counter(`downstream_rq_${hundreds}xx`), listenerHttp.counter(`downstream_rq_${hundreds}xx`),
    ]));
  }

  onConnection(): void {
    for (const counter of this.cxTotal) counter.inc();
    for (const gauge of this.cxActive) gauge.inc();
  }

  onConnectionClosed(lengthMs: number, bytesReceived: number, bytesSent: number): void {
    for (const counter of this.cxDestroy) counter.inc();
    for (const gauge of this.cxActive) gauge.dec();
    for (const histogram of this.cxLengthMs) histogram.record(lengthMs);
    this.cxRxBytes.add(bytesReceived);
    this.cxTxBytes.add(bytesSent);
  }

  onRequest(): void {
    for (const counter of this.rqTotal) counter.inc();
    this.rqActive.inc();
  }

  onRequestEnd(status: number, timeMs: number): void {
    this.rqActive.dec();
    for (const counter of this.rqCompleted) counter.inc();
    for (const counter of this.rqByClass[Math.floor(status / 100)] ?? []) counter.inc();
    this.rqTime.record(timeMs);
  }
}
