import type { HeaderMap } from '../headers/header_map.ts';
import type { HeaderNames } from '../headers/header_names.ts';
import { compileHeaderMatchers, type HeaderMatcher, matchesAllHeaders } from '../matcher/header_matcher.ts';
import type { Counter, StatsScope } from '../stats/stats.ts';
import { ResponseCodeStats } from '../upstream/response_code_stats.ts';
import type { VirtualClusterConfig } from './route_config.ts';

const OTHER = 'other';

/** What the router counts below `vhost.<name>.vcluster.<name>.` and `vhost.<name>.route.<stat_prefix>.`. */
export class RequestStats {
  /** Requests that got an upstream connection. */
  readonly rqTotal: Counter;
  readonly rqTimeout: Counter;
  readonly rqRetry: Counter;
  readonly rqRetryLimitExceeded: Counter;
  readonly rqRetryOverflow: Counter;
  readonly rqRetrySuccess: Counter;
  readonly codes: ResponseCodeStats;

  constructor(scope: StatsScope) {
    this.rqRetry = scope.counter('upstream_rq_retry');
    this.rqRetryLimitExceeded = scope.counter('upstream_rq_retry_limit_exceeded');
    this.rqRetryOverflow = scope.counter('upstream_rq_retry_overflow');
    this.rqRetrySuccess = scope.counter('upstream_rq_retry_success');
    this.rqTotal = scope.counter('upstream_rq_total');
    this.rqTimeout = scope.counter('upstream_rq_timeout');
    this.codes = new ResponseCodeStats(scope);
  }
}

/** A class of requests that are counted together. */
export class VirtualCluster {
  /** '' for the requests of no other. */
  readonly name: string;
  /** null where nothing is counted. */
  readonly stats: RequestStats | null;

  constructor(name: string, scope: StatsScope | null) {
    this.name = name;
    this.stats = scope === null ? null : new RequestStats(scope.rawScope(name === '' ? OTHER : name));
  }
}

/** The virtual clusters of a virtual host, in order, and the one for requests that are in none of them. */
export class VirtualClusters {
  private readonly clusters: readonly { readonly headers: readonly HeaderMatcher[]; readonly cluster: VirtualCluster }[];
  private readonly other: VirtualCluster;

  /** `scope` is that of the virtual host. */
  constructor(configs: readonly VirtualClusterConfig[], names: HeaderNames, scope: StatsScope | null) {
    const below = scope === null ? null : scope.rawScope('vcluster');
    this.clusters = configs.map((config) => ({ headers: compileHeaderMatchers(config.headers, names), cluster: new VirtualCluster(config.name, below) }));
    this.other = new VirtualCluster('', below);
  }

  /** The first whose headers all match, else the one counted as `other`. */
  find(headers: HeaderMap): VirtualCluster {
    const clusters = this.clusters;
    for (let i = 0; i < clusters.length; i++) if (matchesAllHeaders(clusters[i].headers, headers)) return clusters[i].cluster;
    return this.other;
  }
}
