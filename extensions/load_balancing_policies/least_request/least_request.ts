import type { ActiveJournal } from '../../../core/upstream/active_journal.ts';
import { ActiveOrder } from '../../../core/upstream/active_order.ts';
import { ActiveRequests } from '../../../core/upstream/active_requests.ts';
import type { BalancerEnvironment } from '../../../core/upstream/balancer_environment.ts';
import { EdfScheduler } from '../../../core/upstream/edf_scheduler.ts';
import type { Host } from '../../../core/upstream/host.ts';
import type { LeastRequestConfig } from '../../../core/upstream/least_request_config.ts';
import { SlowStart } from '../../../core/upstream/slow_start.ts';
import type { LoadBalancer, LoadBalancerContext } from '../../../core/upstream/load_balancer.ts';

/**
 * Least request. With equal weights: the least busy of `choiceCount` hosts drawn at random (or of all). With different ones, full
 * scan or not: an EDF schedule in which a host's weight shrinks with its active requests, weight / (active + 1)^bias. Active requests are those
 * of all workers.
 */
export class LeastRequestLoadBalancer implements LoadBalancer {
  private hosts: readonly Host[];
  private active: ActiveRequests;
  /** Of full scans only. */
  private order: ActiveOrder | null;
  private weights: Float64Array;
  private scheduler: EdfScheduler | null;
  private readonly config: LeastRequestConfig;
  private readonly random: () => number;
  private readonly environment: BalancerEnvironment;
  private readonly journal: ActiveJournal | null;
  private readonly slowStart: SlowStart | null;
  /** Of the runtime values at the time of the hosts. */
  private bias: number;

  /** `journal`: that of the hosts; needed to be fast with full scans only. */
  constructor(config: LeastRequestConfig, random: () => number, environment: BalancerEnvironment, journal: ActiveJournal | null = null) {
    this.hosts = [];
    this.active = new ActiveRequests([]);
    this.order = null;
    this.weights = new Float64Array(0);
    this.scheduler = null;
    this.config = config;
    this.random = random;
    this.environment = environment;
    this.journal = journal;
    this.slowStart = config.slowStart === undefined ? null : new SlowStart(config.slowStart, environment);
    this.bias = config.activeRequestBias;
  }

  setHosts(hosts: readonly Host[]): void {
    this.hosts = hosts;
    this.scheduler = null;
    this.order = null;
    if (hosts.length === 0) return;
    const first = hosts[0].weight;
    if (hosts.every((host) => host.weight === first) && this.slowStart?.concerns(hosts) !== true) {
      if (this.config.isFullScan) this.order = new ActiveOrder(hosts, this.journal, this.environment);
      else this.active = new ActiveRequests(hosts);
      return;
    }
    this.bias = this.runtimeBias();
    const scheduler = new EdfScheduler(hosts.length);
    this.weights = Float64Array.from(hosts, (host) => this.weightOf(host));
    for (let i = 0; i < hosts.length; i++) scheduler.add(i, this.weights[i]);
    for (let skip = this.random() % hosts.length; skip > 0; skip--) scheduler.pickAndReinsert(this.weights);
    this.scheduler = scheduler;
  }

  chooseHost(context: LoadBalancerContext): Host | null {
    const hosts = this.hosts;
    if (hosts.length === 0) return null;
    // Who will be the least busy depends on what happens until then.
    if (this.scheduler === null && context.isPeek) return null;
    if (this.scheduler === null) return this.order !== null ? hosts[this.order.choose(this.random())] : this.draw();
    const index = this.scheduler.peek();
    this.weights[index] = this.weightOf(hosts[index]);
    return hosts[this.scheduler.pickAndReinsert(this.weights)];
  }

  private draw(): Host {
    const { hosts, active } = this;
    let best = this.random() % hosts.length;
    let least = active.of(best);
    for (let i = 1; i < this.config.choiceCount; i++) {
      const index = this.random() % hosts.length;
      const requests = active.of(index);
      if (requests < least) {
        best = index;
        least = requests;
      }
    }
    return hosts[best];
  }

  /** Below 0 it counts as 1, as in Envoy. */
  private runtimeBias(): number {
    const bias = this.environment.runtime.getNumber(this.config.biasKey, this.config.activeRequestBias);
    return bias < 0 ? 1 : bias;
  }

  private weightOf(host: Host): number {
    const { bias, slowStart } = this;
    const load = bias === 0 ? 1 : host.activeRequests() + 1;
    const weight = host.weight / (bias === 1 ? load : load ** bias);
    return slowStart === null ? weight : slowStart.apply(weight, host);
  }
}
