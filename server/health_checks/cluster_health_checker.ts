/** The active health checks of one cluster: a session per host, intervals, stats and events. Thread: main. */
import type { Scheduler } from '../../core/event/scheduler.ts';
import { createStatGroup, type StatGroup } from '../../core/stats/stat_group.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import { type ClusterConfig, DEFAULT_SOCKET, type EndpointConfig, type EndpointSockets, type HostConfig } from '../../core/upstream/cluster_config.ts';
import { hostAddressText } from '../../core/upstream/host.ts';
import type { MetadataStructs, UpstreamHostInfo } from '../../core/stream_info/stream_info.ts';
import type { CheckTraffic, Prober, ProbeListener } from '../../core/upstream/health_prober.ts';
import type { HealthCheckEventLog } from './event_log.ts';
import { checkerType, type HealthCheckConfig } from './health_check_config.ts';
import { type FailureType, HealthCheckSession, type HostFlags, type SessionEvent, type SessionOwner, type Transition } from './health_check_session.ts';

const COUNTERS = ['attempt', 'success', 'failure', 'passive_failure', 'network_failure', 'verify_cluster'] as const;
const GAUGES = ['healthy', 'degraded'] as const;

export type HealthCheckStats = StatGroup<(typeof COUNTERS)[number], (typeof GAUGES)[number], never>;

/** `health_check.*` below `cluster.<name>.`; made for clusters with health checks only. */
export function createHealthCheckStats(scope: StatsScope): HealthCheckStats {
  return createStatGroup(scope.scope('health_check'), { counters: COUNTERS, gauges: GAUGES, histograms: {} });
}

/** A host with the endpoint it comes from. */
export interface CheckedHost {
  readonly host: HostConfig;
  readonly endpoint: EndpointConfig;
}

/** Where a host is asked. */
export interface CheckTarget {
  /** Numeric, or a path with port 0. */
  readonly address: string;
  readonly port: number;
  /** For checks, of the endpoint; '' = none. */
  readonly hostname: string;
  /** Where its traffic goes; some checks go there, too. */
  readonly trafficAddress: string;
  readonly trafficPort: number;
  /** Who is asked, for formats. */
  readonly host: UpstreamHostInfo;
  /** Names of its transport sockets. */
  readonly sockets: EndpointSockets;
}

export type CreateProber = (config: HealthCheckConfig, target: CheckTarget, stats: HealthCheckStats, listener: ProbeListener, traffic: CheckTraffic) => Prober;

/** What checks of all clusters need. */
export interface HealthCheckEnvironment {
  readonly scheduler: Scheduler;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** An integer of the runtime. */
  readonly runtimeInteger: (key: string, fallback: number) => number;
  readonly probersFor: (cluster: ClusterConfig, scope: StatsScope) => CreateProber;
  /** undefined: events go nowhere. */
  readonly events: HealthCheckEventLog | undefined;
}

/** What the checker needs of its cluster. */
export interface CheckedCluster {
  readonly name: string;
  /** `cluster.<name>`. */
  readonly scope: StatsScope;
  readonly stats: HealthCheckStats;
  flagsOf(hostId: number): HostFlags;
  trafficOf(checked: CheckedHost): CheckTraffic;
  /** Responses of all times in which the host said to leave it out. */
  passiveFailures(hostId: number): number;
  /** Whether workers ever connected to one of the hosts. */
  hasTraffic(): boolean;
  /** A check of the host succeeded. */
  onCheckPassed(hostId: number): void;
  /** A host is healthy, unhealthy or degraded now and was not before; or may be left out no longer. */
  onHealthChanged(hostId: number): void;
  /** Every host known at the time was checked once. Called once. */
  onFirstRound(): void;
}

interface Entry {
  readonly session: HealthCheckSession;
  readonly target: CheckTarget;
}

/** Where the host's endpoint wants it asked. */
export function checkTarget({ host, endpoint }: CheckedHost): CheckTarget {
  const own = endpoint.healthCheck;
  const { traffic, checks } = endpoint.sockets ?? { traffic: DEFAULT_SOCKET, checks: '' };
  const isPath = host.port === 0;
  const port = own !== undefined && own.port > 0 ? own.port : host.port;
  return {
    address: own !== undefined && own.address !== '' ? own.address : host.address,
    port: isPath && (own === undefined || own.address === '') ? 0 : port,
    // The endpoint's own hostname is not meant for checks.
    hostname: own?.hostname ?? '',
    trafficAddress: host.address,
    trafficPort: host.port,
    host: { address: hostAddressText(host.address, host.port), hostname: host.hostname, metadata: host.metadata as MetadataStructs },
    sockets: { traffic, checks: checks === '' ? traffic : checks },
  };
}

export class ClusterHealthChecker implements SessionOwner {
  readonly config: HealthCheckConfig;
  readonly scheduler: Scheduler;
  private readonly environment: HealthCheckEnvironment;
  private readonly cluster: CheckedCluster;
  private readonly createProber: CreateProber;
  private readonly entries = new Map<number, Entry>();
  private readonly hosts = new Map<number, CheckedHost>();
  private isAwaitingFirstRound = false;
  private hadTraffic = false;

