import type { WheelTimer, WheelTimerTarget } from '../event/timer_wheel.ts';
import type { IoDispatcher } from '../network/io_dispatcher.ts';
import { HEALTH_GENERATION, HostHealthFlag } from '../shared_memory/layout.ts';
import type { Host } from '../upstream/host.ts';

/** How often a worker looks whether hosts have failed (ms), besides with its requests. */
const LOOK_MS = 40;

/** Drains the connections to hosts that fail their active health checks, also while there are no requests. One per checked cluster. */
export class FailedHosts implements WheelTimerTarget {
  private readonly health: Int32Array;
  private readonly drain: (host: Host) => void;
  private readonly timer: WheelTimer;
  private readonly failed = new Set<number>();
  private hosts: ReadonlyMap<number, Host> = new Map();
  private generation = 0;

  /** `health`: words of the host-health slab. */
  constructor(dispatcher: IoDispatcher, health: Int32Array, drain: (host: Host) => void) {
    this.health = health;
    this.drain = drain;
    this.timer = dispatcher.createTimer(this);
    this.timer.enable(LOOK_MS);
  }

  /** After the hosts changed. */
  setHosts(hosts: ReadonlyMap<number, Host>): void {
    this.hosts = hosts;
    for (const id of this.failed) if (!hosts.has(id)) this.failed.delete(id);
    this.generation = -1;
    this.look();
  }

  close(): void {
    this.timer.close();
  }

  onTimeout(): void {
    this.timer.enable(LOOK_MS);
    this.look();
  }

  /** Looks now, if any host's health is another. */
  look(): void {
    if (this.generation === this.health[HEALTH_GENERATION]) return;
    this.generation = this.health[HEALTH_GENERATION];
    for (const [id, host] of this.hosts) {
      const hasFailed = (this.health[id] & HostHealthFlag.failedActiveHc) !== 0;
      if (hasFailed === this.failed.has(id)) continue;
      if (hasFailed) {
        this.failed.add(id);
        this.drain(host);
      } else this.failed.delete(id);
    }
  }
}
