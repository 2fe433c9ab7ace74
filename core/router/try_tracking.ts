import { ENTRY_WORDS, type HeaderMap } from '../headers/header_map.ts';
import type { ClusterStats } from '../upstream/cluster_info.ts';
import { percentOfTimeout } from '../upstream/tracking_stats.ts';
import type { TryObserver } from './try_observer.ts';

/** Sizes and times of one try, for clusters with track_cluster_stats. Made per try of such clusters. */
export class TryTracking implements TryObserver {
  private readonly stats: ClusterStats;
  private readonly perTryMs: number;
  private readonly startMs: number;
  private readonly requestHeadersSize: number;
  private readonly requestHeadersCount: number;
  private sent: number;
  private received: number;
  /** -1 = none came. */
  private responseHeadersSize: number;
  private responseHeadersCount: number;
  private countsTime: boolean;

  /** `headers` as they are sent; `perTryMs` 0 = no limit. */
  constructor(stats: ClusterStats, headers: HeaderMap, perTryMs: number, nowMs: number) {
    this.stats = stats;
    this.perTryMs = perTryMs;
    this.startMs = nowMs;
    this.requestHeadersSize = headers.byteSize();
    this.requestHeadersCount = fieldCount(headers);
    this.sent = 0;
    this.received = 0;
    this.responseHeadersSize = -1;
    this.responseHeadersCount = -1;
    this.countsTime = true;
  }

  onReady(): void {}

  onSent(bytes: number): void {
    this.sent += bytes;
  }

  /** 1xx responses count, too. */
  onResponseHeaders(headers: HeaderMap): void {
    this.responseHeadersSize = Math.max(0, this.responseHeadersSize) + headers.byteSize();
    this.responseHeadersCount = Math.max(0, this.responseHeadersCount) + fieldCount(headers);
  }

  onReceived(bytes: number): void {
    this.received += bytes;
  }

  onResponseTrailers(): void {}

  onSlow(): void {}

  onFailure(): void {}

  skipTime(): void {
    this.countsTime = false;
  }

  end(nowMs: number): void {
    const { budgets, sizes } = this.stats;
    if (budgets !== null && this.countsTime) budgets.perTry.record(percentOfTimeout(nowMs - this.startMs, this.perTryMs));
    if (sizes === null) return;
    sizes.requestHeadersSize.record(this.requestHeadersSize);
    sizes.requestHeadersCount.record(this.requestHeadersCount);
    sizes.requestBodySize.record(this.sent);
    if (this.responseHeadersSize < 0) return;
    sizes.responseHeadersSize.record(this.responseHeadersSize);
    sizes.responseHeadersCount.record(this.responseHeadersCount);
    sizes.responseBodySize.record(this.received);
  }
}

/** Number of headers, pseudo-headers included. */
function fieldCount(headers: HeaderMap): number {
  let count = (headers.methodLength > 0 ? 1 : 0) + (headers.pathLength > 0 ? 1 : 0) + (headers.hasScheme ? 1 : 0) + (headers.status > 0 ? 1 : 0);
  for (let k = 0, end = headers.count * ENTRY_WORDS; k < end; k += ENTRY_WORDS) if (headers.entries[k] >= 0) count++;
  return count;
}
