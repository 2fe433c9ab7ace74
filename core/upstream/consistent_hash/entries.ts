/** How consistent-hash balancers name hosts and divide their entries; shared with main, which shows the numbers. */
import type { HostConfig } from '../cluster_config.ts';
import { configuredLocalityWeight } from '../load_balancer.ts';
import { groupByLocality } from '../localities.ts';

/** What a host is hashed by: `hash_key` of its `envoy.lb` metadata, else its name or its address. */
export function hashKey(config: HostConfig, address: string, usesHostname: boolean): string {
  const balancing = config.metadata['envoy.lb'];
  const key = typeof balancing === 'object' && balancing !== null ? (balancing as Record<string, unknown>)['hash_key'] : undefined;
  if (typeof key === 'string' && key !== '') return key;
  return usesHostname ? config.hostname : address;
}

/** Every host's part of the whole by its weight; they sum up to 1. */
export function weightShares(weights: readonly number[]): Float64Array {
  let sum = 0;
  for (const weight of weights) sum += weight;
  return Float64Array.from(weights, (weight) => weight / sum);
}

/** Hosts of a table in its order, by index, and their shares. */
export interface TableShares {
  readonly order: readonly number[];
  readonly shares: Float64Array;
}

/**
 * Shares of `hosts` by their weights; with localities, each within the share that its locality has among those of all `members`,
 * and without a share where that has no weight.
 */
export function tableShares(hosts: readonly HostConfig[], members: readonly HostConfig[], isLocalityWeighted: boolean, weightOf: (host: HostConfig) => number = configuredLocalityWeight): TableShares {
  if (!isLocalityWeighted) return { order: hosts.map((_, i) => i), shares: weightShares(hosts.map((host) => host.weight)) };
  const indexes = new Map(hosts.map((host, i) => [host, i]));
  const groups = groupByLocality(members, (host) => host, weightOf);
  const total = groups.reduce((sum, group) => sum + group.weight, 0);
  const order: number[] = [];
  const shares: number[] = [];
  for (const group of groups) {
    const eligible = group.hosts.filter((host) => indexes.has(host));
    const sum = eligible.reduce((weights, host) => weights + host.weight, 0);
    if (group.weight === 0) continue;
    for (const host of eligible) {
      order.push(indexes.get(host) as number);
      shares.push((host.weight * (group.weight / total)) / sum);
    }
  }
  return { order, shares: Float64Array.from(shares) };
}

/** Entries per host on a ring, in order of the hosts; `size` is what the ring is said to have (entries may be one more). */
export interface RingPlan {
  readonly size: number;
  readonly counts: Uint32Array;
}

/**
 * Entries such that the host of the least share has a whole number of them, at most `maximum` in all. Others are rounded along
 * the running sum.
 */
export function planRing(shares: Float64Array, minimum: number, maximum: number): RingPlan {
  let least = 1;
  for (const share of shares) least = Math.min(least, share);
  const scale = Math.min(Math.ceil(least * minimum) / least, maximum);
  const counts = new Uint32Array(shares.length);
  let current = 0;
  let target = 0;
  for (let i = 0; i < shares.length; i++) {
    target += scale * shares[i];
    const next = Math.max(current, Math.ceil(target));
    counts[i] = next - current;
    current = next;
  }
  return { size: Math.ceil(scale), counts };
}

/**
 * Whose turn it is, `size` times: the heaviest host's in every round, others' in every so many as their share says. Indexes of
 * `shares`.
 */
export function takeTurns(shares: Float64Array, size: number): Uint16Array {
  const turns = new Uint16Array(size);
  let most = 0;
  for (let i = 0; i < shares.length; i++) most = Math.max(most, shares[i]);
  const targets = new Float64Array(shares.length);
  let taken = 0;
  for (let round = 1; taken < size; round++) {
    for (let i = 0; i < shares.length && taken < size; i++) {
      if (round * shares[i] < targets[i]) continue;
      targets[i] += most;
      turns[taken++] = i;
    }
  }
  return turns;
}
