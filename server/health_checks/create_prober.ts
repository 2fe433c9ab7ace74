/** The prober a configuration asks for. Thread: main. */
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import type { CheckFormats } from './check_formats.ts';
import type { CreateProber } from './cluster_health_checker.ts';
import { GrpcProber } from './grpc_prober.ts';
import { Http2Prober } from './http2_prober.ts';
import { HttpProber } from './http_prober.ts';
import { TcpProber } from './tcp_prober.ts';

/** `verifiesCluster`: whether runtime has service_name_matcher looked at this time. */
export function probersFor(cluster: Pick<ClusterConfig, 'name' | 'bindAddress'>, verifiesCluster: () => boolean, formats: CheckFormats): CreateProber {
  const { name: clusterName, bindAddress } = cluster;
  return (config, target, stats, listener) => {
    const { checker } = config;
    switch (checker.kind) {
      case 'http': {
        const options = { config, check: checker, target, clusterName, bindAddress, stats, verifiesCluster, formats };
        return checker.isHttp2 ? new Http2Prober(options, listener) : new HttpProber(options, listener);
      }
      case 'grpc':
        return new GrpcProber({ config, check: checker, target, clusterName, bindAddress, formats }, listener);
      default:
        return new TcpProber({ check: checker, target, bindAddress, reuseConnection: config.reuseConnection }, listener);
    }
  };
}
