/** Clusters and hosts as the admin interface shows them. Thread: main. */
import { HostStat } from '../../core/shared_memory/layout.ts';
import type { CircuitBreakerThresholds } from '../../core/upstream/cluster_config.ts';
import { addressStatus } from '../address_status.ts';
import type { CircuitBreakerLimits, ClusterStatus, HostStatus } from '../instance.ts';
import type { HostSlabs } from './host_table.ts';
import type { ManagedCluster } from './managed_cluster.ts';

export function clusterStatus(cluster: ManagedCluster, slabs: HostSlabs): ClusterStatus {
  const { config } = cluster;
  return {
    name: config.name,
    observabilityName: config.statName,
    addedViaApi: false,
    edsServiceName: '',
    outlier: cluster.outliers?.status(),
    defaultPriority: limits(config.defaultThresholds),
    highPriority: limits(config.highThresholds),
    hosts: hostStatuses(cluster, slabs),
  };
}

function limits(thresholds: CircuitBreakerThresholds): CircuitBreakerLimits {
  const { maxConnections, maxPendingRequests, maxRequests, maxRetries } = thresholds;
  return { maxConnections, maxPendingRequests, maxRequests, maxRetries };
}

function* hostStatuses(cluster: ManagedCluster, slabs: HostSlabs): Generator<HostStatus> {
  for (const host of cluster.hosts()) {
    const rates = cluster.outliers?.hostRates(host.id);
    const sum = (field: number): number => slabs.sum(host.id, field);
    yield {
      address: addressStatus(host.address, host.port),
      hostname: host.hostname,
      healthFlags: slabs.health[host.id],
      weight: host.weight,
      region: host.region,
      zone: host.zone,
      subZone: host.subZone,
      canary: host.canary,
      priority: host.priority,
      successRate: rates?.external ?? -1,
      localOriginSuccessRate: rates?.local ?? -1,
      counts: {
        cxTotal: sum(HostStat.cxTotal),
        cxActive: sum(HostStat.cxActive),
        cxConnectFail: sum(HostStat.cxConnectFail),
        rqTotal: sum(HostStat.rqTotal),
        rqActive: sum(HostStat.rqActive),
        rqSuccess: sum(HostStat.rqSuccess),
        rqError: sum(HostStat.rqError),
        rqTimeout: sum(HostStat.rqTimeout),
      },
    };
  }
}
