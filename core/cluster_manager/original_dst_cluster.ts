/**
 * A cluster without configured hosts: a request goes where it names itself (a header, dynamic metadata), or where its connection was
 * going before it was redirected here. A host that is new is used at once and reported to main, which gives it its id and tells all
 * workers; until then it counts in words of its own. Semantics: Envoy docs
 * intro/arch_overview/upstream/load_balancing/original_dst.
 */
import { parseIp } from '../base/cidr.ts';
import type { XxHash64 } from '../base/xxhash64.ts';
import type { ChoosingRequest } from '../conn_pool/cluster_lookup.ts';
import type { TransportSocketOptions } from '../network/transport_socket.ts';
import type { ConnPool } from '../conn_pool/conn_pool.ts';
import { metadataValue } from '../matcher/value_matcher.ts';
import { HOST_STAT_WORDS } from '../shared_memory/layout.ts';
import type { Counter } from '../stats/stats.ts';
import type { HostConfig, HostSetConfig, OriginalDstConfig } from '../upstream/cluster_config.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import { Host, hostAddressText } from '../upstream/host.ts';
import type { MetadataCriteria } from '../upstream/metadata_criteria.ts';
import type { PriorityCounts } from '../upstream/priority_load.ts';
import { OutlierMonitor } from '../upstream/outlier_monitor.ts';
import { closePools, drainPools, type HostWords, type ThreadLocalCluster } from './thread_local_cluster.ts';
import type { WorkerCluster } from './worker_cluster.ts';

/** Hosts of one worker that main does not know (yet): beyond that the oldest are let go. */
const UNKNOWN_HOSTS_MAX = 1024;

/** A destination that a worker saw first. */
export interface DestinationReport {
  readonly clusterId: number;
  /** Numeric. */
  readonly address: string;
  readonly port: number;
}

/** What it needs of its worker. */
export interface OriginalDstContext {
  readonly clusterId: number;
  readonly config: OriginalDstConfig;
  /** Interned `config.headerName`; 0 = none. */
  readonly headerId: number;
  readonly invalid: Counter;
  readonly words: HostWords;
  report(report: DestinationReport): void;
}

export class OriginalDstCluster implements WorkerCluster {
  readonly info: ClusterInfo;
  readonly usesHash = false;
  readonly usesMetadata = false;
  private readonly context: OriginalDstContext;
  /** Makes the pools. */
  private readonly pools: ThreadLocalCluster;
  /** By address as Envoy prints it. */
  private readonly hosts: Map<string, Host>;
  /** Those of them that main has not confirmed, oldest first. */
  private readonly unknown: Set<Host>;

  constructor(pools: ThreadLocalCluster, context: OriginalDstContext) {
    this.info = pools.info;
    this.pools = pools;
    this.context = context;
    this.hosts = new Map();
    this.unknown = new Set();
  }

  chooseHost(_random: number, _hash: XxHash64 | null, _criteria: MetadataCriteria | null, request: ChoosingRequest): Host | null {
    const destination = this.destinationOf(request);
    if (destination === null) return null;
    const { portOverride } = this.context.config;
    if (portOverride > 0) destination.port = portOverride;
    return this.hosts.get(hostAddressText(destination.address, destination.port)) ?? this.addHost(destination.address, destination.port);
  }

  namesHost(): boolean {
    return true;
  }

  /** They are not in priorities. */
  preferPriorities(): void {}

  priorityOf(): number {
    return 0;
  }

  pool(host: Host, priority: number, downstream: number, options: TransportSocketOptions | null): ConnPool | null {
    return this.pools.pool(host, priority, downstream, options);
  }

  tcpPool(host: Host, priority: number, downstream: number, options: TransportSocketOptions | null): ConnPool | null {
    return this.pools.tcpPool(host, priority, downstream, options);
  }

  updateHosts(set: HostSetConfig): void {
    const { words } = this.context;
    const kept = new Set<Host>();
    for (const config of set.hosts) {
      const address = hostAddressText(config.address, config.port);
      let host = this.hosts.get(address);
      if (host !== undefined && this.unknown.delete(host)) {
        host.adopt(config, words.health, words.stats, words.allStats);
        this.watch(host);
      } else if (host === undefined || host.config.id !== config.id) {
        if (host !== undefined) drainPools(host);
        host = new Host(config, words.health, words.stats, words.allStats, words.since);
        this.watch(host);
        this.hosts.set(address, host);
      }
      kept.add(host);
    }
    for (const [address, host] of this.hosts) {
      if (kept.has(host) || this.unknown.has(host)) continue;
      this.hosts.delete(address);
      drainPools(host);
    }
  }

