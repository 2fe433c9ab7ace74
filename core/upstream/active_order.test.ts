import { describe, expect, it } from 'vitest';
import { LeastRequestLoadBalancer } from '../../extensions/load_balancing_policies/least_request/least_request.ts';
import { balancerSource, chiSquare, seededRandom } from '../../test/support/balancer_source.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { HOST_STAT_WORDS, HostStat } from '../shared_memory/layout.ts';
import { ActiveJournal } from './active_journal.ts';
import { ActiveOrder } from './active_order.ts';
import { emptyEnvironment } from './balancer_environment.ts';
import { ClusterBalancer } from './cluster_balancer.ts';
import type { HostConfig } from './cluster_config.ts';
import { ClusterInfo, createClusterStats } from './cluster_info.ts';
import { Host } from './host.ts';
import { LoadBalancerContext, type LoadBalancerFactory } from './load_balancer.ts';
import { NO_LOCALITY } from './locality_config.ts';

const FULL_SCAN = { choiceCount: 2, activeRequestBias: 1, biasKey: '', isFullScan: true };

function makeHosts(count: number, workers = 1, more: (i: number) => Partial<HostConfig> = () => ({})) {
  const health = new Int32Array(count);
  const slabs = Array.from({ length: workers }, () => new Float64Array(count * HOST_STAT_WORDS));
  const journal = new ActiveJournal();
  const hosts = Array.from({ length: count }, (_, id) => {
    const host = new Host(hostConfig(id, 1024 + id, more(id)), health, slabs[0], slabs);
    host.journal = journal;
    return host;
  });
  return { hosts, journal, health, setOther: (worker: number, host: number, requests: number) => void (slabs[worker][host * HOST_STAT_WORDS + HostStat.rqActive] = requests) };
}

/** What a scan finds. */
function leastBusy(hosts: readonly Host[]): Host[] {
  const least = Math.min(...hosts.map((host) => host.activeRequests()));
  return hosts.filter((host) => host.activeRequests() === least);
}

/** All that may be chosen now. */
function chosen(order: ActiveOrder, count: number): number[] {
  return [...new Set(Array.from({ length: count }, (_, random) => order.choose(random)))].sort((a, b) => a - b);
}

describe('ActiveOrder', () => {
  it.each([1, 2, 3, 7, 50, 300])('of %i hosts, chooses among those that a scan finds, whatever requests come and go', (count) => {
    const random = seededRandom(count);
    const { hosts, journal } = makeHosts(count);
    const running: Host[] = [];
    // One that is asked all the time, one that is not for long, one of every third host.
    const third = hosts.filter((_, i) => i % 3 === 0);
    const orders = [hosts, hosts, third].map((some) => ({ some, order: new ActiveOrder(some, journal, emptyEnvironment()) }));
    for (let step = 0; step < 6000; step++) {
      // Now mostly beginning, now mostly ending.
      const isBegin = running.length === 0 || random() % 100 < (Math.floor(step / 1500) % 2 === 0 ? 65 : 40);
      if (isBegin) {
        const host = random() % 2 === 0 ? hosts[random() % count] : hosts[orders[0].order.choose(random())];
        host.onRequestStarted();
        running.push(host);
      } else running.splice(random() % running.length, 1)[0].onRequestEnded();
      if (step % 7 !== 0) continue;
      for (const [i, { some, order }] of orders.entries()) {
        if (i === 1 && step % 1001 !== 0) continue;
        expect(chosen(order, some.length).map((found) => some[found])).toEqual(leastBusy(some));
      }
    }
  });

  it('gives each of the least busy hosts the same chance', () => {
    const { hosts, journal } = makeHosts(10);
    const order = new ActiveOrder(hosts, journal, emptyEnvironment());
    for (const busy of [2, 3, 9]) hosts[busy].onRequestStarted();
    const random = seededRandom(5);
    const counts = hosts.map(() => 0);
    for (let i = 0; i < 7000; i++) counts[order.choose(random())]++;
    expect([counts[2], counts[3], counts[9]]).toEqual([0, 0, 0]);
    // 99.9 % of six degrees of freedom.
    expect(chiSquare(counts.filter((_, i) => ![2, 3, 9].includes(i)), Array(7).fill(1000))).toBeLessThan(22.5);
  });

  it('follows more changes than the journal keeps, and counts in the thousands', () => {
    const { hosts, journal } = makeHosts(5000);
    const order = new ActiveOrder(hosts, journal, emptyEnvironment());
    for (const [i, host] of hosts.entries()) if (i !== 1234) host.onRequestStarted();
    expect(order.choose(0)).toBe(1234);
    for (let i = 0; i < 4000; i++) hosts[1234].onRequestStarted();
    expect(order.choose(0)).not.toBe(1234);
    for (let i = 0; i < 3999; i++) hosts[1234].onRequestEnded();
    hosts[17].onRequestEnded();
    hosts[17].onRequestStarted();
    hosts[18].onRequestEnded();
    expect(chosen(order, 5000)).toEqual(leastBusy(hosts).map((host) => host.config.id));
  });

  it('goes on when the number of the next entry wraps around', () => {
    const { hosts, journal } = makeHosts(20);
    journal.next = 0x7fff_fffe;
    const order = new ActiveOrder(hosts, journal, emptyEnvironment());
    for (const host of hosts.slice(0, 12)) {
      host.onRequestStarted();
      expect(chosen(order, 20)).toEqual(leastBusy(hosts).map(({ config }) => config.id));
    }
  });

  it('sees the requests of other workers at the latest in a round of picks, and at once of whom it chooses', () => {
    const { hosts, journal, setOther } = makeHosts(100, 3);
    const order = new ActiveOrder(hosts, journal, emptyEnvironment());
    for (let i = 0; i < 100; i++) setOther(1 + (i % 2), i, 4);
    setOther(1, 40, 3);
    // Nobody looked at yet is believed to be idle: the host that is chosen has been looked at, though.
    for (let i = 0; i < 100; i++) order.choose(i);
    expect(chosen(order, 100)).toEqual([40]);
    setOther(1, 40, 9);
    expect(order.choose(0)).not.toBe(40);
  });

  it('knows all requests of other workers that are older than 100 ms', () => {
    const environment = { ...emptyEnvironment(), now: 1000, nowMs: () => environment.now };
    const { hosts, journal, setOther } = makeHosts(3000, 2);
    const order = new ActiveOrder(hosts, journal, environment);
    for (let i = 0; i < 3000; i++) setOther(1, i, 2);
    setOther(1, 2999, 1);
    environment.now += 100;
    expect(order.choose(7)).toBe(2999);
  });
});

