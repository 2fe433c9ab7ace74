/**
 * Stats of the process as a whole, by group. Names as Envoy's (`ALL_SERVER_STATS` and its neighbours). Thread: main.
 */
import { createStatGroup, type StatGroup } from '../../core/stats/stat_group.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import type { ServerState } from '../instance.ts';

const NONE = {} as const;

export const SERVER_NAMES = {
  counters: [
    'debug_assertion_failures', 'envoy_bug_failures', 'envoy_notifications', 'dynamic_unknown_fields', 'static_unknown_fields',
    'wip_protos', 'dropped_stat_flushes',
  ],
  gauges: [
    'concurrency', 'days_until_first_cert_expiring', 'seconds_until_first_ocsp_response_expiring', 'hot_restart_epoch',
    'hot_restart_generation', 'live', 'memory_allocated', 'memory_heap_size', 'memory_physical_size', 'parent_connections',
    'state', 'stats_recent_lookups', 'total_connections', 'uptime', 'version',
  ],
  histograms: { initialization_time_ms: 'ms' },
} as const;

export const LISTENER_MANAGER_NAMES = {
  counters: [
    'listener_added', 'listener_create_failure', 'listener_create_success', 'listener_in_place_updated', 'listener_modified',
    'listener_removed', 'listener_stopped',
  ],
  gauges: [
    'total_filter_chains_draining', 'total_listeners_active', 'total_listeners_draining', 'total_listeners_warming',
    'workers_started',
  ],
  histograms: NONE,
} as const;

export const CLUSTER_MANAGER_NAMES = {
  counters: [
    'cluster_added', 'cluster_modified', 'cluster_removed', 'cluster_updated', 'cluster_updated_via_merge',
    'update_merge_cancelled', 'update_out_of_merge_window',
  ],
  gauges: ['active_clusters', 'warming_clusters'],
  histograms: NONE,
} as const;

export const RUNTIME_NAMES = {
  counters: ['deprecated_feature_use', 'load_error', 'load_success', 'override_dir_exists', 'override_dir_not_exists'],
  gauges: ['admin_overrides_active', 'deprecated_feature_seen_since_process_start', 'num_keys', 'num_layers'],
  histograms: NONE,
} as const;

/** Of access-log files; counted by whoever drains the log rings. */
export const FILESYSTEM_NAMES = {
  counters: ['flushed_by_timer', 'reopen_failed', 'write_buffered', 'write_completed', 'write_failed'],
  gauges: ['write_total_buffered'],
  histograms: NONE,
} as const;

export const WATCHDOG_NAMES = { counters: ['watchdog_mega_miss', 'watchdog_miss'], gauges: [], histograms: NONE } as const;

type GroupOf<Names> = Names extends {
  readonly counters: readonly (infer C extends string)[];
  readonly gauges: readonly (infer G extends string)[];
  readonly histograms: infer H;
} ? StatGroup<C, G, keyof H & string> : never;

export type ListenerManagerStats = GroupOf<typeof LISTENER_MANAGER_NAMES>;
export type ClusterManagerStats = GroupOf<typeof CLUSTER_MANAGER_NAMES>;
export type RuntimeStats = GroupOf<typeof RUNTIME_NAMES>;
export type FilesystemStats = GroupOf<typeof FILESYSTEM_NAMES>;
export type WatchdogStats = GroupOf<typeof WATCHDOG_NAMES>;

export function createListenerManagerStats(root: StatsScope): ListenerManagerStats {
  return createStatGroup(root.scope('listener_manager'), LISTENER_MANAGER_NAMES);
}

export function createClusterManagerStats(root: StatsScope): ClusterManagerStats {
  return createStatGroup(root.scope('cluster_manager'), CLUSTER_MANAGER_NAMES);
}

export function createRuntimeStats(root: StatsScope): RuntimeStats {
  return createStatGroup(root.scope('runtime'), RUNTIME_NAMES);
}

export function createFilesystemStats(root: StatsScope): FilesystemStats {
  return createStatGroup(root.scope('filesystem'), FILESYSTEM_NAMES);
}

/** Prefixes under which one thread's watchdog misses are counted. */
export function createWatchdogStats(root: StatsScope, thread: 'main_thread' | `worker_${number}`): readonly WatchdogStats[] {
  const prefixes = [thread === 'main_thread' ? 'main_thread' : 'workers', `server.${thread}`];
  return prefixes.map((prefix) => createStatGroup(root.scope(prefix), WATCHDOG_NAMES));
}

/** Values of `server.state`. */
const STATE_VALUES: Readonly<Record<ServerState, number>> = { LIVE: 0, DRAINING: 1, PRE_INITIALIZING: 2, INITIALIZING: 3 };

/** Shown while no certificate is loaded: the largest 32-bit number. */
const NO_CERTIFICATE_DAYS = 4294967295;

/** What changes by itself and is read before each flush. */
export interface ServerFacts {
  state(): ServerState;
  /** Whole seconds since the start. */
  uptimeSec(): number;
  /** Health checks are not failed by the operator. */
  isLive(): boolean;
  /** Downstream connections of all listeners. */
  totalConnections(): number;
  /** Days until the first certificate expires; undefined = there is none. */
  daysUntilFirstCertExpires(): number | undefined;
}

/** `server.*`. */
export class ServerStats {
  readonly stats: GroupOf<typeof SERVER_NAMES>;
  private readonly facts: ServerFacts;

  /**
   * @param concurrency number of workers
   * @param version `server.version`: a number that stands for the build
   */
  constructor(root: StatsScope, facts: ServerFacts, concurrency: number, version: number) {
    const scope = root.scope('server');
    const stats = createStatGroup(scope, SERVER_NAMES);
    this.stats = stats;
    this.facts = facts;
    scope.gauge('compilation_settings.fips_mode').set(0);
    stats.concurrency.set(concurrency);
    stats.version.set(version);
    stats.hot_restart_epoch.set(0);
    stats.hot_restart_generation.set(1);
    stats.parent_connections.set(0);
    stats.stats_recent_lookups.set(0);
    for (const counter of [stats.dynamic_unknown_fields, stats.static_unknown_fields, stats.wip_protos]) counter.add(0);
    this.update();
  }

  /** Brings the gauges up to date: before each flush. */
  update(): void {
    const { stats, facts } = this;
    const memory = process.memoryUsage();
    stats.live.set(facts.isLive() ? 1 : 0);
    stats.state.set(STATE_VALUES[facts.state()]);
    stats.uptime.set(facts.uptimeSec());
    stats.total_connections.set(facts.totalConnections());
    stats.days_until_first_cert_expiring.set(facts.daysUntilFirstCertExpires() ?? NO_CERTIFICATE_DAYS);
    stats.memory_allocated.set(memory.heapUsed + memory.external);
    stats.memory_heap_size.set(memory.heapTotal + memory.external);
    stats.memory_physical_size.set(memory.rss);
  }
}

/** Whether a gauge counts the downstream connections of one listener; the admin's own do not count. */
export function isListenerConnectionGauge(name: string): boolean {
  return name.startsWith('listener.') && name.endsWith('.downstream_cx_active')
    && !name.startsWith('listener.admin.') && !/\.worker_\d+\.downstream_cx_active$/.test(name);
}
