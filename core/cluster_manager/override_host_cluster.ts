/**
 * A cluster whose requests may name their hosts, in headers or dynamic metadata: the first one named that the cluster has is taken,
 * whatever its health, the next one for the next try; its policy balances requests that name none, or no further one.
 * Semantics: Envoy api extensions/load_balancing_policies/override_host/v3.
 */
import type { XxHash64 } from '../base/xxhash64.ts';
import type { ChoosingRequest } from '../conn_pool/cluster_lookup.ts';
import type { TransportSocketOptions } from '../network/transport_socket.ts';
import type { ConnPool } from '../conn_pool/conn_pool.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import { FIRST_REGULAR_ID, type HeaderNames } from '../headers/header_names.ts';
import { metadataValue } from '../matcher/value_matcher.ts';
import type { HostSetConfig, OverrideSource } from '../upstream/cluster_config.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import type { Host } from '../upstream/host.ts';
import type { MetadataCriteria } from '../upstream/metadata_criteria.ts';
import type { PriorityCounts } from '../upstream/priority_load.ts';
import type { RetryPriority } from '../upstream/retry_priority.ts';
import { PredictiveCluster } from './predictive_cluster.ts';
import type { ThreadLocalCluster } from './thread_local_cluster.ts';
import type { WorkerCluster } from './worker_cluster.ts';

/** Where a stream keeps what it named, in its filter state. */
const STATE_KEY = 'envoyts.override_host';

/** What one request named. */
interface NamedHosts {
  readonly addresses: readonly string[];
  /** The next one to try. */
  next: number;
  /** Whose they are: an internal redirect takes filter state along, but names its hosts anew. */
  readonly owner: object;
}

export class OverrideHostCluster implements WorkerCluster {
  readonly info: ClusterInfo;
  private readonly inner: ThreadLocalCluster;
  private readonly sources: readonly OverrideSource[];
  /** Header of each source; 0 = metadata. */
  private readonly headerIds: Int32Array;
  private byAddress: Map<string, Host>;

  constructor(inner: ThreadLocalCluster, sources: readonly OverrideSource[], names: HeaderNames) {
    this.info = inner.info;
    this.inner = inner;
    this.sources = sources;
    this.headerIds = internSources(sources, names);
    this.byAddress = new Map();
  }

  get usesHash(): boolean {
    return this.inner.usesHash;
  }

  namesHost(request: ChoosingRequest): boolean {
    const { addresses, next } = this.namedBy(request);
    for (let i = next; i < addresses.length; i++) if (this.byAddress.has(addresses[i])) return true;
    return false;
  }

  get usesMetadata(): boolean {
    return this.inner.usesMetadata;
  }

  chooseHost(random: number, hash: XxHash64 | null, criteria: MetadataCriteria | null, request: ChoosingRequest): Host | null {
    return this.takeNamed(request) ?? this.inner.chooseHost(random, hash, criteria, request);
  }

  /** An aggregate does not tell its members of requests what names hosts: those that come by one go where the policy says. */
  chooseAt(level: number, isDegraded: boolean, random: number, hash: XxHash64 | null, criteria: MetadataCriteria | null): Host | null {
    return this.inner.chooseAt(level, isDegraded, random, hash, criteria);
  }

  preferPriorities(priority: RetryPriority | null): void {
    this.inner.preferPriorities(priority);
  }

  priorityOf(host: Host): number {
    return this.inner.priorityOf(host);
  }

  pool(host: Host, priority: number, downstream: number, options: TransportSocketOptions | null): ConnPool | null {
    return this.inner.pool(host, priority, downstream, options);
  }

  tcpPool(host: Host, priority: number, downstream: number, options: TransportSocketOptions | null): ConnPool | null {
    return this.inner.tcpPool(host, priority, downstream, options);
  }

  updateHosts(set: HostSetConfig): void {
    this.inner.updateHosts(set);
    this.byAddress = new Map(Array.from(this.inner.hosts(), (host) => [host.address, host]));
  }

  onHealthChanged(): void {
    this.inner.onHealthChanged();
  }

  onHashTables(): void {
    this.inner.onHashTables();
  }

  drain(): void {
    this.inner.drain();
  }

  close(): void {
    this.inner.close();
  }

  levelCounts(): readonly PriorityCounts[] {
    return this.inner.levelCounts();
  }

  /** The next host that the request named and that is here; null: there is none. */
  private takeNamed(request: ChoosingRequest): Host | null {
    const named = this.namedBy(request);
    while (named.next < named.addresses.length) {
      const host = this.byAddress.get(named.addresses[named.next++]);
      if (host === undefined) continue;
      if (this.inner instanceof PredictiveCluster) this.inner.onChosenElsewhere();
      return host;
    }
    return null;
  }

  /** Found out for the first try, kept for the others. */
  private namedBy(request: ChoosingRequest): NamedHosts {
    const { streamInfo } = request;
    const known = streamInfo.filterState?.get(STATE_KEY) as NamedHosts | undefined;
    if (known !== undefined && known.owner === streamInfo) return known;
    const named: NamedHosts = { addresses: this.addressesOf(request), next: 0, owner: streamInfo };
    if (streamInfo.filterState !== undefined) {
      streamInfo.filterState ??= new Map();
      streamInfo.filterState.set(STATE_KEY, named);
    }
    return named;
  }

  /** What all sources say, in their order. */
  private addressesOf(request: ChoosingRequest): string[] {
    const addresses: string[] = [];
    for (let i = 0; i < this.sources.length; i++) {
      const { metadataFilter, metadataPath } = this.sources[i];
      const id = this.headerIds[i];
      const list = id === 0 ? metadataValue(request.streamInfo.dynamicMetadata, metadataFilter, metadataPath) : firstValue(request.requestHeaders(), id);
      if (typeof list !== 'string') continue;
      for (const part of list.split(',')) {
        const address = part.trim();
        if (address !== '') addresses.push(address);
      }
    }
    return addresses;
  }
}

/** Headers of sources as numbers: to be called before a request with one is parsed. */
export function internSources(sources: readonly OverrideSource[], names: HeaderNames): Int32Array {
  return Int32Array.from(sources, ({ headerName }) => (headerName === '' ? 0 : names.intern(headerName)));
}

function firstValue(headers: HeaderMap | null, id: number): string | undefined {
  if (headers === null) return undefined;
  if (id < FIRST_REGULAR_ID) return headers.get(id);
  const k = headers.find(id);
  return k < 0 ? undefined : headers.valueAt(k);
}
