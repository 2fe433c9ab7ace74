/** The prober a configuration asks for. Thread: main. */
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import type { CreateProber } from './cluster_health_checker.ts';
import { HttpProber } from './http_prober.ts';
import { TcpProber } from './tcp_prober.ts';

/** `verifiesCluster`: whether runtime has service_name_matcher looked at this time. */
export function probersFor(cluster: Pick<ClusterConfig, 'name' | 'bindAddress'>, verifiesCluster: () => boolean): CreateProber {
  const { name: clusterName, bindAddress } = cluster;
  return (config, target, stats, listener) => {
    const { checker } = config;
    return checker.kind === 'http'
      ? new HttpProber({ config, check: checker, target, clusterName, bindAddress, stats, verifiesCluster }, listener)
      : new TcpProber({ check: checker, target, bindAddress, reuseConnection: config.reuseConnection }, listener);
  };
}
