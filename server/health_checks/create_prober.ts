/** The prober a configuration asks for. Thread: main. */
import type { Scheduler } from '../../core/event/scheduler.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import { type CheckTraffic, type CustomHealthChecker, HEALTH_CHECKER_CATEGORY, type ProbeContext } from '../../core/upstream/health_prober.ts';
import type { CheckFormats } from './check_formats.ts';
import type { CheckScheme } from './check_request.ts';
import type { CheckTarget, CreateProber } from './cluster_health_checker.ts';
import { GrpcProber } from './grpc_prober.ts';
import { checkerType, type CustomCheckConfig, type HealthCheckConfig } from './health_check_config.ts';
import { Http2Prober } from './http2_prober.ts';
import { HttpProber } from './http_prober.ts';
import { openProbeConnection, type ProbeRoute } from './probe_socket.ts';
import { type ProbeSecurity, ProbeSockets } from './probe_tls.ts';
import { TcpProber } from './tcp_prober.ts';

/** What probers know of their cluster. */
export type ProbedCluster = Pick<ClusterConfig, 'name' | 'bindAddress' | 'connectTimeoutMs' | 'maxResponseHeadersKb' | 'maxHttp2ResponseHeadersKb' | 'maxResponseHeadersCount' | 'transportSocket' | 'socketConfigs'>;

/** What probers of all clusters share. */
export interface ProbeEnvironment {
  readonly scheduler: Scheduler;
  /** Whether runtime has service_name_matcher looked at this time. */
  readonly verifiesCluster: () => boolean;
  readonly formats: CheckFormats;
  /** Of checkers that are extensions, and of transport sockets. */
  readonly registry: FactoryRegistry;
}

/** `scope`: `cluster.<name>`. */
export function probersFor(cluster: ProbedCluster, scope: StatsScope, environment: ProbeEnvironment): CreateProber {
  const { name: clusterName, bindAddress } = cluster;
  const sockets = new ProbeSockets(cluster, scope, environment.registry);
  const { verifiesCluster, formats } = environment;
  const limits = { maxHeadersKb: cluster.maxResponseHeadersKb, maxHeaders: cluster.maxResponseHeadersCount };
  const http2Limits = { ...limits, maxHeadersKb: cluster.maxHttp2ResponseHeadersKb };
  return (config, target, stats, listener, traffic) => {
    const { checker } = config;
    const onConnect = () => traffic.onCheckConnection();
    const { address, port } = target;
    const route: ProbeRoute = { address, port, bindAddress, security: security(sockets, target, isOfTraffic(checker) ? [] : config.alpnProtocols) };
    const scheme: CheckScheme = sockets.of(target.sockets.traffic) === null ? 'http' : 'https';
    switch (checker.kind) {
      case 'http': {
        const options = { config, check: checker, target, route, scheme, clusterName, stats, verifiesCluster, formats, limits, onConnect };
        return checker.isHttp2 ? new Http2Prober({ ...options, limits: http2Limits }, listener) : new HttpProber(options, listener);
      }
      case 'grpc':
        return new GrpcProber({ config, check: checker, target, route, scheme, clusterName, formats, limits: http2Limits, onConnect }, listener);
      case 'custom':
        return customChecker(checker, environment.registry).createProber(probeContext(config, checker, route, target, traffic, cluster, environment.scheduler), listener);
      default:
        return new TcpProber({ check: checker, route, reuseConnection: config.reuseConnection, onConnect }, listener);
    }
  };
}

/** Of the socket that the connections of checks get; null = they are plain. */
function security(sockets: ProbeSockets, target: CheckTarget, alpnProtocols: readonly string[]): ProbeSecurity | null {
  const socket = sockets.of(target.sockets.checks);
  return socket === null ? null : { socket, hostname: target.host.hostname, alpnProtocols };
}

/** Checks of Redis go over connections of traffic: what is said of those of checks does not matter. */
function isOfTraffic(checker: HealthCheckConfig['checker']): boolean {
  return checkerType(checker) === 'REDIS';
}

function customChecker({ extension }: CustomCheckConfig, registry: FactoryRegistry): CustomHealthChecker {
  const factory = registry.get(HEALTH_CHECKER_CATEGORY, extension.typeName);
  if (factory === undefined) throw new Error(`no factory for ${extension.typeName}`);
  return factory.createFactory(extension.config, undefined) as CustomHealthChecker;
}

function probeContext(
  { reuseConnection }: HealthCheckConfig, { credentials }: CustomCheckConfig, route: ProbeRoute, target: CheckTarget, traffic: CheckTraffic,
  { connectTimeoutMs }: ProbedCluster, scheduler: Scheduler,
): ProbeContext {
  const trafficRoute = { ...route, address: target.trafficAddress, port: target.trafficPort };
  return {
    scheduler, reuseConnection, connectTimeoutMs, traffic, credentials,
    connect: (to, events) => {
      if (to === 'checks') traffic.onCheckConnection();
      return openProbeConnection(to === 'traffic' ? trafficRoute : route, events);
    },
  };
}
