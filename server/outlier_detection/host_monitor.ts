/** What main knows of one host for outlier detection. Thread: main. */
import type { HostConfig } from '../../core/upstream/cluster_config.ts';

/** Requests of one interval, and what they came to. */
export class SuccessRate {
  /** Totals of all workers when the interval began. */
  private total: number;
  private success: number;
  /** Requests of the interval that ended last. */
  volume = 0;
  /** Percent of them that succeeded; -1 without any. */
  rate = -1;
  /** `rate` as it is shown: -1 when there were too few requests. */
  shown = -1;

  /** Totals at the host's birth. */
  constructor(total: number, success: number) {
    this.total = total;
    this.success = success;
  }

  /** Ends an interval. */
  close(total: number, success: number): void {
    this.volume = total - this.total;
    // Totals of several threads are read one after another: a success may be seen before its request.
    this.rate = this.volume === 0 ? -1 : Math.min(100, ((success - this.success) * 100) / this.volume);
    this.shown = -1;
    this.total = total;
    this.success = success;
  }
}

export class HostMonitor {
  host: HostConfig;
  readonly external: SuccessRate;
  readonly local: SuccessRate;
  ejections = 0;
  /** Ejection time is the base times this; decays while the host behaves. */
  backOff = 0;
  jitterMs = 0;
  /** Monotonic; undefined = never. */
  ejectedAtMs: number | undefined = undefined;
  unejectedAtMs: number | undefined = undefined;

  constructor(host: HostConfig, external: SuccessRate, local: SuccessRate) {
    this.host = host;
    this.external = external;
    this.local = local;
  }
}
