import { HostHealthFlag } from '../shared_memory/layout.ts';
import type { Host } from '../upstream/host.ts';

const NONE: readonly Host[] = [];

/** Which of a cluster's hosts have failed their active health checks, as this worker saw it last. */
export class FailedHosts {
  private readonly health: Int32Array;
  private readonly ids = new Set<number>();

  /** `health`: words of the host-health slab. */
  constructor(health: Int32Array) {
    this.health = health;
  }

  /** Looks again. Returns those that failed since the last look. */
  update(hosts: ReadonlyMap<number, Host>): readonly Host[] {
    let fresh: Host[] | null = null;
    for (const id of this.ids) if (!hosts.has(id)) this.ids.delete(id);
    for (const [id, host] of hosts) {
      const hasFailed = (this.health[id] & HostHealthFlag.failedActiveHc) !== 0;
      if (hasFailed === this.ids.has(id)) continue;
      if (hasFailed) {
        this.ids.add(id);
        fresh ??= [];
        fresh.push(host);
      } else this.ids.delete(id);
    }
    return fresh ?? NONE;
  }
}
