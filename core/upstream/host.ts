import type { MetadataStructs, UpstreamHostInfo } from '../stream_info/stream_info.ts';
import { HOST_STAT_WORDS, HostStat } from '../shared_memory/layout.ts';
import type { ActiveJournal } from './active_journal.ts';
import type { ResponseCodeStats } from './response_code_stats.ts';
import type { HostConfig } from './cluster_config.ts';
import type { OutlierMonitor } from './outlier_monitor.ts';
import { isDegradedHost, isExcludedHost, isHealthyHost } from './host_health.ts';

const NEVER = new Float64Array(0);

/** One upstream address on one worker: choice and numbers; its pools are in cluster_manager. */
export class Host implements UpstreamHostInfo {
  /** Its configuration; another one only when main confirms a host that this worker made. */
  config: HostConfig;
  /** `ip:port`, `[v6]:port` or a path. */
  address: string;
  readonly hostname: string;
  /** Of its configuration, or what its load makes it. */
  weight: number;
  readonly isCanary: boolean;
  private health: Int32Array;
  private healthIndex: number;
  private stats: Float64Array;
  private statsBase: number;
  /** `stats` of every worker. */
  private allStats: readonly Float64Array[];
  private readonly since: Float64Array;
  /** What the cluster manager keeps here (the host's pools); opaque to this layer. */
  attachment: object | null;
  /** Whether it was fit for requests when last looked at. */
  private wasUsable: boolean;
  /** What traffic tells of it, for outlier detection and health checks; null without both. */
  outlier: OutlierMonitor | null;
  /** Response codes from the zone of this process to its; null where one has none. */
  zoneCodes: ResponseCodeStats | null;
  /** Told whenever this worker's requests on it are another number; null: nobody keeps hosts in that order. */
  journal: ActiveJournal | null;

  /** `stats`: the host words of this worker, `allStats` those of all, the same object among them; `since`: when hosts became healthy. */
  constructor(config: HostConfig, health: Int32Array, stats: Float64Array, allStats: readonly Float64Array[] = [stats], since: Float64Array = NEVER) {
    this.config = config;
    this.address = hostAddressText(config.address, config.port);
    this.hostname = config.hostname;
    this.weight = config.weight;
    this.isCanary = config.canary;
    this.health = health;
    this.healthIndex = config.id;
    this.stats = stats;
    this.statsBase = config.id * HOST_STAT_WORDS;
    this.allStats = allStats;
    this.since = since;
    this.attachment = null;
    this.wasUsable = true;
    this.outlier = null;
    this.zoneCodes = null;
    this.journal = null;
  }

  /** Of its locality, under the names of config.core.v3.Locality; made when somebody asks. */
  get locality(): { readonly region: string; readonly zone: string; readonly sub_zone: string } {
    const { region, zone, subZone } = this.config;
    return { region, zone, sub_zone: subZone };
  }

  /** The name it stands for has other addresses now. */
  moveTo(config: HostConfig): void {
    this.config = config;
    this.address = hostAddressText(config.address, config.port);
  }

  /** Main has given a host that this worker made its id: what was counted so far moves to the words that all share. */
  adopt(config: HostConfig, health: Int32Array, stats: Float64Array, allStats: readonly Float64Array[]): void {
    const base = config.id * HOST_STAT_WORDS;
    for (let field = 0; field < HOST_STAT_WORDS; field++) stats[base + field] += this.stats[this.statsBase + field];
    this.config = config;
    this.health = health;
    this.healthIndex = config.id;
    this.stats = stats;
    this.allStats = allStats;
    this.statsBase = base;
  }

  get metadata(): MetadataStructs {
    return this.config.metadata as MetadataStructs;
  }

  isHealthy(): boolean {
    return isHealthyHost(this.health[this.healthIndex]);
  }

  /** Since when it is healthy (or there), by the wall clock in milliseconds; 0: for ever. */
  get healthySinceMs(): number {
    return this.since[this.healthIndex] ?? 0;
  }

  /** Whether its health has failed since this was last asked. */
  hasFailedSince(): boolean {
    const flags = this.health[this.healthIndex];
    const isUsable = isHealthyHost(flags) || isDegradedHost(flags);
    const hasFailed = this.wasUsable && !isUsable;
    this.wasUsable = isUsable;
    return hasFailed;
  }

  isDegraded(): boolean {
    return isDegradedHost(this.health[this.healthIndex]);
  }

  isExcluded(): boolean {
    return isExcludedHost(this.health[this.healthIndex]);
  }

  onConnectionAttempt(): void {
    this.stats[this.statsBase + HostStat.cxTotal]++;
    this.stats[this.statsBase + HostStat.cxActive]++;
  }

  onConnectionClosed(): void {
    this.stats[this.statsBase + HostStat.cxActive]--;
  }

  onConnectFailed(): void {
    this.stats[this.statsBase + HostStat.cxConnectFail]++;
  }

  onRequestStarted(): void {
    this.stats[this.statsBase + HostStat.rqTotal]++;
    this.stats[this.statsBase + HostStat.rqActive]++;
    if (this.journal !== null) this.journal.add(this.statsBase + HostStat.rqActive);
  }

  onRequestEnded(): void {
    this.stats[this.statsBase + HostStat.rqActive]--;
    if (this.journal !== null) this.journal.add(this.statsBase + HostStat.rqActive);
  }

  /** A response below 500. */
  onRequestSuccess(): void {
    this.stats[this.statsBase + HostStat.rqSuccess]++;
  }

  onRequestError(): void {
    this.stats[this.statsBase + HostStat.rqError]++;
  }

  onRequestTimeout(): void {
    this.stats[this.statsBase + HostStat.rqTimeout]++;
  }

  /** Where its requests are counted in each of `statsOfAll`. */
  get activeRequestsIndex(): number {
    return this.statsBase + HostStat.rqActive;
  }

  /** The host words of this worker. */
  get ownStats(): Float64Array {
    return this.stats;
  }

  /** The host words of every worker. */
  get statsOfAll(): readonly Float64Array[] {
    return this.allStats;
  }

  /** Requests on this host by all workers: one load per worker. */
  activeRequests(): number {
    return this.sum(HostStat.rqActive);
  }

  /** Connections to this host by all workers. */
  activeConnections(): number {
    return this.sum(HostStat.cxActive);
  }

  private sum(field: number): number {
    const { allStats } = this;
    const at = this.statsBase + field;
    let sum = 0;
    for (let i = 0; i < allStats.length; i++) sum += allStats[i][at];
    return sum;
  }
}

/** As Envoy prints addresses. */
export function hostAddressText(address: string, port: number): string {
  if (address.startsWith('/') || address.startsWith('@')) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
