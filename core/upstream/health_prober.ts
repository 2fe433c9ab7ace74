/**
 * What asks a host whether it is well: the contract between active health checks (server/health_checks) and the extensions of
 * `custom_health_check` (envoy.health_checkers). Thread: main.
 */
import type { Scheduler } from '../event/scheduler.ts';
import type { StatsScope } from '../stats/stats.ts';

/** Category of what `custom_health_check` may name. */
export const HEALTH_CHECKER_CATEGORY = 'envoy.health_checkers';

/** What a prober tells. A connection that is kept may fail between two checks. */
export interface ProbeListener {
  onSuccess(isDegraded: boolean): void;
  onFailure(type: 'ACTIVE' | 'NETWORK', isRetriable: boolean): void;
  /** x-envoy-immediate-health-check-fail came with a failed check. Before `onFailure`. */
  onExclude(): void;
}

/** Asks one host. */
export interface Prober {
  /** One check; one answer unless aborted. */
  probe(): void;
  /** The check took too long: nothing is told any more until the next `probe`. */
  abort(): void;
  /** For good. */
  close(): void;
}

/** What happens on a connection. Nothing after `onClosed` or the prober's own `close`. */
export interface ProbeConnectionEvents {
  onConnected(): void;
  onData(chunk: Uint8Array): void;
  /** The host closed it, or it could not be made. */
  onClosed(): void;
}

export interface ProbeConnection {
  /** What is written before the connection is made goes out then. */
  write(bytes: Uint8Array): void;
  close(): void;
}

/** Where checks of a host are counted that count as traffic of the host and its cluster, and connections of those that do not. */
export interface CheckTraffic {
  /** `cluster.<name>`. */
  readonly scope: StatsScope;
  /** Adds to one of the host's counts (HostStat). */
  count(field: number, by: number): void;
  /** A connection of checks is made. */
  onCheckConnection(): void;
}

/** Who asks. At least one of the two is not ''. */
export interface ProbeCredentials {
  readonly username: string;
  readonly password: string;
}

/** What the prober of one host works with. */
export interface ProbeContext {
  readonly scheduler: Scheduler;
  readonly reuseConnection: boolean;
  /** The cluster's, milliseconds. */
  readonly connectTimeoutMs: number;
  readonly traffic: CheckTraffic;
  /** null = none. */
  readonly credentials: ProbeCredentials | null;
  /** Where to: the address of traffic, or the one that the endpoint has for checks. */
  connect(to: 'traffic' | 'checks', events: ProbeConnectionEvents): ProbeConnection;
}

/** What a factory of this category makes of its message; more is its own business. */
export interface CustomCheck {
  /** envoy.data.core.v3.HealthCheckerType, for events. */
  readonly checkerType: 'REDIS' | 'THRIFT';
}

/** What the factory of this category creates, once per cluster. */
export interface CustomHealthChecker {
  createProber(context: ProbeContext, listener: ProbeListener): Prober;
}
