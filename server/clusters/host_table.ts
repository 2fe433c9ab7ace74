/**
 * One cluster's hosts on the main side: what discovery found, matched against what was there, so that a host that stays keeps
 * its id (and with it its counters and health). Thread: main.
 */
import { isDeepStrictEqual } from 'node:util';
import { HEALTH_GENERATION, HOST_LOAD_WORDS, HOST_STAT_WORDS, HostHealthFlag, HostLoad, OUTLIER_KINDS, OUTLIER_WORDS, type SharedSlabs } from '../../core/shared_memory/layout.ts';
import { areSameAddresses, orderAddresses } from '../../core/upstream/address_order.ts';
import type { AddressOrderConfig, EndpointConfig, HostAddress, HostConfig } from '../../core/upstream/cluster_config.ts';
import type { HostIds } from './host_ids.ts';

/** One host as discovery found it. */
export interface DiscoveredHost {
  /** Identity within the cluster: the same key is the same host. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  /** All its addresses, as found; absent: there is one. */
  readonly addresses?: readonly HostAddress[];
  readonly endpoint: EndpointConfig;
}

export interface HostTableChange {
  readonly added: number;
  readonly removed: number;
  /** Hosts whose address changed while their key stayed. */
  readonly moved: number;
  /** Hosts that stayed where they are, with another weight, locality, metadata, health or way to be checked. */
  readonly updated: number;
  /** Endpoints of the hosts that were added or moved. */
  readonly made: readonly EndpointConfig[];
}

/** The words of all threads that belong to hosts. */
export class HostSlabs {
  readonly health: Int32Array;
  private readonly stats: readonly Float64Array[];
  private readonly outlierCounts: readonly Float64Array[];
  private readonly loads: readonly Float64Array[];
  private readonly outlierRows: Int32Array;
  private readonly outlierThresholds: Int32Array;
  private readonly since: Float64Array;
  private readonly wallMs: () => number;
  /** What main's own connections to hosts count, HOST_STAT_WORDS for each; empty until there is such a host. */
  private checks = new Float64Array(0);

  /** `wallMs`: the wall clock. */
  constructor(slabs: SharedSlabs, wallMs: () => number = () => 0) {
    this.wallMs = wallMs;
    this.since = new Float64Array(slabs.hostSince);
    this.health = new Int32Array(slabs.hostHealth);
    this.stats = slabs.hostStats.map((buffer) => new Float64Array(buffer));
    this.outlierCounts = slabs.outliers.counts.map((buffer) => new Float64Array(buffer));
    this.loads = slabs.hostLoads.map((buffer) => new Float64Array(buffer));
    this.outlierRows = new Int32Array(slabs.outliers.resets);
    this.outlierThresholds = new Int32Array(slabs.outliers.thresholds);
  }

  /** Workers of the process. */
  get workerCount(): number {
    return this.stats.length;
  }

  /** Begins the life of a host: all its words are 0 but its health. */
  birth(id: number, healthFlags: number): void {
    this.health[id] = healthFlags;
    this.since[id] = this.wallMs();
    for (const words of this.stats) words.fill(0, id * HOST_STAT_WORDS, (id + 1) * HOST_STAT_WORDS);
    for (const words of this.loads) words.fill(0, id * HOST_LOAD_WORDS, (id + 1) * HOST_LOAD_WORDS);
    this.checks.fill(0, id * HOST_STAT_WORDS, (id + 1) * HOST_STAT_WORDS);
  }

  /** Its checks pass again: a slow start begins, where one is configured. */
  onHealthy(id: number): void {
    this.since[id] = this.wallMs();
  }

  /** Sets or clears a HostHealthFlag; workers see it with their next request. */
  setHealthFlag(id: number, flag: number, isSet: boolean): void {
    this.health[id] = isSet ? this.health[id] | flag : this.health[id] & ~flag;
    this.health[HEALTH_GENERATION]++;
  }

  /** Sum of one field (OutlierWord that only grows) over all workers. */
  outlierSum(id: number, field: number): number {
    let sum = 0;
    for (const words of this.outlierCounts) sum += words[id * OUTLIER_WORDS + field];
    return sum;
  }

  /** The weight that the host has by its load; `configured` until a worker has calculated one. */
  weight(id: number, configured: number): number {
    for (const words of this.loads) if (words[id * HOST_LOAD_WORDS + HostLoad.applied] > 0) return words[id * HOST_LOAD_WORDS + HostLoad.applied];
    return configured;
  }

  /** How often a row of failures of this kind (OutlierKind) was ended here. */
  outlierResets(id: number, kind: number): number {
    return this.outlierRows[id * OUTLIER_KINDS + kind];
  }

  /** Failures of this kind count anew, on all workers. */
  endOutlierRow(id: number, kind: number): void {
    this.outlierRows[id * OUTLIER_KINDS + kind]++;
  }

  /** How many failures of this kind in a row workers report; 0 = none. */
  setOutlierThreshold(clusterId: number, kind: number, count: number): void {
    this.outlierThresholds[clusterId * OUTLIER_KINDS + kind] = count;
  }

  /** Adds to a field (HostStat) of a host that checks count for, besides workers. */
  countCheck(id: number, field: number, by: number): void {
    if (this.checks.length === 0) this.checks = new Float64Array(this.health.length * HOST_STAT_WORDS);
    this.checks[id * HOST_STAT_WORDS + field] += by;
  }

  /** Sum of one field (HostStat) over all workers, and checks that count. */
  sum(id: number, field: number): number {
    let sum = this.checks.length === 0 ? 0 : this.checks[id * HOST_STAT_WORDS + field];
    for (const words of this.stats) sum += words[id * HOST_STAT_WORDS + field];
    return sum;
  }
}

