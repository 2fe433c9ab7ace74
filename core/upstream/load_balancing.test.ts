import { describe, expect, it } from 'vitest';
import { hostConfig } from '../../test/support/in_process_worker.ts';
import { RoundRobinLoadBalancer } from '../../extensions/load_balancing_policies/round_robin/round_robin.ts';
import { CircuitKind } from '../shared_memory/layout.ts';
import { HOST_STAT_WORDS, HostStat } from '../shared_memory/layout.ts';
import { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { CircuitBreaker } from './circuit_breaker.ts';
import { EdfScheduler } from './edf_scheduler.ts';
import { Host } from './host.ts';
import { LoadBalancerContext } from './load_balancer.ts';

/** Park-Miller: the same numbers every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 0x7fffffff;
    return state;
  };
}

const health = new Int32Array(1000);
const hostStats = new Float64Array(8000);
const hosts = (...weights: number[]) => weights.map((weight, id) => new Host(hostConfig(id, 1000 + id, { weight }), health, hostStats));
const CONTEXT = new LoadBalancerContext();

function picks(balancer: RoundRobinLoadBalancer, count: number): number[] {
  return Array.from({ length: count }, () => balancer.chooseHost(CONTEXT)?.config.id ?? -1);
}

describe('RoundRobinLoadBalancer', () => {
  it('takes equal hosts in turn, from a random one on', () => {
    const starts = new Set<number>();
    for (let seed = 1; seed < 50; seed++) {
      const balancer = new RoundRobinLoadBalancer(seeded(seed));
      balancer.setHosts(hosts(1, 1, 1));
      const seen = picks(balancer, 7);
      starts.add(seen[0]);
      for (let i = 1; i < seen.length; i++) expect(seen[i]).toBe((seen[i - 1] + 1) % 3);
    }
    expect([...starts].sort()).toEqual([0, 1, 2]);
  });

  it.each([[[1, 2, 3]], [[1, 100]], [[5, 1, 1, 1]], [[128, 1]], [[7, 3, 2, 9, 1]]])('gives each of weights %j its share, evenly spread', (weights) => {
    const balancer = new RoundRobinLoadBalancer(seeded(11));
    balancer.setHosts(hosts(...weights));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const seen = picks(balancer, total * 50);
    weights.forEach((weight, id) => {
      const times = seen.filter((pick) => pick === id).length;
      expect(Math.abs(times - weight * 50)).toBeLessThanOrEqual(1);
      // Never in a lump: between two picks of a host lies about its period.
      const places = seen.flatMap((pick, i) => (pick === id ? [i] : []));
      for (let i = 1; i < places.length; i++) expect(places[i] - places[i - 1]).toBeLessThanOrEqual(Math.ceil(total / weight) + weights.length);
    });
  });

  it('goes on where it was when the same hosts have other weights', () => {
    for (let seed = 1; seed < 20; seed++) {
      const balancer = new RoundRobinLoadBalancer(seeded(seed));
      const same = hosts(1, 1, 1, 1);
      balancer.setHosts(same);
      const [last] = picks(balancer, 1);
      for (const host of same) host.weight = 40;
      balancer.setHosts(same);
      expect(picks(balancer, 2)).toEqual([(last + 1) % 4, (last + 2) % 4]);
      same[0].weight = 120;
      balancer.setHosts(same);
      expect(picks(balancer, 60).filter((pick) => pick === 0).length).toBe(30);
    }
  });

  it('has none when there is none, and takes new ones', () => {
    const balancer = new RoundRobinLoadBalancer(seeded(1));
    balancer.setHosts([]);
    expect(balancer.chooseHost(CONTEXT)).toBeNull();
    balancer.setHosts(hosts(1));
    expect(picks(balancer, 3)).toEqual([0, 0, 0]);
    balancer.setHosts(hosts(1, 3));
    expect(new Set(picks(balancer, 8)).size).toBe(2);
  });
});

describe('EdfScheduler', () => {
  it('orders ties by insertion', () => {
    const scheduler = new EdfScheduler(4);
    const weights = new Float64Array([1, 1, 1, 1]);
    for (let i = 0; i < 4; i++) scheduler.add(i, 1);
    expect(Array.from({ length: 8 }, () => scheduler.pickAndReinsert(weights))).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
  });

  it('is empty at first', () => {
    expect(new EdfScheduler(1).pickAndReinsert(new Float64Array(1))).toBe(-1);
  });

  it('agrees with a sorted list', () => {
    const random = seeded(3);
    const weights = Float64Array.from({ length: 40 }, () => 1 + (random() % 50));
    const scheduler = new EdfScheduler(weights.length);
    const list = [...weights].map((weight, index) => ({ index, deadline: 1 / weight, order: index }));
    weights.forEach((weight, index) => scheduler.add(index, weight));
    let order = weights.length;
    for (let i = 0; i < 2000; i++) {
      const next = list.reduce((best, item) => (item.deadline < best.deadline || (item.deadline === best.deadline && item.order < best.order) ? item : best));
      expect(scheduler.pickAndReinsert(weights)).toBe(next.index);
      next.deadline += 1 / weights[next.index];
      next.order = order++;
    }
  });
});

describe('CircuitBreaker', () => {
  const limits = { maxConnections: 3, maxPendingRequests: 2, maxRequests: 4_294_967_295, maxRetries: 0, trackRemaining: false };

  function two(): readonly [CircuitBreaker, CircuitBreaker] {
    const slabs = [new Int32Array(64), new Int32Array(64)];
    return [
      new CircuitBreaker(slabs, { worker: 0, cluster: 'c', clusterId: 2, priority: 0 }, limits), new CircuitBreaker(slabs, { worker: 1, cluster: 'c', clusterId: 2, priority: 0 }, limits),
    ];
  }

  it('counts what all workers use', () => {
    const [a, b] = two();
    a.inc(CircuitKind.connections);
    b.inc(CircuitKind.connections);
    expect([a.canCreate(CircuitKind.connections), b.canCreate(CircuitKind.connections)]).toEqual([true, true]);
    a.inc(CircuitKind.connections);
    expect([a.canCreate(CircuitKind.connections), b.canCreate(CircuitKind.connections)]).toEqual([false, false]);
    b.dec(CircuitKind.connections);
    expect([a.canCreate(CircuitKind.connections), b.canCreate(CircuitKind.connections)]).toEqual([true, true]);
  });

  it('keeps kinds, priorities and clusters apart', () => {
    const slabs = [new Int32Array(64)];
    const make = (cluster: number, priority: number) => new CircuitBreaker(slabs, { worker: 0, cluster: 'c', clusterId: cluster, priority }, limits);
    const own = make(1, 0);
    for (let i = 0; i < 2; i++) own.inc(CircuitKind.pending);
    expect(own.canCreate(CircuitKind.pending)).toBe(false);
    expect(own.canCreate(CircuitKind.connections)).toBe(true);
    expect([make(1, 1), make(0, 0), make(0, 1), make(2, 0)].map((other) => other.canCreate(CircuitKind.pending))).toEqual([true, true, true, true]);
  });

  it('allows retries by a budget: a part of all workers\' requests that run or wait, and always a minimum', () => {
    const slabs = [new Int32Array(64), new Int32Array(64)];
    const withBudget = { ...limits, retryBudget: { percent: 20, minConcurrency: 1 } };
    const [a, b] = [0, 1].map((worker) => new CircuitBreaker(slabs, { worker, cluster: 'c', clusterId: 2, priority: 0 }, withBudget));
    expect(a.canRetry()).toBe(true);
    a.inc(CircuitKind.retries);
    expect([a.canRetry(), b.canRetry()]).toEqual([false, false]);
    for (let i = 0; i < 9; i++) b.inc(CircuitKind.requests);
    expect(a.canRetry()).toBe(false);
    a.inc(CircuitKind.pending);
    expect([a.canRetry(), b.canRetry()]).toEqual([true, true]);
    b.inc(CircuitKind.retries);
    expect(a.canRetry()).toBe(false);
  });

  it('counts the connections to one host over all workers, whatever the cluster may have', () => {
    const words = [new Float64Array(64), new Float64Array(64)];
    const breaker = new CircuitBreaker([new Int32Array(64), new Int32Array(64)], { worker: 0, cluster: 'c', clusterId: 2, priority: 0 }, { ...limits, maxConnectionsPerHost: 2 });
    const [first, second] = [0, 1].map((id) => new Host(hostConfig(id, 80), new Int32Array(2), words[0], words));
    words[0][HOST_STAT_WORDS + HostStat.cxActive] = 1;
    expect(breaker.canConnect(second)).toBe(true);
    words[1][HOST_STAT_WORDS + HostStat.cxActive] = 1;
    expect([breaker.canConnect(second), breaker.canConnect(first)]).toEqual([false, true]);
    // Main does not know this one yet: it has words of its own, whatever its number.
    const unknown = new Host(hostConfig(1, 80), new Int32Array(2), new Float64Array(64));
    unknown.onConnectionAttempt();
    expect(breaker.canConnect(unknown)).toBe(true);
    unknown.onConnectionAttempt();
    expect(breaker.canConnect(unknown)).toBe(false);
    for (let i = 0; i < 3; i++) breaker.inc(CircuitKind.connections);
    expect(breaker.canConnect(first)).toBe(false);
  });

  it('obeys runtime keys before the configuration, and forgets them with them', () => {
    const [a] = two();
    a.inc(CircuitKind.pending);
    a.applyRuntime(new RuntimeSnapshot({
      'circuit_breakers.c.default.max_pending_requests': 1, 'circuit_breakers.c.high.max_requests': 0, 'circuit_breakers.c.default.retry_budget.budget_percent': 100,
      'circuit_breakers.c.default.retry_budget.min_retry_concurrency': '0',
    }));
    expect([a.canCreate(CircuitKind.pending), a.canCreate(CircuitKind.requests), a.canRetry()]).toEqual([false, true, true]);
    a.inc(CircuitKind.retries);
    expect(a.canRetry()).toBe(false);
    a.applyRuntime(new RuntimeSnapshot({}));
    expect([a.canCreate(CircuitKind.pending), a.canRetry()]).toEqual([true, false]);
  });

  it('takes the largest limit and the limit 0', () => {
    const [a] = two();
    expect(a.canCreate(CircuitKind.requests)).toBe(true);
    expect(a.canCreate(CircuitKind.retries)).toBe(false);
  });
});
