import { describe, expect, it } from 'vitest';
import type { ConnPool } from '../conn_pool/conn_pool.ts';
import type { ClusterInfo } from '../upstream/cluster_info.ts';
import type { Host } from '../upstream/host.ts';
import type { PriorityCounts } from '../upstream/priority_load.ts';
import { AggregateCluster } from './aggregate_cluster.ts';
import type { WorkerCluster } from './worker_cluster.ts';

const REQUEST = { requestHeaders: () => null, streamInfo: { dynamicMetadata: null }, connection: {} };

/** A member with these priorities: [hosts, healthy, degraded]. */
function member(name: string, levels: [number, number, number][], overprovisioning = 140): WorkerCluster & { levels: typeof levels } {
  const self = {
    levels,
    usesHash: false,
    levelCounts: (): PriorityCounts[] => self.levels.map(([hosts, healthy, degraded]) => ({ hosts, healthy, degraded, excluded: 0, overprovisioning })),
    info: { policies: null }, chooseAt: (level: number, isDegraded: boolean) => ({ address: `${name}/${level}${isDegraded ? ' degraded' : ''}` }) as Host,
    pool: (host: Host, priority: number, downstream: number) => `${name}: ${host.address} ${priority} of ${downstream}` as unknown as ConnPool,
    tcpPool: (host: Host, priority: number, downstream: number) => `${name} tcp: ${host.address} ${priority} of ${downstream}` as unknown as ConnPool,
  };
  return self as unknown as WorkerCluster & { levels: typeof levels };
}

function setUp(members: Record<string, WorkerCluster | null>) {
  const state = { version: 1, random: 0, panicThreshold: 50 };
  const info = { config: { name: 'all', overprovisioningFactor: 140 } } as ClusterInfo;
  const cluster = new AggregateCluster(info, {
    members: Object.keys(members), random: () => state.random, find: (name) => members[name] ?? null, version: () => state.version, panicThreshold: () => state.panicThreshold,
  });
  const choose = (random = 0): Host | null => {
    state.random = random;
    return cluster.chooseHost(0, null, null, REQUEST);
  };
  /** How many of 100 even choices went where. */
  const shares = (): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (let i = 0; i < 100; i++) {
      const name = choose(i)?.address ?? 'none';
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  };
  return { cluster, state, choose, shares };
}

describe('an aggregate cluster', () => {
  it.each<[string, Record<string, WorkerCluster | null>, Record<string, number>]>([
    ['uses the first that can', { a: member('a', [[2, 2, 0]]), b: member('b', [[2, 2, 0]]) }, { 'a/0': 100 }],
    ['goes on to the next for what the first cannot take', { a: member('a', [[2, 1, 0]]), b: member('b', [[2, 2, 0]]) }, { 'a/0': 70, 'b/0': 30 }],
    ['takes each with its own overprovisioning', { a: member('a', [[2, 1, 0]], 100), b: member('b', [[2, 2, 0]]) }, { 'a/0': 50, 'b/0': 50 }],
    ['has all priorities of a member before the next member', { a: member('a', [[1, 0, 0], [1, 1, 0]]), b: member('b', [[1, 1, 0]]) }, { 'a/1': 100 }],
    ['leaves out priorities without hosts, and clusters that are not there', { a: member('a', [[0, 0, 0], [1, 1, 0]]), x: null, b: member('b', [[1, 1, 0]]) }, { 'a/1': 100 }],
    ['prefers healthy hosts of later members to degraded ones', { a: member('a', [[1, 0, 1]]), b: member('b', [[1, 1, 0]]) }, { 'b/0': 100 }],
    ['uses degraded hosts when there are no others', { a: member('a', [[1, 0, 0]]), b: member('b', [[1, 0, 1]]) }, { 'b/0 degraded': 100 }],
    ['spreads by hosts when all are in panic', { a: member('a', [[3, 0, 0]]), b: member('b', [[1, 0, 0]]) }, { 'a/0': 75, 'b/0': 25 }],
    ['has no host where no member has one', { a: member('a', [[0, 0, 0]]), b: null }, { none: 100 }],
  ])('%s', (_name, members, expected) => {
    expect(setUp(members).shares()).toEqual(expected);
  });

  it('looks again when something changed, and only then', () => {
    const a = member('a', [[1, 1, 0]]);
    const { choose, state } = setUp({ a, b: member('b', [[1, 1, 0]]) });
    expect(choose()?.address).toBe('a/0');
    a.levels[0] = [1, 0, 0];
    expect(choose()?.address).toBe('a/0');
    state.version++;
    expect(choose()?.address).toBe('b/0');
  });

  it('takes the panic threshold that runtime says', () => {
    const sick = setUp({ a: member('a', [[3, 0, 0]]), b: member('b', [[1, 0, 0]]) });
    expect(sick.shares()).toEqual({ 'a/0': 75, 'b/0': 25 });
    sick.state.panicThreshold = 0;
    sick.state.version++;
    expect(sick.shares()).toEqual({ 'a/0': 100 });
  });

  it('wants a hash of the request when a member with hosts does', () => {
    const a = Object.assign(member('a', [[1, 1, 0]]), { usesHash: true });
    const { cluster, state } = setUp({ a, b: member('b', [[1, 1, 0]]) });
    expect(cluster.usesHash).toBe(true);
    a.levels[0] = [0, 0, 0];
    state.version++;
    expect(cluster.usesHash).toBe(false);
  });

  it('has the connections of the cluster that the host is of', () => {
    const { cluster, choose, state } = setUp({ a: member('a', [[2, 1, 0]]), b: member('b', [[2, 2, 0]]) });
    const [first, second] = [choose(0) as Host, choose(99) as Host];
    state.version++;
    expect([cluster.pool(first, 0, 5, null), cluster.pool(second, 1, 6, null), cluster.tcpPool(first, 1, 7, null)]).toEqual(['a: a/0 0 of 5', 'b: b/0 1 of 6', 'a tcp: a/0 1 of 7']);
    expect([cluster.priorityOf(first), cluster.priorityOf(second)]).toEqual([0, 1]);
  });

  it('offers no hosts to aggregates of it', () => {
    const { cluster } = setUp({ a: member('a', [[1, 1, 0]]) });
    expect([cluster.levelCounts(), cluster.chooseAt()]).toEqual([[], null]);
  });
});
