/** The names of stats that every cluster has, before anybody counts. Thread: main. */
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import { createClusterStats } from '../../core/upstream/cluster_info.ts';
import { StatTemplate } from '../stats/declared_stats.ts';
import { createBreakerGauges } from './breaker_gauges.ts';
import { createMembershipStats } from './managed_cluster.ts';

/** One template for all clusters of a kind: there may be thousands. */
export class ClusterTemplates {
  private readonly byTracking = new Map<string, StatTemplate>();

  of({ defaultThresholds, highThresholds }: ClusterConfig): StatTemplate {
    const tracksRemaining = [defaultThresholds.trackRemaining, highThresholds.trackRemaining] as const;
    const key = tracksRemaining.join();
    let template = this.byTracking.get(key);
    if (template === undefined) {
      template = new StatTemplate((scope) => {
        createMembershipStats(scope);
        createClusterStats(scope);
        createBreakerGauges(scope, tracksRemaining);
      });
      this.byTracking.set(key, template);
    }
    return template;
  }
}
