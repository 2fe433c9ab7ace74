import type { HttpFilterContext } from '../../../../core/http/filter_context.ts';
import type { RuntimeSnapshot } from '../../../../core/runtime/runtime_snapshot.ts';
import type { ProcessCount } from '../../../../core/shared_memory/process_counts.ts';
import { sanitizeStatName } from '../../../../core/stats/stat_name.ts';
import type { Counter, Gauge, StatsScope } from '../../../../core/stats/stats.ts';

/** Downstream clusters with stats of their own: their names come from a request header, so their number has to end. */
const DOWNSTREAM_CLUSTERS_MAX = 256;

/** What a downstream cluster (x-envoy-downstream-service-cluster) has of its own: runtime keys and counters. */
export class DownstreamCluster {
  readonly delayPercentKey: string;
  readonly abortPercentKey: string;
  readonly delayDurationKey: string;
  readonly abortHttpStatusKey: string;
  readonly abortGrpcStatusKey: string;
  private readonly scope: StatsScope | null;
  private delaysInjected: Counter | null;
  private abortsInjected: Counter | null;

  /** Without a scope it has runtime keys only. */
  constructor(name: string, scope: StatsScope | null) {
    this.delayPercentKey = `fault.http.${name}.delay.fixed_delay_percent`;
    this.abortPercentKey = `fault.http.${name}.abort.abort_percent`;
    this.delayDurationKey = `fault.http.${name}.delay.fixed_duration_ms`;
    this.abortHttpStatusKey = `fault.http.${name}.abort.http_status`;
    this.abortGrpcStatusKey = `fault.http.${name}.abort.grpc_status`;
    this.scope = scope;
    this.delaysInjected = null;
    this.abortsInjected = null;
  }

  /** A counter comes into being with its first fault: names nobody injected anything for do not show up. */
  countDelay(): void {
    if (this.scope === null) return;
    this.delaysInjected ??= this.scope.counter('delays_injected');
    this.delaysInjected.inc();
  }

  countAbort(): void {
    if (this.scope === null) return;
    this.abortsInjected ??= this.scope.counter('aborts_injected');
    this.abortsInjected.inc();
  }
}

/** What all streams of one fault filter on this worker share. */
export class FaultShared {
  readonly runtime: RuntimeSnapshot;
  readonly abortsInjected: Counter;
  readonly delaysInjected: Counter;
  private readonly faultsOverflow: Counter;
  readonly responseRlInjected: Counter;
  private readonly activeFaults: Gauge;
  /** The gauge's sum over all workers: the limit of active faults is one for the process. */
  private readonly allActiveFaults: ProcessCount;
  private readonly scope: StatsScope;
  private readonly randomSource: () => number;
  private readonly clusters: Map<string, DownstreamCluster>;

  constructor(context: HttpFilterContext) {
    const scope = context.scope.scope('fault');
    this.runtime = context.runtime;
    this.abortsInjected = scope.counter('aborts_injected');
    this.delaysInjected = scope.counter('delays_injected');
    this.faultsOverflow = scope.counter('faults_overflow');
    this.responseRlInjected = scope.counter('response_rl_injected');
    this.activeFaults = scope.gauge('active_faults');
    this.allActiveFaults = context.server.processCount(`${scope.prefix}.active_faults`);
    this.scope = scope;
    this.randomSource = () => context.random();
    this.clusters = new Map();
  }

  /** Counts one more active fault, unless there are `max` in the process already (-1 = no limit). Two workers may take the last place at once. */
  begin(max: number): boolean {
    if (max >= 0 && this.allActiveFaults.total() >= max) {
      this.faultsOverflow.inc();
      return false;
    }
    this.activeFaults.inc();
    this.allActiveFaults.add(1);
    return true;
  }

  /** One that began is over. */
  end(): void {
    this.activeFaults.dec();
    this.allActiveFaults.add(-1);
  }

  /** Each fault throws its own dice. */
  random(): number {
    return this.randomSource();
  }

  /** The downstream cluster of that name. */
  downstreamCluster(name: string): DownstreamCluster {
    const known = this.clusters.get(name);
    if (known !== undefined) return known;
    const hasRoom = this.clusters.size < DOWNSTREAM_CLUSTERS_MAX;
    const cluster = new DownstreamCluster(name, hasRoom ? this.scope.scope(sanitizeStatName(name)) : null);
    if (hasRoom) this.clusters.set(name, cluster);
    return cluster;
  }
}
