/**
 * One cluster's hosts on the main side: what discovery found, matched against what was there, so that a host that stays keeps
 * its id (and with it its counters and health). Thread: main.
 */
import { HOST_STAT_WORDS, HostHealthFlag, type SharedSlabs } from '../../core/shared_memory/layout.ts';
import type { EndpointConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
import type { HostIds } from './host_ids.ts';

/** One host as discovery found it. */
export interface DiscoveredHost {
  /** Identity within the cluster: the same key is the same host. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly endpoint: EndpointConfig;
}

export interface HostTableChange {
  readonly added: number;
  readonly removed: number;
  /** Hosts whose address or attributes changed while their key stayed. */
  readonly changed: number;
}

/** The words of all threads that belong to hosts. */
export class HostSlabs {
  readonly health: Int32Array;
  private readonly stats: readonly Float64Array[];

  constructor(slabs: SharedSlabs) {
    this.health = new Int32Array(slabs.hostHealth);
    this.stats = slabs.hostStats.map((buffer) => new Float64Array(buffer));
  }

  /** Begins the life of a host: all its words are 0 but its health. */
  birth(id: number, healthFlags: number): void {
    this.health[id] = healthFlags;
    for (const words of this.stats) words.fill(0, id * HOST_STAT_WORDS, (id + 1) * HOST_STAT_WORDS);
  }

  /** Sum of one field (HostStat) over all workers. */
  sum(id: number, field: number): number {
    let sum = 0;
    for (const words of this.stats) sum += words[id * HOST_STAT_WORDS + field];
    return sum;
  }
}

/** Flags of a host whose configuration states its health. */
export function configuredHealthFlags(status: EndpointConfig['healthStatus']): number {
  switch (status) {
    case 'unhealthy':
    case 'timeout':
      return HostHealthFlag.failedEdsHealth;
    case 'draining':
      return HostHealthFlag.edsStatusDraining;
    case 'degraded':
      return HostHealthFlag.degradedEdsHealth;
    default:
      return 0;
  }
}

export class HostTable {
  private readonly ids: HostIds;
  private readonly slabs: HostSlabs;
  private byKey = new Map<string, HostConfig>();
  private isFull = false;

  constructor(ids: HostIds, slabs: HostSlabs) {
    this.ids = ids;
    this.slabs = slabs;
  }

  /** In the order last given. */
  hosts(): readonly HostConfig[] {
    return [...this.byKey.values()];
  }

  /** Whether hosts were left out because all ids are in use. */
  get isTruncated(): boolean {
    return this.isFull;
  }

  /** Replaces the hosts by what discovery found now. */
  replace(found: readonly DiscoveredHost[]): HostTableChange {
    const next = new Map<string, HostConfig>();
    let added = 0;
    let changed = 0;
    this.isFull = false;
    for (const host of found) {
      if (next.has(host.key)) continue;
      const old = this.byKey.get(host.key);
      if (old === undefined) {
        const id = this.ids.take();
        if (id < 0) {
          this.isFull = true;
          continue;
        }
        this.slabs.birth(id, configuredHealthFlags(host.endpoint.healthStatus));
        next.set(host.key, hostConfig(id, host));
        added++;
      } else if (old.address !== host.address || old.port !== host.port) {
        next.set(host.key, hostConfig(old.id, host));
        changed++;
      } else {
        next.set(host.key, old);
      }
    }
    let removed = 0;
    for (const [key, old] of this.byKey) {
      if (next.has(key)) continue;
      this.ids.release(old.id);
      removed++;
    }
    this.byKey = next;
    return { added, removed, changed };
  }
}

function hostConfig(id: number, host: DiscoveredHost): HostConfig {
  const { endpoint } = host;
  return Object.freeze({
    id, address: host.address, port: host.port, hostname: endpoint.hostname, weight: endpoint.weight,
    priority: endpoint.priority, region: endpoint.region, zone: endpoint.zone, subZone: endpoint.subZone, localityWeight: endpoint.localityWeight,
    canary: isCanary(endpoint), metadata: endpoint.metadata,
  });
}

/** Endpoint metadata `envoy.lb: {canary: true}`. */
function isCanary(endpoint: EndpointConfig): boolean {
  const balancing = endpoint.metadata['envoy.lb'];
  return typeof balancing === 'object' && balancing !== null && (balancing as Record<string, unknown>).canary === true;
}
