/**
 * One host under active checks: when it is checked and what the answers make of it. Knows no protocol: a prober asks the host,
 * the checker keeps flags, stats and events. Thread: main.
 *
 *     first check --> [asking] --success/failure--> wait (interval by state) --> [asking] ...
 *                        +------ timeout = network failure ------^
 *
 * A failed host becomes healthy with its first check ever or after `healthy_threshold` successes; a healthy one fails at once
 * when its answer says so, and after `unhealthy_threshold` failures of the network or retriable statuses.
 */
import { createTimer, type Scheduler } from '../../core/event/scheduler.ts';
import type { Timer } from '../../core/event/timer.ts';
import { HostHealthFlag } from '../../core/shared_memory/layout.ts';
import type { Prober, ProbeListener } from '../../core/upstream/health_prober.ts';
import type { HealthCheckConfig } from './health_check_config.ts';

/** envoy.data.core.v3.HealthCheckFailureType. PASSIVE: what the host said in traffic. */
export type FailureType = 'ACTIVE' | 'PASSIVE' | 'NETWORK' | 'NETWORK_TIMEOUT';

/** What a check did to a host. `pending`: on its way to the other state, thresholds not reached. */
export type Transition = 'unchanged' | 'changed' | 'pending';

/** One host's word of the health slab. */
export interface HostFlags {
  get(): number;
  set(flags: number): void;
}

/** What sessions of one cluster share; what happens is told here. */
export interface SessionOwner {
  readonly config: HealthCheckConfig;
  readonly scheduler: Scheduler;
  /** Milliseconds until the next check. */
  nextInterval(isHealthy: boolean, transition: Transition): number;
  initialDelay(): number;
  /** Responses of all times in which the host said to leave it out. */
  passiveFailures(session: HealthCheckSession): number;
  onAttempt(): void;
  onSuccess(session: HealthCheckSession): void;
  onFailure(type: FailureType): void;
  /** Adds to the gauges `healthy` and `degraded`. */
  onGauges(healthy: number, degraded: number): void;
  onEvent(session: HealthCheckSession, event: SessionEvent): void;
  /** A check is complete, or will never be. */
  onChecked(session: HealthCheckSession, transition: Transition): void;
}

export type SessionEvent =
  | { readonly kind: 'eject_unhealthy' | 'failure'; readonly type: FailureType; readonly isFirst: boolean }
  | { readonly kind: 'add_healthy'; readonly isFirst: boolean }
  | { readonly kind: 'success' | 'degraded' | 'no_longer_degraded' };

const FAILED = HostHealthFlag.failedActiveHc;
const DEGRADED = HostHealthFlag.degradedActiveHc;
const PENDING = HostHealthFlag.pendingActiveHc;
const TIMEOUT = HostHealthFlag.activeHcTimeout;
const EXCLUDED = HostHealthFlag.excludedViaImmediateHcFail;

/** How late a response of a host that is left out anyway may be counted. */
const PASSIVE_POLL_MS = 100;

export class HealthCheckSession implements ProbeListener {
  readonly hostId: number;
  private readonly owner: SessionOwner;
  private readonly flags: HostFlags;
  private readonly prober: Prober;
  private readonly intervalTimer: Timer;
  private readonly timeoutTimer: Timer;
  /** While the host is left out. */
  private readonly passiveTimer: Timer;
  private successes = 0;
  private failures = 0;
  private isFirst = true;
  private isClosed = false;
  /** How many of the host's passive failures have been dealt with. */
  private passiveFailures: number;

  constructor(hostId: number, owner: SessionOwner, flags: HostFlags, createProber: (listener: ProbeListener) => Prober) {
    this.hostId = hostId;
    this.owner = owner;
    this.flags = flags;
    this.prober = createProber(this);
    this.intervalTimer = createTimer(owner.scheduler, () => this.check());
    this.timeoutTimer = createTimer(owner.scheduler, () => this.onTimeout());
    this.passiveTimer = createTimer(owner.scheduler, () => this.takePassiveFailures());
    this.passiveFailures = owner.passiveFailures(this);
    owner.onGauges(this.has(FAILED) ? 0 : 1, this.has(DEGRADED) ? 1 : 0);
  }

  /** Whether the host was checked at least once. */
  get wasChecked(): boolean {
    return !this.isFirst;
  }

  start(): void {
    const delay = this.owner.initialDelay();
    if (delay === 0) this.check();
    else this.intervalTimer.enable(delay);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.intervalTimer.disable();
    this.timeoutTimer.disable();
    this.passiveTimer.disable();
    this.prober.close();
    this.owner.onGauges(this.has(FAILED) ? 0 : -1, this.has(DEGRADED) ? -1 : 0);
    if (!this.isFirst) return;
    this.isFirst = false;
    this.owner.onChecked(this, 'unchanged');
  }

