/**
 * What active health checks do to one cluster's hosts: with which flags they begin, when they may go, and who is told when their
 * health changes. Thread: main.
 */
import { HEALTH_GENERATION, HostHealthFlag, HostStat, OutlierWord } from '../../core/shared_memory/layout.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import type { ClusterConfig, EndpointConfig } from '../../core/upstream/cluster_config.ts';
import type { CheckTraffic } from '../../core/upstream/health_prober.ts';
import { type CheckedCluster, type CheckedHost, ClusterHealthChecker, createHealthCheckStats, type HealthCheckEnvironment, type HealthCheckStats } from '../health_checks/cluster_health_checker.ts';
import type { HealthCheckConfig, HealthOptions } from '../health_checks/health_check_config.ts';
import type { HostFlags } from '../health_checks/health_check_session.ts';
import type { HostHealthPolicy, HostSlabs } from './host_table.ts';

export interface ClusterHealthEvents {
  /** Hosts with their endpoints, as they are now. */
  entries(): readonly CheckedHost[];
  /** A check succeeded, and the host is healthy by its checks. */
  onHealthCheckPassed(hostId: number): void;
  onHealthChanged(hostId: number): void;
  onFirstRound(): void;
}

export class ClusterHealth implements HostHealthPolicy, CheckedCluster {
  readonly name: string;
  readonly scope: StatsScope;
  readonly stats: HealthCheckStats;
  private readonly options: HealthOptions;
  private readonly slabs: HostSlabs;
  private readonly kind: string;
  private readonly events: ClusterHealthEvents;
  private readonly checker: ClusterHealthChecker;

  /** `scope`: `cluster.<name>`; `kind`: how hosts are discovered. */
  constructor(
    config: ClusterConfig, options: HealthOptions & { readonly check: HealthCheckConfig }, kind: string, slabs: HostSlabs, scope: StatsScope,
    environment: HealthCheckEnvironment, events: ClusterHealthEvents,
  ) {
    this.name = config.name;
    this.scope = scope;
    this.stats = createHealthCheckStats(scope);
    this.options = options;
    this.slabs = slabs;
    this.kind = kind;
    this.events = events;
    this.checker = new ClusterHealthChecker(options.check, environment, config, this);
  }

  /** Hosts are unhealthy until they are checked; a logical host is not, as it stands for a name. */
  initialFlags(endpoint: EndpointConfig): number {
    if (this.kind === 'logical_dns' || endpoint.healthCheck?.isDisabled === true) return 0;
    // Static hosts are all new: to leave them out would leave none.
    const isLeftOut = this.kind === 'strict_dns' && this.options.ignoresNewHosts;
    return HostHealthFlag.failedActiveHc | (isLeftOut ? HostHealthFlag.pendingActiveHc : 0);
  }

  /** While its checks pass a host stays, whatever discovery says. */
  outlivesDiscovery(hostId: number, endpoint: EndpointConfig): boolean {
    if (this.options.ignoresHealthOnRemoval || endpoint.healthCheck?.isDisabled === true) return false;
    return (this.slabs.health[hostId] & HostHealthFlag.failedActiveHc) === 0;
  }

  /** After the hosts changed. */
  onHosts(): void {
    this.checker.setHosts(this.events.entries());
  }

  awaitFirstRound(): void {
    this.checker.awaitFirstRound();
  }

  /** A host said in a response that it is to be left out. */
  onPassiveFailure(hostId: number): void {
    this.checker.onPassiveFailure(hostId);
  }

  close(): void {
    this.checker.close();
  }

  // ---- CheckedCluster ----

  flagsOf(hostId: number): HostFlags {
    const { health } = this.slabs;
    return {
      get: () => health[hostId],
      set: (flags) => {
        if (health[hostId] === flags) return;
        if ((health[hostId] & ~flags & HostHealthFlag.failedActiveHc) !== 0) this.slabs.onHealthy(hostId);
        health[hostId] = flags;
        // Workers look at health with their next request.
        health[HEALTH_GENERATION]++;
      },
    };
  }

  trafficOf({ host, endpoint }: CheckedHost): CheckTraffic {
    const socket = endpoint.sockets?.checks ?? '';
    const matches = socket === '' ? undefined : this.scope.counter(`${socket}.total_match_count`);
    return { scope: this.scope, count: (field, by) => this.slabs.countCheck(host.id, field, by), onCheckConnection: () => matches?.inc() };
  }

  passiveFailures(hostId: number): number {
    return this.slabs.outlierSum(hostId, OutlierWord.passiveFailures);
  }

  hasTraffic(): boolean {
    return this.events.entries().some(({ host }) => this.slabs.sum(host.id, HostStat.cxTotal) > 0);
  }

  onCheckPassed(hostId: number): void {
    if ((this.slabs.health[hostId] & HostHealthFlag.failedActiveHc) === 0) this.events.onHealthCheckPassed(hostId);
  }

  onHealthChanged(hostId: number): void {
    this.events.onHealthChanged(hostId);
  }

  onFirstRound(): void {
    this.events.onFirstRound();
  }
}