/** Whether healthy hosts of all priorities together cannot take all requests. */
function isShort(balancer: ClusterBalancer): boolean {
  return balancer.levelCounts().reduce((sum, { hosts, healthy }) => sum + Math.floor((140 * healthy) / hosts), 0) < 100;
}

describe('full scan', () => {
  const create: LoadBalancerFactory['create'] = (random, { environment, journal }) => new LeastRequestLoadBalancer(FULL_SCAN, random, environment, journal);

  it.each([
    ['in one locality', false, false],
    ['with locality weights', true, false],
    ['in panic', false, true],
  ])('%s: chooses the least busy of the hosts that may be chosen, whatever happens to hosts and health', (_name, isWeighted, isPanicking) => {
    const random = seededRandom(11);
    const { hosts, journal, health } = makeHosts(90, 1, (i) => ({ priority: i % 3 === 2 ? 1 : 0, zone: i % 2 === 0 ? 'a' : 'b', localityWeight: 1 + (i % 2) }));
    const factory: LoadBalancerFactory = { create, readsJournal: true, locality: { ...NO_LOCALITY, isWeighted } };
    const info = new ClusterInfo(clusterConfig({ healthyPanicThreshold: isPanicking ? 100 : 0 }), createClusterStats(createLocalStats().scope).stats, [] as never);
    const balancer = new ClusterBalancer(info, balancerSource(factory, random, { load: info, journal }));
    let present = hosts;
    const set = (): void => balancer.setHosts([0, 1].map((priority) => present.filter((host) => host.config.priority === priority)));
    set();
    const context = new LoadBalancerContext();
    const running: Host[] = [];
    const priorities = new Set<number>();
    for (let step = 0; step < 20_000; step++) {
      if (step % 400 === 0) {
        present = hosts.filter(() => random() % 10 !== 0);
        set();
      } else if (step % 100 === 0) {
        // From few to most of the first priority.
        const share = random() % 8;
        for (const host of hosts) health[host.config.id] = random() % 10 < share ? 1 : 0;
        balancer.refresh();
      }
      if (running.length > 60 || (running.length > 0 && random() % 3 === 0)) running.splice(random() % running.length, 1)[0].onRequestEnded();
      const host = balancer.choose(context);
      if (host === null) throw new Error('none chosen');
      const level = present.filter(({ config }) => config.priority === host.config.priority);
      // With a threshold of 100 %, panic begins as soon as both priorities together lack hosts; a request then goes to any of its priority's.
      const eligible = isPanicking && isShort(balancer) ? level : level.filter((each) => each.isHealthy() && (!isWeighted || each.config.zone === host.config.zone));
      expect(leastBusy(eligible)).toContain(host);
      priorities.add(host.config.priority);
      host.onRequestStarted();
      running.push(host);
    }
    expect(priorities.size).toBe(2);
  });
});