  /**
   * What the host said in traffic since this was last looked at: it fails at once and is left out. Workers tell of the first such
   * response only; while the host is left out main looks at their counts. Checks go on as they were.
   */
  takePassiveFailures(): void {
    const total = this.owner.passiveFailures(this);
    const count = this.isClosed ? 0 : total - this.passiveFailures;
    this.passiveFailures = total;
    if (count > 0) this.flags.set(this.flags.get() | EXCLUDED);
    for (let i = 0; i < count && !this.isClosed; i++) this.markUnhealthy('PASSIVE', false);
    if (!this.isClosed && this.has(EXCLUDED)) this.passiveTimer.enable(PASSIVE_POLL_MS);
  }

  onSuccess(isDegraded: boolean): void {
    if (this.isClosed) return;
    this.failures = 0;
    let transition = this.has(FAILED) ? this.recover() : 'unchanged';
    if (transition !== 'changed' && this.owner.config.logsAllSuccesses) this.owner.onEvent(this, { kind: 'success' });
    transition = this.clearPending(transition);
    if (isDegraded !== this.has(DEGRADED)) {
      this.setDegraded(isDegraded);
      if (transition === 'unchanged') transition = 'changed';
    }
    this.owner.onSuccess(this);
    this.isFirst = false;
    this.owner.onChecked(this, transition);
    this.waitForNext(true, transition);
  }

  onFailure(type: 'ACTIVE' | 'NETWORK', isRetriable: boolean): void {
    this.fail(type, isRetriable);
  }

  onExclude(): void {
    if (this.isClosed) return;
    this.flags.set(this.flags.get() | EXCLUDED);
    this.passiveTimer.enable(PASSIVE_POLL_MS);
  }

  private check(): void {
    this.takePassiveFailures();
    // Its failure may have been the last that kept the host.
    if (this.isClosed) return;
    this.prober.probe();
    this.timeoutTimer.enable(this.owner.config.timeoutMs);
    this.owner.onAttempt();
  }

  private onTimeout(): void {
    this.prober.abort();
    this.fail('NETWORK_TIMEOUT', false);
  }

  private fail(type: FailureType, isRetriable: boolean): void {
    if (this.isClosed) return;
    this.waitForNext(false, this.markUnhealthy(type, isRetriable));
  }

  private recover(): Transition {
    if (!this.isFirst && ++this.successes !== this.owner.config.healthyThreshold) return 'pending';
    this.flags.set(this.flags.get() & ~(FAILED | TIMEOUT | EXCLUDED));
    this.passiveTimer.disable();
    this.owner.onGauges(1, 0);
    this.owner.onEvent(this, { kind: 'add_healthy', isFirst: this.isFirst });
    return 'changed';
  }

  private setDegraded(isDegraded: boolean): void {
    this.flags.set(isDegraded ? this.flags.get() | DEGRADED : this.flags.get() & ~DEGRADED);
    this.owner.onGauges(0, isDegraded ? 1 : -1);
    this.owner.onEvent(this, { kind: isDegraded ? 'degraded' : 'no_longer_degraded' });
  }

  private markUnhealthy(type: FailureType, isRetriable: boolean): Transition {
    const { owner, isFirst } = this;
    this.successes = 0;
    let transition: Transition = 'unchanged';
    const isNetwork = type === 'NETWORK' || type === 'NETWORK_TIMEOUT';
    if (!this.has(FAILED)) {
      const isAtOnce = !isNetwork && !isRetriable;
      if (isAtOnce || ++this.failures === owner.config.unhealthyThreshold) {
        this.flags.set(this.flags.get() | FAILED);
        owner.onGauges(-1, 0);
        owner.onEvent(this, { kind: 'eject_unhealthy', type, isFirst });
        transition = 'changed';
      } else transition = 'pending';
    }
    const timedOut = type === 'NETWORK_TIMEOUT' && this.has(FAILED);
    this.flags.set(timedOut ? this.flags.get() | TIMEOUT : this.flags.get() & ~TIMEOUT);
    transition = this.clearPending(transition);
    if (isFirst || owner.config.logsAllFailures) owner.onEvent(this, { kind: 'failure', type, isFirst });
    owner.onFailure(type);
    this.isFirst = false;
    owner.onChecked(this, transition);
    return transition;
  }

  private clearPending(transition: Transition): Transition {
    if (!this.has(PENDING)) return transition;
    this.flags.set(this.flags.get() & ~PENDING);
    return 'changed';
  }

  /** The owner may have closed this session when it heard of the answer. */
  private waitForNext(isHealthy: boolean, transition: Transition): void {
    if (this.isClosed) return;
    this.timeoutTimer.disable();
    this.intervalTimer.enable(this.owner.nextInterval(isHealthy, transition));
  }

  private has(flag: number): boolean {
    return (this.flags.get() & flag) !== 0;
  }
}
