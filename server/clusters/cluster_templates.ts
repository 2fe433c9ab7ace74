/** The names of stats that every cluster has, before anybody counts. Thread: main. */
import { UPSTREAM_SOCKET_CATEGORY, type TransportSocketContext } from '../../core/network/transport_socket.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { ExtensionConfig } from '../../core/registry/parse_context.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import { createClusterStats } from '../../core/upstream/cluster_info.ts';
import { StatTemplate } from '../stats/declared_stats.ts';
import { createBreakerGauges } from './breaker_gauges.ts';
import { createMembershipStats } from './managed_cluster.ts';

/** One template for all clusters of a kind: there may be thousands. */
export class ClusterTemplates {
  private readonly registry: FactoryRegistry;
  private readonly byKind = new Map<string, StatTemplate>();

  constructor(registry: FactoryRegistry) {
    this.registry = registry;
  }

  of({ defaultThresholds, highThresholds, transportSocket, socketConfigs }: ClusterConfig): StatTemplate {
    const tracksRemaining = [defaultThresholds.trackRemaining, highThresholds.trackRemaining] as const;
    const sockets = new Map([transportSocket, ...Object.values(socketConfigs ?? {})].flatMap((socket) => (socket === null ? [] : [[socket.typeName, socket]])));
    const key = [...tracksRemaining, ...sockets.keys()].join();
    let template = this.byKind.get(key);
    if (template === undefined) {
      template = new StatTemplate((scope) => {
        createMembershipStats(scope);
        createClusterStats(scope);
        createBreakerGauges(scope, tracksRemaining);
        for (const socket of sockets.values()) this.createSocketStats(socket, scope);
      });
      this.byKind.set(key, template);
    }
    return template;
  }

  /** A socket makes its stats when it is made. */
  private createSocketStats({ typeName, config }: ExtensionConfig, scope: StatsScope): void {
    const context: TransportSocketContext = { scope };
    this.registry.get(UPSTREAM_SOCKET_CATEGORY, typeName)?.createFactory(config, context);
  }
}
