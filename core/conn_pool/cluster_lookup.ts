import type { XxHash64 } from '../base/xxhash64.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import type { MetadataNamespaces } from '../matcher/value_matcher.ts';
import type { ConnectionInfo } from '../stream_info/stream_info.ts';
import type { TransportSocketOptions } from '../network/transport_socket.ts';
import type { ConnPool } from './conn_pool.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import type { MetadataCriteria } from '../upstream/metadata_criteria.ts';
import type { Host } from '../upstream/host.ts';
import type { RetryPriority } from '../upstream/retry_priority.ts';

/** What clusters look at that choose hosts by the request itself (original destinations, override_host); others never do. */
export interface ChoosingRequest {
  /** null: gone already. */
  requestHeaders(): HeaderMap | null;
  readonly streamInfo: {
    readonly dynamicMetadata: MetadataNamespaces | null;
    /** What is kept from try to try; undefined: nothing can be. */
    filterState?: Map<string, unknown> | null;
  };
  /** Its downstream connection. */
  readonly connection: Pick<ConnectionInfo, 'originalDestination'>;
}

/** A cluster as HTTP filters use it on their thread; implemented by cluster_manager. */
export interface UpstreamCluster {
  readonly info: ClusterInfo;
  /** Whether its balancer chooses by a hash of the request. */
  readonly usesHash: boolean;
  /** Whether the request itself names its next host, so that no hash is looked at. */
  namesHost(request: ChoosingRequest): boolean;
  /** Whether its balancer chooses by what routes and requests want of a host's metadata. */
  readonly usesMetadata: boolean;
  /** A host for a request with this random number and, when it has them, this hash and these criteria; or null. */
  chooseHost(random: number, hash: XxHash64 | null, criteria: MetadataCriteria | null, request: ChoosingRequest): Host | null;
  /** Until told otherwise (null), hosts are chosen for a retry that is to go by this. */
  preferPriorities(priority: RetryPriority | null): void;
  /** The priority that a host was chosen at. */
  priorityOf(host: Host): number;
  /**
   * The host's pool at a priority (0 default, 1 high) for a downstream connection, by its id, and for what the request asks of its
   * connection (null = nothing); null when the cluster has too many.
   */
  pool(host: Host, priority: number, downstream: number, options: TransportSocketOptions | null): ConnPool | null;
  /** The host's pool of plain TCP connections, for terminated CONNECTs. */
  tcpPool(host: Host, priority: number, downstream: number, options: TransportSocketOptions | null): ConnPool | null;
}

/** This thread's clusters by name. */
export interface ClusterLookup {
  get(name: string): UpstreamCluster | null;
}