  constructor(config: HealthCheckConfig, environment: HealthCheckEnvironment, clusterConfig: ClusterConfig, cluster: CheckedCluster) {
    this.config = config;
    this.scheduler = environment.scheduler;
    this.environment = environment;
    this.cluster = cluster;
    this.createProber = environment.probersFor(clusterConfig, cluster.scope);
  }

  /** Checks these hosts from now on, and no others. */
  setHosts(hosts: readonly CheckedHost[]): void {
    const wanted = new Set<number>();
    const fresh: HealthCheckSession[] = [];
    for (const checked of hosts) {
      if (checked.endpoint.healthCheck?.isDisabled === true) continue;
      const { id } = checked.host;
      wanted.add(id);
      this.hosts.set(id, checked);
      const target = checkTarget(checked);
      const known = this.entries.get(id);
      if (known !== undefined && isSameTarget(known.target, target)) continue;
      known?.session.close();
      const session = new HealthCheckSession(id, this, this.cluster.flagsOf(id), (listener) => {
        return this.createProber(this.config, target, this.cluster.stats, listener, this.cluster.trafficOf(checked));
      });
      this.entries.set(id, { session, target });
      fresh.push(session);
    }
    for (const [id, { session }] of this.entries) {
      if (wanted.has(id)) continue;
      this.entries.delete(id);
      this.hosts.delete(id);
      session.close();
    }
    for (const session of fresh) session.start();
  }

  /** From now on waits for the first check of every host there is; says so at once when all were. */
  awaitFirstRound(): void {
    this.isAwaitingFirstRound = true;
    this.finishFirstRound();
  }

  /** A host said in traffic that it is to be left out; those that nobody checks stay. */
  onPassiveFailure(hostId: number): void {
    this.entries.get(hostId)?.session.takePassiveFailures();
  }

  close(): void {
    this.isAwaitingFirstRound = false;
    for (const { session } of this.entries.values()) session.close();
    this.entries.clear();
    this.hosts.clear();
  }

  // ---- SessionOwner ----

  nextInterval(isHealthy: boolean, transition: Transition): number {
    return this.jittered(this.baseInterval(isHealthy, transition === 'pending'), this.config.intervalJitterMs);
  }

  initialDelay(): number {
    const { initialJitterMs } = this.config;
    return initialJitterMs === 0 ? 0 : this.jittered(0, initialJitterMs);
  }

  passiveFailures(session: HealthCheckSession): number {
    return this.cluster.passiveFailures(session.hostId);
  }

  onAttempt(): void {
    this.cluster.stats.attempt.inc();
  }

  onSuccess(session: HealthCheckSession): void {
    this.cluster.stats.success.inc();
    this.cluster.onCheckPassed(session.hostId);
  }

  onFailure(type: FailureType): void {
    const { stats } = this.cluster;
    stats.failure.inc();
    if (type === 'PASSIVE') stats.passive_failure.inc();
    else if (type !== 'ACTIVE') stats.network_failure.inc();
  }

  onGauges(healthy: number, degraded: number): void {
    this.cluster.stats.healthy.add(healthy);
    this.cluster.stats.degraded.add(degraded);
  }

  onEvent(session: HealthCheckSession, event: SessionEvent): void {
    const { events } = this.environment;
    const checked = this.hosts.get(session.hostId);
    if (events === undefined || checked === undefined || this.config.eventLogPaths.length === 0) return;
    events.log(this.config.eventLogPaths, checkerType(this.config.checker), this.cluster.name, checked.host, event);
  }

  onChecked(session: HealthCheckSession, transition: Transition): void {
    if (transition === 'changed') this.cluster.onHealthChanged(session.hostId);
    this.finishFirstRound();
  }

  private baseInterval(isHealthy: boolean, isPending: boolean): number {
    const { config } = this;
    this.hadTraffic ||= this.cluster.hasTraffic();
    if (!this.hadTraffic) return isHealthy && !isPending ? config.noTrafficHealthyIntervalMs : config.noTrafficIntervalMs;
    if (isHealthy) return isPending ? config.healthyEdgeIntervalMs : config.intervalMs;
    return isPending ? config.unhealthyEdgeIntervalMs : config.unhealthyIntervalMs;
  }

  /** Never 0: checks would follow one another without a pause. */
  private jittered(baseMs: number, jitterMs: number): number {
    const { random, runtimeInteger } = this.environment;
    const percentMs = Math.floor((this.config.intervalJitterPercent * baseMs) / 100);
    let ms = baseMs;
    if (percentMs > 0) ms += Math.floor(random() * percentMs);
    if (jitterMs > 0) ms += Math.floor(random() * jitterMs);
    ms = Math.min(ms, runtimeInteger('health_check.max_interval', Number.MAX_SAFE_INTEGER));
    return Math.max(1, ms, runtimeInteger('health_check.min_interval', 0));
  }

  private finishFirstRound(): void {
    if (!this.isAwaitingFirstRound) return;
    for (const { session } of this.entries.values()) if (!session.wasChecked) return;
    this.isAwaitingFirstRound = false;
    this.cluster.onFirstRound();
  }
}

function isSameTarget(a: CheckTarget, b: CheckTarget): boolean {
  return a.address === b.address && a.port === b.port && a.hostname === b.hostname && a.trafficAddress === b.trafficAddress && a.trafficPort === b.trafficPort
    && a.sockets.traffic === b.sockets.traffic && a.sockets.checks === b.sockets.checks;
}
