/**
 * What one worker learns from traffic about one host, for outlier detection, health checks and weights by load. Every word has one writer, yet failures in a row are those of all
 * workers together: each worker notes its own count with the mark at which it was made, the mark being everything that ends a row
 * (successes of all workers, rows ended by main). Counts made at another mark are over. Only a failure reads other workers' words.
 * Semantics: Envoy docs intro/arch_overview/upstream/outlier.
 */
import { HEALTH_GENERATION, HostHealthFlag, OUTLIER_KINDS, OUTLIER_WORDS, OutlierKind, OutlierWord, PASSIVE_FAILURE } from '../shared_memory/layout.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import type { ErrorPredicate } from './error_predicate.ts';
import type { LoadReports } from './load_reports/load_reports.ts';

/** A row of failures that is as long as the cluster allows, or that a host said to leave it out. */
export interface OutlierReport {
  readonly clusterId: number;
  readonly hostId: number;
  /** OutlierKind or PASSIVE_FAILURE. */
  readonly kind: number;
  /** The host's word of `resets` then: a report of a row that has been dealt with is stale. 0 of PASSIVE_FAILURE. */
  readonly resets: number;
}

/** The words of all threads, as one worker sees them. */
export interface OutlierShared {
  readonly workerIndex: number;
  /** Index = worker. */
  readonly counts: readonly Float64Array[];
  readonly resets: Int32Array;
  readonly thresholds: Int32Array;
  /** Health words of hosts. */
  readonly health: Int32Array;
  /** Tells main. Once per row. */
  report(report: OutlierReport): void;
}

/** One cluster on one worker. */
export interface OutlierReporting {
  readonly shared: OutlierShared;
  readonly clusterId: number;
  /** split_external_local_origin_errors. */
  readonly splitsLocalOrigin: boolean;
  /** Which responses are errors; null = those with 5xx. */
  readonly isError: ErrorPredicate | null;
  /** Somebody checks the hosts' health, so what they say of it themselves matters. */
  readonly isHealthChecked: boolean;
  /** Reads what hosts report of their load; null = they report none, or nobody cares. */
  readonly loads: LoadReports | null;
}

/** Words whose sum ends rows of each kind. */
const ENDED_BY: readonly number[] = [OutlierWord.success, OutlierWord.nonGateway, OutlierWord.localSuccess];

export class OutlierMonitor {
  private readonly cluster: OutlierReporting;
  private readonly hostId: number;
  private readonly own: Float64Array;
  private readonly base: number;
  /** `resets` when a row of that kind was last reported; -1 = never. */
  private readonly reported: Int32Array;
  readonly isError: ErrorPredicate | null;
  readonly isHealthChecked: boolean;
  private readonly loads: LoadReports | null;
  /** HEALTH_GENERATION when main was last told that the host wants to be left out; -1 = never. */
  private toldAt: number;

  constructor(cluster: OutlierReporting, hostId: number) {
    this.cluster = cluster;
    this.hostId = hostId;
    this.own = cluster.shared.counts[cluster.shared.workerIndex];
    this.base = hostId * OUTLIER_WORDS;
    this.reported = new Int32Array(OUTLIER_KINDS).fill(-1);
    this.isError = cluster.isError;
    this.isHealthChecked = cluster.isHealthChecked;
    this.loads = cluster.loads;
    this.toldAt = -1;
  }

  /** A response, or what stands for one. */
  onResponse(status: number): void {
    const { own, base } = this;
    own[base + OutlierWord.total]++;
    if (status < 500 || status > 599) {
      own[base + OutlierWord.success]++;
      own[base + OutlierWord.nonGateway]++;
      return;
    }
    if (status >= 502 && status <= 504) this.onFailure(OutlierKind.consecutiveGatewayFailure);
    else own[base + OutlierWord.nonGateway]++;
    this.onFailure(OutlierKind.consecutive5xx);
  }

  /** Headers or trailers of a response; whether they had a report of the host's load. */
  readLoad(message: HeaderMap): boolean {
    return this.loads?.onMessage(message, this.hostId) ?? false;
  }

  /** A request has a connection. */
  onConnected(): void {
    if (!this.cluster.splitsLocalOrigin) return;
    this.own[this.base + OutlierWord.localTotal]++;
    this.own[this.base + OutlierWord.localSuccess]++;
  }

  /** No connection, or it was cut. */
  onConnectionFailure(): void {
    this.onLocalOriginFailure(503);
  }

  /** No response in time; `status`: what the client is told. */
  onTimeout(status: number): void {
    this.onLocalOriginFailure(status);
  }

  /**
   * The host said to leave it out (x-envoy-immediate-health-check-fail). Main is told when it does not know: not again while the
   * host is left out, nor before main has done anything.
   */
  onImmediateFail(): void {
    const { shared, clusterId } = this.cluster;
    this.own[this.base + OutlierWord.passiveFailures]++;
    const generation = shared.health[HEALTH_GENERATION];
    if (this.toldAt === generation || (shared.health[this.hostId] & HostHealthFlag.excludedViaImmediateHcFail) !== 0) return;
    this.toldAt = generation;
    shared.report({ clusterId, hostId: this.hostId, kind: PASSIVE_FAILURE, resets: 0 });
  }

  private onLocalOriginFailure(status: number): void {
    if (!this.cluster.splitsLocalOrigin) {
      this.onResponse(status);
      return;
    }
    this.own[this.base + OutlierWord.localTotal]++;
    this.onFailure(OutlierKind.consecutiveLocalOriginFailure);
  }

  private onFailure(kind: number): void {
    const { own, base, cluster } = this;
    const { counts, resets, thresholds } = cluster.shared;
    const ended = resets[this.hostId * OUTLIER_KINDS + kind];
    let mark = ended;
    for (let i = 0; i < counts.length; i++) mark += counts[i][base + ENDED_BY[kind]];
    const at = base + OutlierWord.consecutive + kind;
    if (own[base + OutlierWord.mark + kind] === mark) own[at]++;
    else {
      own[at] = 1;
      own[base + OutlierWord.mark + kind] = mark;
    }
    let inARow = 0;
    for (let i = 0; i < counts.length; i++) if (counts[i][base + OutlierWord.mark + kind] === mark) inARow += counts[i][at];
    const threshold = thresholds[cluster.clusterId * OUTLIER_KINDS + kind];
    if (threshold === 0 || inARow < threshold || this.reported[kind] === ended) return;
    this.reported[kind] = ended;
    cluster.shared.report({ clusterId: cluster.clusterId, hostId: this.hostId, kind, resets: ended });
  }
}
