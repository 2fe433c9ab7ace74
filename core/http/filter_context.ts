import type { AccessLogger } from '../access_log/access_log.ts';
import type { AccessLogConfig } from '../access_log/access_log_config.ts';
import type { TurnBuffer } from '../buffer/turn_buffer.ts';
import type { Timer } from '../event/timer.ts';
import type { FormatEnvironment } from '../formatter/format_environment.ts';
import type { HeaderNames } from '../headers/header_names.ts';
import type { StatsScope } from '../stats/stats.ts';
import type { TimerTarget } from './filter.ts';
import type { ClusterLookup } from '../conn_pool/cluster_lookup.ts';
import type { ProcessCount } from '../shared_memory/process_counts.ts';
import type { ExtensionConfig } from '../registry/parse_context.ts';
import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';

/** Facts about the whole server that filters ask: read from shared-memory words, so current on every thread. */
export interface ServerFacts {
  /** Whether a response sent now should end its connection because the server or this kind of listener drains. Gradual
   *  draining is a matter of chance: `random` in [0, 2^32). `isInbound`: the listener's traffic_direction is INBOUND. */
  shouldDrainClose(honoursHealthCheckFail: boolean, isInbound: boolean, random: number): boolean;
  /** /healthcheck/fail was called. */
  isHealthCheckFailed(): boolean;
  /** Percentage [0, 100] of healthy hosts of a cluster, or -1 when the cluster does not exist, and its host count in membershipTotal. */
  clusterHealthyPercent(cluster: string): number;
  clusterMembershipTotal(cluster: string): number;
  /** Percentage of degraded hosts, -1 when the cluster does not exist. */
  clusterDegradedPercent(cluster: string): number;
  /** The process-wide count of that name, 0 at first: for limits that hold for all workers together. At configuration time only. */
  processCount(name: string): ProcessCount;
}

/** What filters need of their worker's loop. */
export interface FilterDispatcher {
  readonly nowMs: number;
  readonly wallMs: number;
  createTimer(target: TimerTarget): Timer;
  /** Runs `work` in a turn: in the one under way, or in one of its own. */
  run(work: () => void): void;
  /** Counts and logs an exception that nobody caught. */
  reportException(error: unknown): void;
  /** Calls `onDeferredDelete` at the end of the turn. */
  deferDelete(object: { onDeferredDelete(): void }): void;
}

/** A timer that is thrown away when it has served. */
export interface OneShotTimer extends Timer {
  /** Takes it off the wheel, so that nothing holds on to it. */
  close(): void;
}

/** What `createFactory` of an HTTP filter gets on each worker. */
export interface HttpFilterContext {
  /** `http.<stat_prefix>.` of the connection manager. */
  readonly scope: StatsScope;
  /** The root scope. */
  readonly rootScope: StatsScope;
  /** Names are interned here, at this time only. */
  readonly names: HeaderNames;
  readonly runtime: RuntimeSnapshot;
  /** For compiling substitution formats (`compileHeaderValue`), at this time only. */
  readonly formatEnvironment: FormatEnvironment;
  readonly server: ServerFacts;
  /** Access loggers of a configuration, compiled for this thread; at this time only. */
  createAccessLoggers(configs: readonly AccessLogConfig[]): readonly AccessLogger[];
  /** What the factory registered in a category makes of an extension on this thread; at this time only. */
  product(category: string, extension: ExtensionConfig): unknown;
  /** This thread's clusters. */
  readonly clusters: ClusterLookup;
  /** The slab that body ranges without memory of their own refer to. */
  readonly slab: Uint8Array;
  /** What header maps made by a filter borrow from. */
  readonly turn: TurnBuffer;
  /** This machine's address, without port. */
  readonly localAddress: string;
  readonly dispatcher: FilterDispatcher;
  /** A timer that belongs to no stream: an exception in it ends nothing. */
  createTimer(target: TimerTarget): OneShotTimer;
  /** [0] monotonic, [1] wall-clock milliseconds of this turn. */
  readonly clock: Float64Array;
  /** Random integer in [0, 2^31). */
  random(): number;
  readonly localClusterName: string;
  /** node.cluster, node.id of the bootstrap. */
  readonly nodeCluster: string;
  readonly nodeId: string;
}

/** Category of HTTP filters that may stand between a router's try and its upstream. */
export const UPSTREAM_HTTP_FILTER_CATEGORY = 'envoy.filters.http.upstream';

/** Category of per-route configurations of HTTP filters: `parse` gives plain data, `createFactory` what `routeConfig()` returns. */
export const HTTP_FILTER_ROUTE_CATEGORY = 'envoy.filters.http.per_route';
