/** Clusters and hosts as the admin interface shows them. Thread: main. */
import type { RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';
import { CircuitKind, HostStat } from '../../core/shared_memory/layout.ts';
import { circuitLimits } from '../../core/upstream/circuit_limits.ts';
import { addressStatus } from '../address_status.ts';
import type { CircuitBreakerLimits, ClusterStatus, HostStatus } from '../instance.ts';
import type { HostSlabs } from './host_table.ts';
import type { ManagedCluster } from './managed_cluster.ts';

export function clusterStatus(cluster: ManagedCluster, slabs: HostSlabs, runtime: RuntimeSnapshot): ClusterStatus {
  const { config } = cluster;
  return {
    name: config.name,
    observabilityName: config.statName,
    addedViaApi: false,
    edsServiceName: '',
    outlier: cluster.outliers?.status(),
    defaultPriority: limits(cluster, 0, runtime),
    highPriority: limits(cluster, 1, runtime),
    hosts: hostStatuses(cluster, slabs),
  };
}

/** As runtime has them; with a retry budget the number of retries is what it would be without. */
function limits({ config }: ManagedCluster, priority: 0 | 1, runtime: RuntimeSnapshot): CircuitBreakerLimits {
  const { limits } = circuitLimits(priority === 0 ? config.defaultThresholds : config.highThresholds, config.name, priority, runtime);
  return {
    maxConnections: limits[CircuitKind.connections], maxPendingRequests: limits[CircuitKind.pending], maxRequests: limits[CircuitKind.requests],
    maxRetries: limits[CircuitKind.retries],
  };
}

function* hostStatuses(cluster: ManagedCluster, slabs: HostSlabs): Generator<HostStatus> {
  for (const host of cluster.hosts()) {
    const rates = cluster.outliers?.hostRates(host.id);
    const sum = (field: number): number => slabs.sum(host.id, field);
    yield {
      address: addressStatus(host.address, host.port),
      hostname: host.hostname,
      healthFlags: slabs.health[host.id],
      weight: slabs.weight(host.id, host.weight),
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
