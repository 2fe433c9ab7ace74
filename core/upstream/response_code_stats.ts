import type { Counter, Histogram, StatsScope } from '../stats/stats.ts';

/** Counters of response codes below one prefix: `upstream_rq_200`, `upstream_rq_2xx`, `upstream_rq_completed`. */
export class ResponseCodeCounters {
  private readonly scope: StatsScope;
  private readonly byCode: (Counter | null)[];
  private readonly byClass: (Counter | null)[];
  private readonly completed: Counter;
  /** Statuses of no class. */
  private unknown: Counter | null;

  constructor(scope: StatsScope) {
    this.scope = scope;
    this.byCode = new Array<Counter | null>(600).fill(null);
    this.byClass = new Array<Counter | null>(6).fill(null);
    this.completed = scope.counter('upstream_rq_completed');
    this.unknown = null;
  }

  /** Counts one response. A code seen for the first time makes its counter. */
  charge(status: number): void {
    this.completed.inc();
    if (status < 100 || status > 599) {
      this.unknown ??= this.scope.counter('upstream_rq_unknown');
      this.unknown.inc();
      return;
    }
    const byCode = this.byCode[status];
    if (byCode !== null) byCode.inc();
    else this.firstOf(status);
    const kind = (status / 100) | 0;
    const byClass = this.byClass[kind];
    if (byClass !== null) byClass.inc();
    else this.firstOfClass(kind);
  }

  /** The same without saying which. */
  chargeCompleted(): void {
    this.completed.inc();
  }

  private firstOf(status: number): void {
    const counter = this.scope.counter(`upstream_rq_${status}`);
    this.byCode[status] = counter;
    counter.inc();
  }

  private firstOfClass(kind: number): void {
    const counter = this.scope.counter(`upstream_rq_${kind}xx`);
    this.byClass[kind] = counter;
    counter.inc();
  }
}

/** The same with `upstream_rq_time`. */
export class ResponseCodeStats extends ResponseCodeCounters {
  readonly time: Histogram;

  constructor(scope: StatsScope) {
    super(scope);
    this.time = scope.histogram('upstream_rq_time', 'ms');
  }
}
