/** The prober a configuration asks for. Thread: main. */
import type { Scheduler } from '../../core/event/scheduler.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import { type CheckTraffic, type CustomHealthChecker, HEALTH_CHECKER_CATEGORY, type ProbeContext } from '../../core/upstream/health_prober.ts';
import type { CheckFormats } from './check_formats.ts';
import type { CheckTarget, CreateProber } from './cluster_health_checker.ts';
import { GrpcProber } from './grpc_prober.ts';
import type { CustomCheckConfig, HealthCheckConfig } from './health_check_config.ts';
import { Http2Prober } from './http2_prober.ts';
import { HttpProber } from './http_prober.ts';
import { openProbeConnection } from './probe_socket.ts';
import { TcpProber } from './tcp_prober.ts';

/** What probers know of their cluster. */
export type ProbedCluster = Pick<ClusterConfig, 'name' | 'bindAddress' | 'connectTimeoutMs' | 'maxResponseHeadersKb' | 'maxResponseHeadersCount'>;

/** What probers of all clusters share. */
export interface ProbeEnvironment {
  readonly scheduler: Scheduler;
  /** Whether runtime has service_name_matcher looked at this time. */
  readonly verifiesCluster: () => boolean;
  readonly formats: CheckFormats;
  /** Of checkers that are extensions. */
  readonly registry: FactoryRegistry;
}

export function probersFor(cluster: ProbedCluster, environment: ProbeEnvironment): CreateProber {
  const { name: clusterName, bindAddress } = cluster;
  const { verifiesCluster, formats } = environment;
  const limits = { maxHeadersKb: cluster.maxResponseHeadersKb, maxHeaders: cluster.maxResponseHeadersCount };
  return (config, target, stats, listener, traffic) => {
    const { checker } = config;
    const onConnect = () => traffic.onCheckConnection();
    switch (checker.kind) {
      case 'http': {
        const options = { config, check: checker, target, clusterName, bindAddress, stats, verifiesCluster, formats, limits, onConnect };
        return checker.isHttp2 ? new Http2Prober(options, listener) : new HttpProber(options, listener);
      }
      case 'grpc':
        return new GrpcProber({ config, check: checker, target, clusterName, bindAddress, formats, limits, onConnect }, listener);
      case 'custom':
        return customChecker(checker, environment.registry).createProber(probeContext(config, checker, target, traffic, cluster, environment.scheduler), listener);
      default:
        return new TcpProber({ check: checker, target, bindAddress, reuseConnection: config.reuseConnection, onConnect }, listener);
    }
  };
}

function customChecker({ extension }: CustomCheckConfig, registry: FactoryRegistry): CustomHealthChecker {
  const factory = registry.get(HEALTH_CHECKER_CATEGORY, extension.typeName);
  if (factory === undefined) throw new Error(`no factory for ${extension.typeName}`);
  return factory.createFactory(extension.config, undefined) as CustomHealthChecker;
}

function probeContext(
  { reuseConnection }: HealthCheckConfig, { credentials }: CustomCheckConfig, target: CheckTarget, traffic: CheckTraffic,
  { bindAddress, connectTimeoutMs }: ProbedCluster, scheduler: Scheduler,
): ProbeContext {
  const trafficTarget = { address: target.trafficAddress, port: target.trafficPort };
  return {
    scheduler, reuseConnection, connectTimeoutMs, traffic, credentials,
    connect: (to, events) => {
      if (to === 'checks') traffic.onCheckConnection();
      return openProbeConnection(to === 'traffic' ? trafficTarget : target, bindAddress, events);
    },
  };
}
