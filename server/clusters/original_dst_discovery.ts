/**
 * The hosts of an ORIGINAL_DST cluster: workers name them, here they get their ids and become known to all workers; those that
 * nobody uses any more go. Thread: main.
 *
 *     named by a worker -> known -(no connection to it, and not asked for since the last look)-> forgotten
 */
import type { ScheduledTimer, Scheduler } from '../../core/event/scheduler.ts';
import { hostAddressText } from '../../core/upstream/host.ts';
import type { EndpointConfig } from '../../core/upstream/cluster_config.ts';
import type { Discovery, DiscoveryListener } from './discovery_listener.ts';
import type { DiscoveredHost } from './host_table.ts';

interface Known {
  readonly host: DiscoveredHost;
  /** HostUse.total at the last look; -1 = it is new. */
  seenTotal: number;
}

export class OriginalDstDiscovery implements Discovery {
  private readonly clusterName: string;
  private readonly cleanupIntervalMs: number;
  private readonly scheduler: Scheduler;
  private readonly listener: DiscoveryListener;
  private readonly known = new Map<string, Known>();
  private cleanupTimer: ScheduledTimer | undefined;
  private publishTimer: ScheduledTimer | undefined;

  constructor(clusterName: string, cleanupIntervalMs: number, scheduler: Scheduler, listener: DiscoveryListener) {
    this.clusterName = clusterName;
    this.cleanupIntervalMs = cleanupIntervalMs;
    this.scheduler = scheduler;
    this.listener = listener;
  }

  start(): void {
    this.listener.onInitialized();
    this.armCleanup();
  }

  close(): void {
    this.cleanupTimer?.cancel();
    this.publishTimer?.cancel();
  }

  add(address: string, port: number): void {
    const key = hostAddressText(address, port);
    if (this.known.has(key)) return;
    this.known.set(key, { host: { key, address, port, endpoint: endpointOf(address, port, this.clusterName + key) }, seenTotal: -1 });
    this.publishTimer ??= this.scheduler.schedule(publishDelayMs(this.known.size), () => this.publish());
  }

  private publish(): void {
    this.publishTimer = undefined;
    this.listener.onHosts(Array.from(this.known.values(), ({ host }) => host));
  }

  private armCleanup(): void {
    this.cleanupTimer = this.scheduler.schedule(this.cleanupIntervalMs, () => {
      this.cleanUp();
      this.armCleanup();
    });
  }

  private cleanUp(): void {
    let hasForgotten = false;
    for (const [key, known] of this.known) {
      const { active, total } = this.listener.useOf(key);
      const isUsed = active > 0 || total !== known.seenTotal;
      known.seenTotal = total;
      if (isUsed) continue;
      this.known.delete(key);
      hasForgotten = true;
    }
    if (hasForgotten) this.publish();
  }
}

/**
 * Every publication costs as much as there are hosts: what is named in one turn goes out together, and the more hosts there are the
 * longer it may wait. Workers use the new ones meanwhile.
 */
function publishDelayMs(hosts: number): number {
  return hosts < 1000 ? 0 : Math.min(1000, hosts / 10);
}

function endpointOf(address: string, port: number, hostname: string): EndpointConfig {
  return {
    address, port, hostname, weight: 1, priority: 0, region: '', zone: '', subZone: '', localityWeight: 0, healthStatus: 'unknown', metadata: {},
  };
}
