/** The numbers of a cluster's subsets, which follow from its hosts' metadata. Workers have them; main counts. Thread: main. */
import type { StatsScope } from '../../core/stats/stats.ts';
import type { ClusterConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
import type { SubsetConfig, SubsetPolicyConfig } from '../../core/upstream/subset/subset_config.ts';
import { subsetValues } from '../../core/upstream/subset/subset_keys.ts';

const SUBSET = 'envoy.extensions.load_balancing_policies.subset.v3.Subset';

export class SubsetStatsWriter {
  private readonly config: SubsetConfig;
  private readonly scope: StatsScope;
  private readonly copies: number;
  private known = new Set<string>();

  /** null: the cluster has no subsets. `workers`: each of them and main counts its own, as in Envoy. */
  static create({ lbPolicy }: ClusterConfig, scope: StatsScope, workers: number): SubsetStatsWriter | null {
    return lbPolicy.typeName === SUBSET ? new SubsetStatsWriter((lbPolicy.config as SubsetPolicyConfig).subsets, scope, workers + 1) : null;
  }

  private constructor(config: SubsetConfig, scope: StatsScope, copies: number) {
    this.config = config;
    this.scope = scope;
    this.copies = copies;
  }

  write(hosts: readonly HostConfig[]): void {
    const found = new Set<string>();
    /** Of single-host subsets, those that have their host; by priority. */
    const taken = new Map<number, Set<string>>();
    let duplicates = 0;
    const last = hosts.reduce((priority, host) => Math.max(priority, host.priority), 0);
    for (const host of hosts) {
      for (const { keys, isSingleHost } of this.config.selectors) {
        for (const values of subsetValues(host.metadata, keys, this.config.listAsAny)) {
          const name = JSON.stringify([keys, values]);
          found.add(name);
          if (!isSingleHost) continue;
          const ofPriority = taken.get(host.priority) ?? new Set();
          taken.set(host.priority, ofPriority);
          // Envoy's gauge is that of the priority looked at last.
          if (ofPriority.has(name) && host.priority === last) duplicates++;
          ofPriority.add(name);
        }
      }
    }
    const created = [...found].filter((name) => !this.known.has(name)).length;
    const removed = [...this.known].filter((name) => !found.has(name)).length;
    this.known = found;
    if (created > 0) this.scope.counter('lb_subsets_created').add(created * this.copies);
    if (removed > 0) this.scope.counter('lb_subsets_removed').add(removed * this.copies);
    this.scope.gauge('lb_subsets_active').set(found.size * this.copies);
    this.scope.gauge('lb_subsets_single_host_per_subset_duplicate').set(duplicates);
  }
}
