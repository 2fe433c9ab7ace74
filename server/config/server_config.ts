/** What the main thread builds the server from: the bootstrap as plain frozen data. Times in milliseconds. */
import type { AccessLogConfig } from '../../core/access_log/access_log_config.ts';
import type { ListenerConfig, SocketAddressConfig } from '../../core/network/listener/listener_config.ts';
import type { StringMatcherConfig } from '../../core/matcher/matcher_config.ts';
import type { RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';
import type { StatsConfig } from '../../core/stats/stats_config.ts';
import type { WatchdogConfig } from '../watchdog/guarddog.ts';
import type { ParsedCluster } from './cluster_parser.ts';
import type { RuntimeLayerConfig } from './runtime_parser.ts';

export interface NodeConfig {
  readonly id: string;
  readonly cluster: string;
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface AdminConfig {
  /** null: no admin listener. */
  readonly address: SocketAddressConfig | null;
  readonly accessLogs: readonly AccessLogConfig[];
  readonly profilePath: string;
  /** What the admin interface answers at all, matched against path and query; undefined = everything. */
  readonly allowPaths: readonly StringMatcherConfig[] | undefined;
}

export interface ServerConfig {
  /** From the bootstrap; command-line flags go over it. */
  readonly node: NodeConfig;
  readonly admin: AdminConfig;
  readonly listeners: readonly ListenerConfig[];
  readonly clusters: readonly ParsedCluster[];
  /** cluster_manager.local_cluster_name; '' = none. */
  readonly localClusterName: string;
  /** cluster_manager.outlier_detection.event_log_path; '' = none. */
  readonly outlierLogPath: string;
  readonly runtime: RuntimeValues;
  readonly runtimeLayers: readonly RuntimeLayerConfig[];
  readonly stats: StatsConfig;
  /** What `server.version` shows instead of the build's number. */
  readonly versionOverride: number | undefined;
  /** Folder of files that switch things on at the start (server_flags.ts); '' = none. */
  readonly flagsPath: string;
  readonly mainWatchdog: WatchdogConfig;
  readonly workerWatchdog: WatchdogConfig;
}