  /** A destination is what the request says, whatever its health. */
  onHealthChanged(): void {}

  onHashTables(): void {}

  levelCounts(): readonly PriorityCounts[] {
    const hosts = this.hosts.size;
    return [{ hosts, healthy: hosts, degraded: 0, excluded: 0 }];
  }

  chooseAt(_level: number, _isDegraded: boolean, random: number, hash: XxHash64 | null, criteria: MetadataCriteria | null, request: ChoosingRequest): Host | null {
    return this.chooseHost(random, hash, criteria, request);
  }

  drain(): void {
    for (const host of this.hosts.values()) drainPools(host);
  }

  close(): void {
    for (const host of this.hosts.values()) closePools(host);
  }

  /** First what the request says, then where its connection was going. */
  private destinationOf(request: ChoosingRequest): Destination | null {
    const { metadataFilter, metadataPath } = this.context.config;
    if (metadataFilter !== '') {
      const value = metadataValue(request.streamInfo.dynamicMetadata, metadataFilter, metadataPath);
      if (typeof value === 'string' && value !== '') {
        const destination = this.parse(value);
        if (destination !== null) return destination;
      }
    }
    const { headerId } = this.context;
    if (headerId !== 0) {
      const value = request.requestHeaders()?.get(headerId);
      if (value !== undefined) {
        const destination = this.parse(value);
        if (destination !== null) return destination;
      }
    }
    return parseDestination(request.connection.originalDestination ?? '');
  }

  private parse(text: string): Destination | null {
    const destination = parseDestination(text);
    if (destination === null) this.context.invalid.inc();
    return destination;
  }

  private addHost(address: string, port: number): Host {
    const { clusterId } = this.context;
    const text = hostAddressText(address, port);
    const config: HostConfig = {
      id: 0, address, port, hostname: this.info.config.name + text, weight: 1, priority: 0, region: '', zone: '', subZone: '', localityWeight: 0, canary: false,
      metadata: NO_METADATA, ...(this.info.config.unlabelledSocket === undefined ? {} : { socket: this.info.config.unlabelledSocket }),
    };
    const host = new Host(config, new Int32Array(1), new Float64Array(HOST_STAT_WORDS));
    this.hosts.set(text, host);
    this.unknown.add(host);
    if (this.unknown.size > UNKNOWN_HOSTS_MAX) this.forgetOldest();
    this.context.report({ clusterId, address, port });
    return host;
  }

  /** Main has more hosts than it can take: new ones live here for a while only. */
  private forgetOldest(): void {
    for (const host of this.unknown) {
      this.unknown.delete(host);
      this.hosts.delete(host.address);
      drainPools(host);
      return;
    }
  }

  private watch(host: Host): void {
    const { outliers } = this.pools;
    if (outliers !== null) host.outlier = new OutlierMonitor(outliers, host.config.id);
  }
}

interface Destination {
  readonly address: string;
  port: number;
}

const NO_METADATA = Object.freeze({});

/** `1.2.3.4:80` or `[::1]:80`; null when it is neither. */
export function parseDestination(text: string): Destination | null {
  const colon = text.lastIndexOf(':');
  if (colon <= 0) return null;
  const digits = text.slice(colon + 1);
  if (!/^ *\+?0*\d{1,5}$/.test(digits) || Number(digits) > 65535) return null;
  const host = text.slice(0, colon);
  const isV6 = host.startsWith('[') && host.endsWith(']');
  const address = isV6 ? host.slice(1, -1) : host;
  if (parseIp(address) === null || address.includes(':') !== isV6) return null;
  return { address: isV6 ? canonicalIpv6(address) : address, port: Number(digits) };
}

/** One spelling for one address: two spellings must not be two hosts. */
function canonicalIpv6(address: string): string {
  // Dotted ends (IPv4-mapped addresses) stay readable.
  return address.includes('.') ? address.toLowerCase() : new URL(`http://[${address}]`).hostname.slice(1, -1);
}
