import { remainder64 } from '../base/product64.ts';
import type { ClusterInfo } from './cluster_info.ts';
import type { Host } from './host.ts';
import { HostLevel } from './host_level.ts';
import type { BalancerSource, LoadBalancer, LoadBalancerContext } from './load_balancer.ts';
import { computePriorityLoad, type PriorityCounts, type PriorityLoad } from './priority_load.ts';

/** Chooses a priority by its load, then a host of it. Per worker; changed only between turns. */
export class ClusterBalancer {
  private readonly info: ClusterInfo;
  private readonly source: BalancerSource;
  private levels: HostLevel[];
  private load: PriorityLoad;
  /** Where all requests go while one priority can take them; null: see `load`. */
  private only: LoadBalancer | null;

  constructor(info: ClusterInfo, source: BalancerSource) {
    this.info = info;
    this.source = source;
    this.levels = [];
    this.load = { healthy: new Int32Array(0), degraded: new Int32Array(0), isPanic: [] };
    this.only = null;
    this.setHosts([[]]);
  }

  /** New hosts by priority; at least one priority. */
  setHosts(byPriority: readonly (readonly Host[])[]): void {
    this.levels = byPriority.map((hosts) => new HostLevel(this.source, hosts));
    this.recalculate();
  }

  /** Looks at every host's health again. */
  refresh(): void {
    let isChanged = false;
    for (let i = 0; i < this.levels.length; i++) if (this.levels[i].refresh()) isChanged = true;
    if (isChanged) this.recalculate();
  }

  choose(context: LoadBalancerContext): Host | null {
    return this.only !== null ? this.only.chooseHost(context) : this.chooseByLoad(context);
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
    const { healthyPanicThreshold, overprovisioningFactor, weightedPriorityHealth } = this.info.config;
    const counts = this.levels.map((level) => level.counts(weightedPriorityHealth));
    this.load = computePriorityLoad(counts, overprovisioningFactor, healthyPanicThreshold);
    const first = this.load.healthy.indexOf(100);
    this.only = first < 0 || this.load.isPanic[first] ? null : this.levels[first].healthyBalancer();
  }

  private chooseByLoad(context: LoadBalancerContext): Host | null {
    const { healthy, degraded } = this.load;
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
