/**
 * Weights that hosts have by what they report of their load, on one worker. Each worker writes down what it read, with the time; all
 * look at the newest report of any of them, so that they come to the same weights. Semantics: Envoy api
 * extensions/load_balancing_policies/client_side_weighted_round_robin/v3.
 */
import { HOST_LOAD_WORDS, HostLoad } from '../../shared_memory/layout.ts';
import type { LoadWeightsConfig } from '../cluster_config.ts';

/** What gets weights. */
export interface WeighedHost {
  readonly config: { readonly id: number };
  weight: number;
}

export class LoadWeights {
  readonly config: LoadWeightsConfig;
  private readonly own: Float64Array;
  private readonly all: readonly Float64Array[];
  private readonly nowMs: () => number;

  /** `own`: load words of hosts of this worker, `all` those of every worker, the same object among them. `nowMs`: monotonic time of the turn, which
   * begins at the same moment for all workers. */
  constructor(config: LoadWeightsConfig, own: Float64Array, all: readonly Float64Array[], nowMs: () => number) {
    this.config = config;
    this.own = own;
    this.all = all;
    this.nowMs = nowMs;
  }

  /** A host reported so much that this is its weight, 0 to 2^32-1. Cost: one load per worker, no allocation. */
  note(hostId: number, weight: number): void {
    const { own, config } = this;
    const base = hostId * HOST_LOAD_WORDS;
    const now = this.nowMs();
    const newest = this.newest(base);
    const updated = newest[base + HostLoad.updated];
    const since = newest[base + HostLoad.since];
    // A host that was silent for too long begins anew, as one that never reported.
    const isFirst = updated === 0 || (now - config.blackoutMs >= since && updated < now - config.expirationMs);
    own[base + HostLoad.weight] = weight;
    own[base + HostLoad.since] = isFirst ? now : since;
    own[base + HostLoad.updated] = now;
  }

  /** Gives the hosts of one priority the weights that they have now; whether one of them is another. Cost: of a sort; not per request. */
  apply(hosts: readonly WeighedHost[]): boolean {
    const weights = hosts.map((host) => this.validWeight(host.config.id));
    const substitute = median(weights.filter((weight) => weight >= 0));
    let isChanged = false;
    for (let i = 0; i < hosts.length; i++) {
      const weight = Math.max(1, weights[i] < 0 ? substitute : weights[i]);
      this.own[hosts[i].config.id * HOST_LOAD_WORDS + HostLoad.applied] = weight;
      if (hosts[i].weight === weight) continue;
      hosts[i].weight = weight;
      isChanged = true;
    }
    return isChanged;
  }

  /** -1: it has none that counts. */
  private validWeight(hostId: number): number {
    const { config } = this;
    const base = hostId * HOST_LOAD_WORDS;
    const now = this.nowMs();
    const newest = this.newest(base);
    const updated = newest[base + HostLoad.updated];
    if (updated === 0 || now - config.blackoutMs < newest[base + HostLoad.since] || updated < now - config.expirationMs) return -1;
    return newest[base + HostLoad.weight];
  }

  /** The words of the worker that heard of the host last. */
  private newest(base: number): Float64Array {
    const { all } = this;
    let newest = this.own;
    for (let i = 0; i < all.length; i++) if (all[i][base + HostLoad.updated] > newest[base + HostLoad.updated]) newest = all[i];
    return newest;
  }
}

/** Of an even number the mean of the two in the middle, rounded down; of none 1. */
export function median(weights: readonly number[]): number {
  if (weights.length === 0) return 1;
  const sorted = Float64Array.from(weights).sort();
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle];
  return Math.floor((sorted[middle - 1] + sorted[middle]) / 2);
}
