import type { ExtensionConfig } from '../registry/parse_context.ts';
import type { HostConfig } from './cluster_config.ts';
import type { ActiveJournal } from './active_journal.ts';
import type { BalancerEnvironment } from './balancer_environment.ts';
import type { SharedTables } from './consistent_hash/hash_table.ts';
import type { Host } from './host.ts';
import type { LocalityConfig } from './locality_config.ts';
import type { RetryPriority } from './retry_priority.ts';
import type { MetadataCriteria } from './metadata_criteria.ts';
import type { SubsetConfig } from './subset/subset_config.ts';

/** What a choice may depend on. One reused object per worker. */
export class LoadBalancerContext {
  /** Random integer in [0, 2^32) of this choice. */
  random: number;
  /** Hash of the request by the route's hash policies, 64 bits in signed halves; valid when hasHash. */
  hashHigh: number;
  hashLow: number;
  hasHash: boolean;
  /** Where a retry should go; null = as other requests. */
  retryPriority: RetryPriority | null;
  /** What the route and the request want of the host's metadata; null: nothing. Set where there are subsets. */
  criteria: MetadataCriteria | null;
  /** The choice is for a request to come: who cannot tell its host in advance says null. */
  isPeek: boolean;
  constructor() {
    this.random = 0;
    this.hashHigh = 0;
    this.hashLow = 0;
    this.hasHash = false;
    this.retryPriority = null;
    this.criteria = null;
    this.isPeek = false;
  }
}

/** Chooses among the hosts of one priority level that may be chosen (healthy ones, or all in panic). Per worker, no sharing. */
export interface LoadBalancer {
  /** The hosts changed: the list to choose from, and all hosts of the priority. Not per request. */
  setHosts(hosts: readonly Host[], members: readonly Host[]): void;
  /** Null when there is none. Under 200 ns. */
  chooseHost(context: LoadBalancerContext): Host | null;
}

/** What a balancer may ask about its cluster. */
export interface ClusterLoad {
  /** Requests of all workers that are with upstream hosts. */
  activeRequests(): number;
}

/** Product of a load-balancing policy's factory. */
export interface LoadBalancerFactory {
  /** `random` (that of `source`) gives integers in [0, 2^32). */
  create(random: () => number, source: BalancerSource): LoadBalancer;
  /** Its balancers look at the request's hash: without this none is worked out. */
  readonly usesHash?: boolean;
  /** What it does about localities; absent: nothing. */
  readonly locality?: LocalityConfig | undefined;
  /** Its balancers keep hosts in order of their requests: those of this worker are written down. Absent: they are not. */
  readonly readsJournal?: boolean;
  /** Its balancers are those of subsets of the hosts; absent: of all hosts. */
  readonly subsets?: SubsetConfig;
}

/** How a worker makes balancers for one cluster. */
export interface BalancerSource {
  readonly factory: LoadBalancerFactory;
  readonly random: () => number;
  readonly load: ClusterLoad;
  /** Tables of hashes that main made; null: none are made elsewhere. */
  readonly tables: SharedTables | null;
  /** Where this worker's requests come and go; null unless the policy wants to know. */
  readonly journal: ActiveJournal | null;
  /** Weight of the host's locality. */
  readonly localityWeightOf: (host: HostConfig) => number;
  readonly environment: BalancerEnvironment;
  /** Percent; 140 unless configured. */
  readonly overprovisioning: number;
}

/** What a policy's `createFactory` is given. */
export interface LoadBalancingContext {
  /** What makes the balancers of a policy within this one. */
  policy(config: ExtensionConfig): LoadBalancerFactory;
}

/** The weight that the configuration gives. */
export function configuredLocalityWeight(host: HostConfig): number {
  return host.localityWeight;
}

/** Category in the factory registry. */
export const LOAD_BALANCING_CATEGORY = 'envoy.load_balancing_policies';