const CONFIGURED_FLAGS = HostHealthFlag.failedEdsHealth | HostHealthFlag.edsStatusDraining | HostHealthFlag.degradedEdsHealth;

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

/** What health checks have to say about hosts that come and go. */
export interface HostHealthPolicy {
  /** Flags with which a new host begins, besides those of its configuration. */
  initialFlags(endpoint: EndpointConfig): number;
  /** Whether a host that discovery no longer knows stays for now. */
  outlivesDiscovery(hostId: number, endpoint: EndpointConfig): boolean;
}

/** Nobody checks hosts. */
export const UNCHECKED: HostHealthPolicy = { initialFlags: () => 0, outlivesDiscovery: () => false };

interface Entry {
  readonly config: HostConfig;
  readonly endpoint: EndpointConfig;
}

export class HostTable {
  private readonly ids: HostIds;
  private readonly slabs: HostSlabs;
  private readonly policy: HostHealthPolicy;
  private readonly order: AddressOrderConfig;
  private byKey = new Map<string, Entry>();
  private isFull = false;

  constructor(ids: HostIds, slabs: HostSlabs, policy: HostHealthPolicy = UNCHECKED, order: AddressOrderConfig = AS_FOUND) {
    this.ids = ids;
    this.order = order;
    this.slabs = slabs;
    this.policy = policy;
  }

  /** In the order last given. */
  hosts(): readonly HostConfig[] {
    return Array.from(this.byKey.values(), (entry) => entry.config);
  }

  /** -1 = there is no such host. */
  idOf(key: string): number {
    return this.byKey.get(key)?.config.id ?? -1;
  }

  /** With the endpoints they come from. */
  entries(): readonly { readonly host: HostConfig; readonly endpoint: EndpointConfig }[] {
    return Array.from(this.byKey.values(), ({ config, endpoint }) => ({ host: config, endpoint }));
  }

  /** Lets go of a host that outlived discovery. Returns whether there was one. */
  removePending(id: number): boolean {
    for (const [key, { config }] of this.byKey) {
      if (config.id !== id || (this.slabs.health[id] & HostHealthFlag.pendingDynamicRemoval) === 0) continue;
      this.byKey.delete(key);
      this.ids.release(id);
      return true;
    }
    return false;
  }

  /** Whether hosts were left out because all ids are in use. */
  get isTruncated(): boolean {
    return this.isFull;
  }

  /** Lets go of all hosts. */
  clear(): void {
    for (const { config } of this.byKey.values()) this.ids.release(config.id);
    this.byKey.clear();
  }

  /** Replaces the hosts by what discovery found now. */
  replace(found: readonly DiscoveredHost[]): HostTableChange {
    const next = new Map<string, Entry>();
    const { health } = this.slabs;
    const made: EndpointConfig[] = [];
    let added = 0;
    let moved = 0;
    let updated = 0;
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
        this.slabs.birth(id, configuredHealthFlags(host.endpoint.healthStatus) | this.policy.initialFlags(host.endpoint));
        next.set(host.key, { config: hostConfig(id, host, this.order), endpoint: host.endpoint });
        made.push(host.endpoint);
        added++;
        continue;
      }
      health[old.config.id] &= ~HostHealthFlag.pendingDynamicRemoval;
      const config = hostConfig(old.config.id, host, this.order);
      if (config.address !== old.config.address || config.port !== old.config.port || !areSameAddresses(config.addresses, old.config.addresses)) {
        moved++;
        made.push(host.endpoint);
      } else if (host.endpoint === old.endpoint || (isDeepStrictEqual(host.endpoint, old.endpoint) && isDeepStrictEqual(config, old.config))) {
        next.set(host.key, old);
        continue;
      } else {
        updated++;
      }
      if (host.endpoint.healthStatus !== old.endpoint.healthStatus) {
        health[config.id] = (health[config.id] & ~CONFIGURED_FLAGS) | configuredHealthFlags(host.endpoint.healthStatus);
        health[HEALTH_GENERATION]++;
      }
      next.set(host.key, { config, endpoint: host.endpoint });
    }
    let removed = 0;
    for (const [key, old] of this.byKey) {
      if (next.has(key)) continue;
      const { id } = old.config;
      if (this.policy.outlivesDiscovery(id, old.endpoint)) {
        health[id] |= HostHealthFlag.pendingDynamicRemoval;
        next.set(key, old);
        continue;
      }
      this.ids.release(id);
      removed++;
    }
    this.byKey = next;
    return { added, removed, moved, updated, made };
  }
}

/** Families take turns, that of the first address first. */
const AS_FOUND: AddressOrderConfig = { firstFamily: 'first', firstCount: 1 };

function hostConfig(id: number, host: DiscoveredHost, order: AddressOrderConfig): HostConfig {
  const { endpoint, addresses } = host;
  return Object.freeze({
    id, address: host.address, port: host.port, hostname: endpoint.hostname, weight: endpoint.weight,
    priority: endpoint.priority, region: endpoint.region, zone: endpoint.zone, subZone: endpoint.subZone, localityWeight: endpoint.localityWeight,
    canary: isCanary(endpoint), metadata: endpoint.metadata, ...(endpoint.sockets === undefined ? {} : { socket: endpoint.sockets.traffic }),
    ...(addresses === undefined ? {} : { addresses: Object.freeze(orderAddresses(addresses, order)) }),
  });
}

/** Endpoint metadata `envoy.lb: {canary: true}`. */
function isCanary(endpoint: EndpointConfig): boolean {
  const balancing = endpoint.metadata['envoy.lb'];
  return typeof balancing === 'object' && balancing !== null && (balancing as Record<string, unknown>).canary === true;
}
