import type { TurnBuffer } from '../buffer/turn_buffer.ts';
import type { ClusterLookup } from '../conn_pool/cluster_lookup.ts';
import type { FormatNeeds } from '../formatter/format_environment.ts';
import type { HeaderNames } from '../headers/header_names.ts';
import type { TimerTarget } from '../http/filter.ts';
import type { OneShotTimer } from '../http/filter_context.ts';
import type { HttpFilterConfig } from '../registry/http_filter_config.ts';
import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import type { Counter, StatsScope } from '../stats/stats.ts';
import type { UpstreamFilters } from './upstream_filters.ts';
import type { UpstreamLog, UpstreamLogConfig } from './upstream_log.ts';

/** envoy.extensions.filters.http.router.v3.Router as plain data. */
export interface RouterConfig {
  readonly suppressEnvoyHeaders: boolean;
  readonly respectExpectedRqTimeout: boolean;
  /** Response codes and times are counted per cluster. */
  readonly dynamicStats: boolean;
  /** Response codes of gRPC requests are not counted for the cluster as a whole: their outcome is the gRPC status. */
  readonly suppressGrpcCodeStats: boolean;
  /** Names of x-envoy-* headers whose malformed values are refused. */
  readonly strictCheckHeaders: readonly string[];
  /** null = tries are not logged. */
  readonly upstreamLog: UpstreamLogConfig | null;
  /** What each try to a cluster without filters of its own passes; null = nothing. */
  readonly upstreamFilters: readonly HttpFilterConfig[] | null;
}

/** `http.<stat_prefix>.` counters of the router. */
export class RouterStats {
  readonly noRoute: Counter;
  readonly noCluster: Counter;
  readonly rqDirectResponse: Counter;
  readonly rqRedirect: Counter;
  readonly rqTotal: Counter;
  readonly rqResetAfterDownstreamResponseStarted: Counter;
  /** Redirects from upstream that were passed on although the route follows some. */
  readonly redirectBadLocation: Counter;
  readonly redirectUnsafeScheme: Counter;
  readonly redirectTooMany: Counter;
  readonly redirectNoRoute: Counter;
  readonly redirectPredicate: Counter;

  constructor(scope: StatsScope) {
    this.noRoute = scope.counter('no_route');
    this.noCluster = scope.counter('no_cluster');
    this.rqDirectResponse = scope.counter('rq_direct_response');
    this.rqRedirect = scope.counter('rq_redirect');
    this.rqTotal = scope.counter('rq_total');
    this.rqResetAfterDownstreamResponseStarted = scope.counter('rq_reset_after_downstream_response_started');
    this.redirectBadLocation = scope.counter('passthrough_internal_redirect_bad_location');
    this.redirectUnsafeScheme = scope.counter('passthrough_internal_redirect_unsafe_scheme');
    this.redirectTooMany = scope.counter('passthrough_internal_redirect_too_many_redirects');
    this.redirectNoRoute = scope.counter('passthrough_internal_redirect_no_route');
    this.redirectPredicate = scope.counter('passthrough_internal_redirect_predicate');
  }
}

/** What all routers of a filter chain share on a worker. */
export interface RouterContext {
  readonly config: RouterConfig;
  readonly stats: RouterStats;
  readonly clusters: ClusterLookup;
  readonly names: HeaderNames;
  /** Ids of `config.strictCheckHeaders`. */
  readonly strictHeaderIds: readonly number[];
  /** Id of x-envoy-original-url. */
  readonly originalUrlId: number;
  readonly runtime: RuntimeSnapshot;
  /** null = tries are not logged. */
  readonly upstreamLog: UpstreamLog | null;
  /** null = tries to clusters without filters of their own pass none. */
  readonly upstreamFilters: UpstreamFilters | null;
  readonly formatNeeds: Readonly<FormatNeeds>;
  readonly turnSlab: Uint8Array;
  readonly turn: TurnBuffer;
  /** The worker's clock, see Io. */
  readonly clock: Float64Array;
  /** This machine's address, without port. */
  readonly localAddress: string;
  /** Counts and logs an exception that ends no stream. */
  reportException(error: unknown): void;
  /** A timer that belongs to no stream. */
  createTimer(target: TimerTarget): OneShotTimer;
  /** Counters of requests that are made here: `http.async-client.`; made when the first one is. */
  shadowStats(): RouterStats;
}
