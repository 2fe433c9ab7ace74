import { remainder64 } from '../base/product64.ts';
import type { ClusterInfo } from './cluster_info.ts';
import type { Host } from './host.ts';
import type { LevelChooser } from './host_chooser.ts';
import { HostLevel } from './host_level.ts';
import type { BalancerSource, LoadBalancer, LoadBalancerContext } from './load_balancer.ts';
import { NO_LOCALITY } from './locality_config.ts';
import { computePriorityLoad, type PriorityCounts, type PriorityLoad } from './priority_load.ts';
import { PANIC_KEY, ZoneRouting } from './zone_aware/zone_routing.ts';
import type { ZoneStats } from './zone_aware/zone_stats.ts';

/** Chooses a priority by its load, then a host of it. Per worker; changed only between turns. */
export class ClusterBalancer implements LevelChooser {
  private readonly info: ClusterInfo;
  private readonly source: BalancerSource;
  private levels: HostLevel[];
  private load: PriorityLoad;
  /** Where all requests go while one priority can take them; null: see `load`. */
  private only: LoadBalancer | null;
  private zoneStats: ZoneStats | null;

  constructor(info: ClusterInfo, source: BalancerSource) {
    this.info = info;
    this.source = source;
    this.levels = [];
    this.load = { healthy: new Int32Array(0), degraded: new Int32Array(0), isPanic: [], healthyPercent: [], degradedPercent: [] };
    this.only = null;
    this.zoneStats = null;
    this.setHosts([[]]);
  }

  setHosts(byPriority: readonly (readonly Host[])[]): void {
    this.levels = byPriority.map((hosts, priority) => new HostLevel(this.source, hosts, priority === 0 && hosts.length > 0 ? this.zones() : null));
    this.recalculate();
  }

  refresh(): void {
    let isChanged = false;
    for (let i = 0; i < this.levels.length; i++) if (this.levels[i].refresh()) isChanged = true;
    if (isChanged) this.recalculate();
  }

  rebuild(): void {
    for (const level of this.levels) level.invalidate();
    this.recalculate();
  }

  choose(context: LoadBalancerContext): Host | null {
    if (context.retryPriority !== null) return this.chooseByLoad(context, context.retryPriority.loadForRetry(this.load));
    return this.only !== null ? this.only.chooseHost(context) : this.chooseByLoad(context, this.load);
  }

  /** Zones matter to the first priority only. */
  private zones(): ZoneRouting | null {
    const { factory, environment, random } = this.source;
    const { local } = environment;
    const { config, stats } = this.info;
    if (local === null || local.name === config.name || factory.usesHash === true) return null;
    const { zone, failsOnPanic } = factory.locality ?? NO_LOCALITY;
    this.zoneStats ??= stats.zones();
    return new ZoneRouting({ ...zone, failsOnPanic, panicThreshold: config.healthyPanicThreshold }, environment, local, random, this.zoneStats);
  }

  /** The priorities as they are. */
  levelCounts(): readonly PriorityCounts[] {
    const { weightedPriorityHealth, overprovisioningFactor } = this.info.config;
    return this.levels.map((level) => ({ ...level.counts(weightedPriorityHealth), overprovisioning: overprovisioningFactor }));
  }

  /** A host of this priority, whatever its load: for clusters that are made of others. */
  chooseAt(index: number, isDegraded: boolean, context: LoadBalancerContext): Host | null {
    const level = this.levels[index];
    if (this.load.isPanic[index]) {
      this.info.stats.lbHealthyPanic.inc();
      return this.source.factory.locality?.failsOnPanic === true ? null : level.allBalancer().chooseHost(context);
    }
    // Tables of hashes are made of healthy hosts only.
    if (isDegraded && this.source.factory.usesHash !== true) return level.degradedBalancer().chooseHost(context);
    return level.healthyBalancer().chooseHost(context);
  }

  private recalculate(): void {
    const { overprovisioningFactor, weightedPriorityHealth } = this.info.config;
    const healthyPanicThreshold = this.source.environment.runtime.getInteger(PANIC_KEY, this.info.config.healthyPanicThreshold);
    const counts = this.levels.map((level) => level.counts(weightedPriorityHealth));
    this.load = computePriorityLoad(counts, overprovisioningFactor, healthyPanicThreshold);
    const first = this.load.healthy.indexOf(100);
    this.only = first < 0 || this.load.isPanic[first] ? null : this.levels[first].healthyBalancer();
  }

  private chooseByLoad(context: LoadBalancerContext, { healthy, degraded }: PriorityLoad): Host | null {
    let isDegraded = false;
    let index = 0;
    let left = this.pick(context);
    while (index < healthy.length && left > healthy[index]) left -= healthy[index++];
    if (index === healthy.length) {
      isDegraded = true;
      index = 0;
      while (index < degraded.length - 1 && left > degraded[index]) left -= degraded[index++];
    }
    return this.chooseAt(index, isDegraded, context);
  }

  /** 1 to 100, of the request's hash where hosts are chosen by it. */
  private pick(context: LoadBalancerContext): number {
    const value = this.source.factory.usesHash === true && context.hasHash ? remainder64(context.hashHigh, context.hashLow, 100) : this.source.random() % 100;
    return value + 1;
  }
}
