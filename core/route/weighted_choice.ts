import type { HeaderMap } from '../headers/header_map.ts';
import type { HeaderNames } from '../headers/header_names.ts';
import type { MatchInput } from '../matcher/match_input.ts';
import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { type HashPolicy, hashModulo } from './hash_policy.ts';
import type { RouteActionConfig } from './route_config.ts';

type WeightedConfig = RouteActionConfig['cluster'] & { readonly kind: 'weighted' };

/** Which of a route's weighted clusters a request goes to: by chance, by a header's number or by the hash of its hash policies. */
export class WeightedChoice<Entry> {
  private readonly entries: readonly Entry[];
  private readonly weights: Uint32Array;
  private readonly totalWeight: number;
  /** Runtime keys that override the weights; empty = none. */
  private readonly weightKeys: readonly string[];
  /** 0 = none. */
  private readonly headerId: number;
  private readonly hashPolicy: HashPolicy | null;
  private readonly runtime: RuntimeSnapshot;

  /** `entries` are those of `config.clusters`, in order. */
  constructor(config: WeightedConfig, entries: readonly Entry[], hashPolicy: HashPolicy | null, context: { readonly names: HeaderNames; readonly runtime: RuntimeSnapshot }) {
    this.entries = entries;
    this.weights = Uint32Array.from(config.clusters, (cluster) => cluster.weight);
    this.totalWeight = this.weights.reduce((sum, weight) => sum + weight, 0);
    this.weightKeys = config.runtimeKeyPrefix === '' ? [] : config.clusters.map((cluster) => `${config.runtimeKeyPrefix}.${cluster.name}`);
    this.headerId = config.headerName === '' ? 0 : context.names.intern(config.headerName);
    this.hashPolicy = config.usesHashPolicy ? hashPolicy : null;
    this.runtime = context.runtime;
  }

  /** The entry that falls to a request; null when all weights are 0. */
  pick(input: MatchInput): Entry | null {
    const { weightKeys: keys, weights, entries } = this;
    let total = this.totalWeight;
    if (keys.length > 0) {
      total = 0;
      for (let i = 0; i < keys.length; i++) total += this.runtime.getInteger(keys[i], weights[i]);
      if (total === 0) return null;
    }
    let rest = this.number(input, total);
    for (let i = 0; i < entries.length; i++) {
      const weight = keys.length > 0 ? this.runtime.getInteger(keys[i], weights[i]) : weights[i];
      if (rest < weight) return entries[i];
      rest -= weight;
    }
    return null;
  }

  /** The number that chooses, below `total`. */
  private number(input: MatchInput, total: number): number {
    const policy = this.hashPolicy;
    // A cookie that is to be made is made by whoever balances by it, not here.
    if (policy?.compute(input.headers, input.info, null) === true) return hashModulo(policy.hash.high, policy.hash.low, total);
    const chosen = this.headerId === 0 ? -1 : headerModulo(input.headers, this.headerId, total);
    return chosen >= 0 ? chosen : input.random % total;
  }
}

/** The header's value, an unsigned 64-bit number, modulo `divisor`; -1 when it is none. */
function headerModulo(headers: HeaderMap, nameId: number, divisor: number): number {
  const value = headers.getAll(nameId) ?? '';
  if (!/^\d{1,20}$/.test(value)) return -1;
  if (value.length > 19 && value > UINT64_MAX) return -1;
  let rest = 0;
  for (let i = 0; i < value.length; i++) rest = (rest * 10 + value.charCodeAt(i) - 48) % divisor;
  return rest;
}

const UINT64_MAX = '18446744073709551615';
