import type { Histogram, StatsScope } from '../stats/stats.ts';

/** How much of their time requests use, in percent (track_cluster_stats.timeout_budgets). */
export class TimeoutBudgetStats {
  readonly whole: Histogram;
  readonly perTry: Histogram;

  constructor(scope: StatsScope) {
    this.whole = scope.histogram('upstream_rq_timeout_budget_percent_used', 'unspecified');
    this.perTry = scope.histogram('upstream_rq_timeout_budget_per_try_percent_used', 'unspecified');
  }
}

/** How large requests and responses are (track_cluster_stats.request_response_sizes). */
export class MessageSizeStats {
  readonly requestHeadersSize: Histogram;
  readonly requestHeadersCount: Histogram;
  readonly requestBodySize: Histogram;
  readonly responseHeadersSize: Histogram;
  readonly responseHeadersCount: Histogram;
  readonly responseBodySize: Histogram;

  constructor(scope: StatsScope) {
    this.requestHeadersSize = scope.histogram('upstream_rq_headers_size', 'bytes');
    this.requestHeadersCount = scope.histogram('upstream_rq_headers_count', 'unspecified');
    this.requestBodySize = scope.histogram('upstream_rq_body_size', 'bytes');
    this.responseHeadersSize = scope.histogram('upstream_rs_headers_size', 'bytes');
    this.responseHeadersCount = scope.histogram('upstream_rs_headers_count', 'unspecified');
    this.responseBodySize = scope.histogram('upstream_rs_body_size', 'bytes');
  }
}

/** Percent of a timeout that so many milliseconds are; 0 without one. */
export function percentOfTimeout(elapsedMs: number, timeoutMs: number): number {
  return timeoutMs <= 0 ? 0 : Math.floor((Math.floor(elapsedMs) * 100) / timeoutMs);
}
