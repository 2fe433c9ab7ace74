/**
 * Failing health checks and draining, as words that every worker reads per response. Thread: main.
 *
 * While draining with the gradual strategy a worker closes a connection after a response with a probability that rises linearly
 * from 0 to 1 over the drain time; with the immediate strategy always (Envoy docs, operations/draining).
 */
import type { ScheduledTimer, Scheduler } from '../../core/event/scheduler.ts';
import { DrainScope, ServerFact } from '../../core/shared_memory/layout.ts';

export interface DrainConfig {
  readonly drainTimeSec: number;
  readonly strategy: 'gradual' | 'immediate';
}

export class DrainManager {
  private readonly facts: Int32Array;
  private readonly scheduler: Scheduler;
  private readonly config: DrainConfig;
  private timer: ScheduledTimer | undefined;

  /** `facts`: words of SharedSlabs.serverFacts. */
  constructor(facts: Int32Array, scheduler: Scheduler, config: DrainConfig) {
    this.facts = facts;
    this.scheduler = scheduler;
    this.config = config;
    facts[ServerFact.drainTimeSec] = Math.min(config.drainTimeSec, 0x7fffffff);
    facts[ServerFact.drainImmediate] = config.strategy === 'immediate' ? 1 : 0;
  }

  get isHealthCheckFailed(): boolean {
    return this.facts[ServerFact.healthCheckFailed] !== 0;
  }

  get isDraining(): boolean {
    return this.facts[ServerFact.draining] !== DrainScope.none;
  }

  /** Fails (true) or passes health checks again. */
  failHealthCheck(failed: boolean): void {
    this.facts[ServerFact.healthCheckFailed] = failed ? 1 : 0;
  }

  /** Begins to drain; calls back when the drain time is over. A second start does nothing. */
  startDrainSequence(inboundOnly: boolean, onDrained: () => void): void {
    if (this.isDraining) return;
    this.facts[ServerFact.drainStartSec] = Math.floor(this.scheduler.wallMs() / 1000);
    this.facts[ServerFact.draining] = inboundOnly ? DrainScope.inboundOnly : DrainScope.all;
    this.timer = this.scheduler.schedule(this.config.drainTimeSec * 1000, onDrained);
  }

  close(): void {
    this.timer?.cancel();
  }
}
