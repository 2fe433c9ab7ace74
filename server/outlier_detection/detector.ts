/**
 * Outlier detection of one cluster: takes hosts out that behave unlike the others, and lets them back in. Workers count
 * (core/upstream/outlier_monitor.ts); everything is decided here. Thread: main.
 *
 *     failures in a row (reported by a worker) --+
 *     success rates (at each interval) ----------+--> eject --(base time x back-off, at an interval)--> uneject
 *
 * Source: Envoy docs intro/arch_overview/upstream/outlier.
 */
import type { ScheduledTimer, Scheduler } from '../../core/event/scheduler.ts';
import type { RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';
import { HostHealthFlag, OUTLIER_KINDS, OutlierKind, OutlierWord } from '../../core/shared_memory/layout.ts';
import { createStatGroup } from '../../core/stats/stat_group.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import type { HostConfig } from '../../core/upstream/cluster_config.ts';
import type { OutlierReport } from '../../core/upstream/outlier_monitor.ts';
import type { HostSlabs } from '../clusters/host_table.ts';
import type { OutlierConfig } from '../config/outlier_parser.ts';
import type { OutlierStatus } from '../instance.ts';
import { EJECTIONS, type EjectionType, isEnforced, OUTLIER_NAMES } from './ejection.ts';
import type { OutlierEventLog } from './event_log.ts';
import { HostMonitor, SuccessRate } from './host_monitor.ts';
import { successRateThreshold } from './success_rate.ts';

/** What all detectors work with. */
export interface OutlierContext {
  readonly scheduler: Scheduler;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly slabs: HostSlabs;
  /** Today's values. */
  readonly runtime: () => RuntimeSnapshot;
  readonly eventLog: OutlierEventLog | null;
}

const TYPE_OF_KIND: Readonly<Record<number, EjectionType>> = {
  [OutlierKind.consecutive5xx]: 'CONSECUTIVE_5XX',
  [OutlierKind.consecutiveGatewayFailure]: 'CONSECUTIVE_GATEWAY_FAILURE',
  [OutlierKind.consecutiveLocalOriginFailure]: 'CONSECUTIVE_LOCAL_ORIGIN_FAILURE',
};

/** Average and threshold of success rates; -1 where there is none. */
interface Rates {
  readonly average: number;
  readonly threshold: number;
}

const NO_RATES: Rates = { average: -1, threshold: -1 };

export class OutlierDetector {
  private readonly cluster: string;
  private readonly clusterId: number;
  private readonly config: OutlierConfig;
  private readonly context: OutlierContext;
  private readonly onHealthChanged: () => void;
  private readonly stats: ReturnType<typeof createStats>;
  private readonly monitors = new Map<number, HostMonitor>();
  private externalRates = NO_RATES;
  private localRates = NO_RATES;
  private active = 0;
  private timer: ScheduledTimer | undefined;

  /** `scope`: the cluster's. `onHealthChanged`: some host was ejected or is back. */
  constructor(cluster: string, clusterId: number, config: OutlierConfig, scope: StatsScope, context: OutlierContext, onHealthChanged: () => void) {
    this.cluster = cluster;
    this.clusterId = clusterId;
    this.config = config;
    this.context = context;
    this.onHealthChanged = onHealthChanged;
    this.stats = createStats(scope);
    this.stats.ejections_active.set(0);
    this.applyRuntime();
    this.arm();
  }

  /** Hands the limits on failures in a row to the workers. */
  applyRuntime(): void {
    const { config } = this;
    this.setThreshold(OutlierKind.consecutive5xx, 'consecutive_5xx', config.consecutive5xx);
    this.setThreshold(OutlierKind.consecutiveGatewayFailure, 'consecutive_gateway_failure', config.consecutiveGatewayFailure);
    this.setThreshold(OutlierKind.consecutiveLocalOriginFailure, 'consecutive_local_origin_failure', config.consecutiveLocalOriginFailure);
  }

  /** The cluster's hosts now. */
  setHosts(hosts: readonly HostConfig[]): void {
    const present = new Set(hosts.map((host) => host.id));
    for (const [id] of this.monitors) {
      if (present.has(id)) continue;
      if (this.isEjected(id)) this.setActive(this.active - 1);
      this.monitors.delete(id);
    }
    for (const host of hosts) {
      const known = this.monitors.get(host.id);
      if (known !== undefined) known.host = host;
      else this.monitors.set(host.id, this.monitorOf(host));
    }
  }

  /** A worker saw too many failures in a row. */
  onReport({ hostId, kind, resets }: OutlierReport): void {
    const monitor = this.monitors.get(hostId);
    if (monitor === undefined || this.isEjected(hostId) || resets !== this.context.slabs.outlierResets(hostId, kind)) return;
    const type = TYPE_OF_KIND[kind];
    this.stats[`ejections_detected_${EJECTIONS[type].stat}`].inc();
    this.eject(monitor, type);
    if (kind === OutlierKind.consecutive5xx) this.stats.ejections_consecutive_5xx.inc();
    this.context.slabs.endOutlierRow(hostId, kind);
  }

  /** An active health check of the host succeeded, and all of them agree that it is healthy. */
  onHealthCheckPassed(hostId: number): void {
    const monitor = this.monitors.get(hostId);
    if (monitor !== undefined && this.config.unejectsOnHealthCheck && this.isEjected(hostId)) this.uneject(monitor);
  }

  status(): OutlierStatus {
    return {
      successRateAverage: this.externalRates.average, successRateEjectionThreshold: this.externalRates.threshold,
      localOriginSuccessRateAverage: this.localRates.average, localOriginSuccessRateEjectionThreshold: this.localRates.threshold,
    };
  }

  /** Percent; -1 where there is no figure. */
  hostRates(hostId: number): { readonly external: number; readonly local: number } {
    const monitor = this.monitors.get(hostId);
    return { external: monitor?.external.shown ?? -1, local: monitor?.local.shown ?? -1 };
  }

  close(): void {
    this.timer?.cancel();
    this.setHosts([]);
  }

  // === the interval ===

  private arm(): void {
    this.timer = this.context.scheduler.schedule(this.integer('interval_ms', this.config.intervalMs), () => this.onInterval());
  }

  private onInterval(): void {
    const nowMs = this.context.scheduler.nowMs();
    const { slabs } = this.context;
    for (const monitor of this.monitors.values()) {
      const { id } = monitor.host;
      if (this.isEjected(id) && this.isTimeOver(monitor, nowMs)) this.uneject(monitor);
      monitor.external.close(slabs.outlierSum(id, OutlierWord.total), slabs.outlierSum(id, OutlierWord.success));
      monitor.local.close(slabs.outlierSum(id, OutlierWord.localTotal), slabs.outlierSum(id, OutlierWord.localSuccess));
    }
    this.externalRates = NO_RATES;
    this.localRates = NO_RATES;
    this.judge((monitor) => monitor.external, 'SUCCESS_RATE', 'FAILURE_PERCENTAGE', (rates) => {
      this.externalRates = rates;
    });
    this.judge((monitor) => monitor.local, 'SUCCESS_RATE_LOCAL_ORIGIN', 'FAILURE_PERCENTAGE_LOCAL_ORIGIN', (rates) => {
      this.localRates = rates;
    });
    this.decay(nowMs);
    this.arm();
  }

  private isTimeOver(monitor: HostMonitor, nowMs: number): boolean {
    const base = this.integer('base_ejection_time_ms', this.config.baseEjectionMs);
    const max = this.integer('max_ejection_time_ms', this.config.maxEjectionMs);
    return Math.min(base * monitor.backOff, max) + monitor.jitterMs <= nowMs - (monitor.ejectedAtMs ?? 0);
  }

  /** Compares the success rates of the interval that ended. */
  private judge(rateOf: (monitor: HostMonitor) => SuccessRate, rateType: EjectionType, percentageType: EjectionType, setRates: (rates: Rates) => void): void {
    const { config, monitors } = this;
    const rateHosts = this.integer('success_rate_minimum_hosts', config.successRateMinimumHosts);
    const rateVolume = this.integer('success_rate_request_volume', config.successRateRequestVolume);
    const percentageHosts = this.integer('failure_percentage_minimum_hosts', config.failurePercentageMinimumHosts);
    const percentageVolume = this.integer('failure_percentage_request_volume', config.failurePercentageRequestVolume);
    if (monitors.size < rateHosts && monitors.size < percentageHosts) return;
    const known = [...monitors.values()].filter((monitor) => !this.isEjected(monitor.host.id) && rateOf(monitor).volume > 0);
    for (const monitor of known) {
      const rate = rateOf(monitor);
      if (rate.volume >= Math.min(rateVolume, percentageVolume)) rate.shown = rate.rate;
    }
    const comparable = known.filter((monitor) => rateOf(monitor).volume >= rateVolume);
    // Fixed before any of them is ejected.
    const measurable = known.filter((monitor) => rateOf(monitor).volume >= percentageVolume);
    if (comparable.length > 0 && comparable.length >= rateHosts) {
      const factor = this.integer('success_rate_stdev_factor', config.successRateStdevFactor) / 1000;
      const rates = successRateThreshold(comparable.map((monitor) => rateOf(monitor).rate), factor);
      setRates(rates);
      for (const monitor of comparable) {
        if (rateOf(monitor).rate >= rates.threshold) continue;
        this.stats.ejections_success_rate.inc();
        this.stats[`ejections_detected_${EJECTIONS[rateType].stat}`].inc();
        this.eject(monitor, rateType);
      }
    }
    if (measurable.length === 0 || measurable.length < percentageHosts) return;
    const threshold = this.integer('failure_percentage_threshold', config.failurePercentageThreshold);
    for (const monitor of measurable) {
      if (100 - rateOf(monitor).rate < threshold) continue;
      this.stats[`ejections_detected_${EJECTIONS[percentageType].stat}`].inc();
      this.eject(monitor, percentageType);
    }
  }

  /** Hosts that have been back for an interval are forgiven one ejection each. */
  private decay(nowMs: number): void {
    const interval = this.integer('interval_ms', this.config.intervalMs);
    for (const monitor of this.monitors.values()) {
      if (monitor.backOff === 0 || monitor.unejectedAtMs === undefined || this.isEjected(monitor.host.id)) continue;
      if (nowMs - monitor.unejectedAtMs >= interval) monitor.backOff--;
    }
  }

  // === out and in ===

  private eject(monitor: HostMonitor, type: EjectionType): void {
    const { config, context, stats } = this;
    const { id } = monitor.host;
    // Another detector of the same interval was faster.
    if (this.isEjected(id)) return;
    const maxPercent = Math.min(100, this.integer('max_ejection_percent', config.maxEjectionPercent));
    const percent = (100 * (this.active + 1)) / this.monitors.size;
    if (percent > maxPercent && !(config.alwaysEjectsOneHost && this.active === 0)) {
      stats.ejections_overflow.inc();
      return;
    }
    if (type === 'CONSECUTIVE_5XX' || type === 'SUCCESS_RATE') stats.ejections_total.inc();
    const isCarriedOut = isEnforced(type, config, context.runtime(), this.randomBelow(0x8000_0000));
    if (isCarriedOut) {
      stats.ejections_enforced_total.inc();
      stats[`ejections_enforced_${EJECTIONS[type].stat}`].inc();
      this.setActive(this.active + 1);
      monitor.ejections++;
      monitor.ejectedAtMs = context.scheduler.nowMs();
      const base = this.integer('base_ejection_time_ms', config.baseEjectionMs);
      const max = this.integer('max_ejection_time_ms', config.maxEjectionMs);
      monitor.jitterMs = this.randomBelow(this.integer('max_ejection_time_jitter_ms', config.maxEjectionJitterMs) + 1);
      if (monitor.backOff * base < max + base) monitor.backOff++;
      context.slabs.setHealthFlag(id, HostHealthFlag.failedOutlierCheck, true);
      this.onHealthChanged();
    }
    const isLocal = type === 'SUCCESS_RATE_LOCAL_ORIGIN' || type === 'FAILURE_PERCENTAGE_LOCAL_ORIGIN';
    const detail = { hostRate: (isLocal ? monitor.local : monitor.external).shown, ...(isLocal ? this.localRates : this.externalRates) };
    context.eventLog?.logEject(this.cluster, monitor, type, isCarriedOut, detail, this.times());
  }

  private uneject(monitor: HostMonitor): void {
    const { slabs, scheduler, eventLog } = this.context;
    const { id } = monitor.host;
    this.setActive(this.active - 1);
    slabs.setHealthFlag(id, HostHealthFlag.failedOutlierCheck, false);
    // Whatever row was nearly long enough must not eject it again after a failure or two.
    for (let kind = 0; kind < OUTLIER_KINDS; kind++) slabs.endOutlierRow(id, kind);
    monitor.unejectedAtMs = scheduler.nowMs();
    this.onHealthChanged();
    eventLog?.logUneject(this.cluster, monitor, this.times());
  }

  private isEjected(hostId: number): boolean {
    return (this.context.slabs.health[hostId] & HostHealthFlag.failedOutlierCheck) !== 0;
  }

  // === private ===

  private monitorOf(host: HostConfig): HostMonitor {
    const { slabs } = this.context;
    for (let kind = 0; kind < OUTLIER_KINDS; kind++) slabs.endOutlierRow(host.id, kind);
    const rate = (total: number, success: number) => new SuccessRate(slabs.outlierSum(host.id, total), slabs.outlierSum(host.id, success));
    return new HostMonitor(host, rate(OutlierWord.total, OutlierWord.success), rate(OutlierWord.localTotal, OutlierWord.localSuccess));
  }

  private setActive(count: number): void {
    this.active = count;
    this.stats.ejections_active.set(count);
  }

  private setThreshold(kind: number, key: string, value: number): void {
    this.context.slabs.setOutlierThreshold(this.clusterId, kind, this.integer(key, value));
  }

  private integer(key: string, value: number): number {
    return this.context.runtime().getInteger(`outlier_detection.${key}`, value);
  }

  private randomBelow(end: number): number {
    return Math.floor(this.context.random() * end);
  }

  private times(): { readonly nowMs: number; readonly wallMs: number } {
    const { scheduler } = this.context;
    return { nowMs: scheduler.nowMs(), wallMs: scheduler.wallMs() };
  }
}

function createStats(scope: StatsScope) {
  return createStatGroup(scope.scope('outlier_detection'), OUTLIER_NAMES);
}
