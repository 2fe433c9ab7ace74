import type { XxHash64 } from '../base/xxhash64.ts';
import type { ChoosingRequest, UpstreamCluster } from '../conn_pool/cluster_lookup.ts';
import type { HostSetConfig } from '../upstream/cluster_config.ts';
import type { Host } from '../upstream/host.ts';
import type { MetadataCriteria } from '../upstream/metadata_criteria.ts';
import type { PriorityCounts } from '../upstream/priority_load.ts';

/** A cluster as its worker's cluster manager keeps it, whatever its kind. */
export interface WorkerCluster extends UpstreamCluster {
  /** Takes a new host set. Between turns. */
  updateHosts(set: HostSetConfig): void;
  /** The health of some hosts is another. */
  onHealthChanged(): void;
  /** Main made other tables of hashes. */
  onHashTables(): void;
  /** The cluster is gone: idle connections close, busy ones finish. */
  drain(): void;
  /** Cuts every connection. */
  close(): void;
  /** Its priorities as they are now; for aggregates of it. */
  levelCounts(): readonly PriorityCounts[];
  /** A host of one of those priorities, among its degraded ones if so chosen; null = none. */
  chooseAt(level: number, isDegraded: boolean, random: number, hash: XxHash64 | null, criteria: MetadataCriteria | null, request: ChoosingRequest): Host | null;
}
