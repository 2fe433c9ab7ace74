/** A prober of a host on the loopback, as the server makes it. */
import { SystemScheduler } from '../../core/event/scheduler.ts';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { type ClusterConfig, DEFAULT_SOCKET, type EndpointSockets } from '../../core/upstream/cluster_config.ts';
import type { Prober, ProbeListener } from '../../core/upstream/health_prober.ts';
import { CheckFormats } from '../../server/health_checks/check_formats.ts';
import { createHealthCheckStats } from '../../server/health_checks/cluster_health_checker.ts';
import { probersFor } from '../../server/health_checks/create_prober.ts';
import type { HealthCheckConfig } from '../../server/health_checks/health_check_config.ts';
import { createLocalStats } from './local_stats.ts';

const HOST = { address: '10.0.0.1:80', hostname: 'one', metadata: { ns: { k: 'v' } } };

export interface TestProberOptions {
  /** For checks. */
  readonly hostname?: string;
  readonly stats?: ReturnType<typeof createLocalStats>;
  /** Whether names of services are looked at. */
  readonly verifies?: boolean;
  readonly registry?: FactoryRegistry;
  /** Where traffic goes, if not where checks go. */
  readonly trafficPort?: number;
  /** Counts of the host by field (HostStat). */
  readonly counts?: number[];
  /** A connection of checks is made. */
  readonly onCheckConnection?: () => void;
  /** Of the cluster; absent: plain. */
  readonly sockets?: Partial<Pick<ClusterConfig, 'transportSocket' | 'socketConfigs'>>;
  /** Those of the host. */
  readonly names?: EndpointSockets;
}

export function testProber(config: HealthCheckConfig, port: number, answers: ProbeListener, options: TestProberOptions = {}): Prober {
  const { hostname = '', stats = createLocalStats(), verifies = true, registry = new FactoryRegistry(), trafficPort = port, counts = [], onCheckConnection = () => {}, sockets = {}, names = { traffic: DEFAULT_SOCKET, checks: DEFAULT_SOCKET } } = options;
  const formats = new CheckFormats(() => 1_700_000_000_123, () => 7);
  const cluster = { name: 'c', bindAddress: null, connectTimeoutMs: 1000, maxResponseHeadersKb: 80, maxHttp2ResponseHeadersKb: 60, maxResponseHeadersCount: 100, transportSocket: null, ...sockets };
  const create = probersFor(cluster, stats.scope, { scheduler: new SystemScheduler(), verifiesCluster: () => verifies, formats, registry });
  const target = { address: '127.0.0.1', port, hostname, host: HOST, trafficAddress: '127.0.0.1', trafficPort, sockets: names };
  const traffic = { scope: stats.scope, count: (field: number, by: number) => {
    counts[field] = (counts[field] ?? 0) + by;
  }, onCheckConnection };
  return create(config, target, createHealthCheckStats(stats.scope), answers, traffic);
}
