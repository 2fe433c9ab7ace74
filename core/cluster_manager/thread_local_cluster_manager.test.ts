import { describe, expect, it } from 'vitest';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';
import { createFormatNeeds } from '../formatter/format_environment.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { FactoryRegistry } from '../registry/factory_registry.ts';
import { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { createSharedSlabs, HOST_LOAD_WORDS, HostHealthFlag, HostLoad } from '../shared_memory/layout.ts';
import type { HostConfig, LoadWeightsConfig } from '../upstream/cluster_config.ts';
import type { Host } from '../upstream/host.ts';
import { LeastRequestLoadBalancer } from '../../extensions/load_balancing_policies/least_request/least_request.ts';
import { LOAD_BALANCING_CATEGORY, type LoadBalancer, type LoadBalancerFactory } from '../upstream/load_balancer.ts';
import { type ClusterManagerContext, ThreadLocalClusterManager } from './thread_local_cluster_manager.ts';

/** Chooses the first host; keeps what it was given. */
class First implements LoadBalancer {
  hosts: readonly Host[] = [];
  setHosts(hosts: readonly Host[]): void {
    this.hosts = hosts;
  }
  chooseHost(): Host | null {
    return this.hosts[0] ?? null;
  }
}

function setUp(hosts: HostConfig[], more: Partial<LoadBalancerFactory> = {}, loadWeights: LoadWeightsConfig | null = null) {
  const slabs = createSharedSlabs(1);
  const registry = new FactoryRegistry();
  registry.register({ category: LOAD_BALANCING_CATEGORY, name: 'first', typeName: 'first', parse: (message: object) => message, createFactory: () => ({ create: () => new First(), ...more }) });
  const stats = new Float64Array(slabs.hostStats[0]);
  const health = new Int32Array(slabs.hostHealth);
  const loads = new Float64Array(slabs.hostLoads[0]);
  const timers: { ring: () => void; waitsMs: number }[] = [];
  const createTimer = ({ onTimeout }: { onTimeout: () => void }) => {
    const timer = { ring: onTimeout, waitsMs: -1, enable: (ms: number) => void (timer.waitsMs = ms), disable: () => void (timer.waitsMs = -1) };
    timers.push(timer);
    return timer;
  };
  const context = {
    dispatcher: { wheel: { nowTick: 0 }, nowMs: 50_000, wallMs: 0, createTimer }, names: new HeaderNames(), literals: {}, registry, rootScope: createLocalStats().scope, workerIndex: 0, circuits: slabs.circuits.map((slab) => new Int32Array(slab)),
    hostWords: { health, stats, allStats: [stats], ownLoads: loads, allLoads: [loads], since: new Float64Array(slabs.hostSince) }, outliers: { workerIndex: 0, counts: [] }, random: () => 0, nextConnectionId: () => 1, formatNeeds: createFormatNeeds(),
  } as unknown as ClusterManagerContext;
  const manager = new ThreadLocalClusterManager(context);
  const config = clusterConfig({ lbPolicy: { name: 'first', typeName: 'first', config: {} }, loadWeights });
  const clusters = [{ id: 7, config, hosts: { cluster: 'c', hosts } }, { id: 8, config: { ...config, name: 'd' }, hosts: { cluster: 'd', hosts: [] } }];
  manager.apply({ clusters, runtime: new RuntimeSnapshot({}), zone: '' });
  const choose = (): Host | null => manager.get('c')?.chooseHost(0, null, null, NO_REQUEST) ?? null;
  return { manager, health, choose, loads, timers };
}

const NO_REQUEST = { requestHeaders: () => null, streamInfo: { dynamicMetadata: null }, connection: { originalDestination: '' } };

describe('weights by load', () => {
  const CONFIG = { metrics: [], errorPenalty: 0, blackoutMs: 0, expirationMs: 1000, updateMs: 250 };

  it('are calculated on a timer from the first hosts on, before any request, until the cluster is gone', () => {
    const { manager, choose, loads, timers } = setUp([hostConfig(1, 80, { weight: 9 })], {}, CONFIG);
    expect(timers.map(({ waitsMs }) => waitsMs)).toEqual([250]);
    const host = choose() as Host;
    expect(host.weight).toBe(9);
    timers[0].ring();
    expect([host.weight, timers[0].waitsMs]).toEqual([1, 250]);
    loads[HOST_LOAD_WORDS + HostLoad.weight] = 40;
    loads[HOST_LOAD_WORDS + HostLoad.updated] = 50_000;
    timers[0].ring();
    expect(host.weight).toBe(40);
    manager.apply({ clusters: [], runtime: new RuntimeSnapshot({}), zone: '' });
    expect(timers.map(({ waitsMs }) => waitsMs)).toEqual([-1]);
  });

  it('are those of new hosts at once, and lists of hosts are balanced anew when one changes', () => {
    const balancer = new First();
    const { manager, choose, loads, timers } = setUp([hostConfig(1, 80, { weight: 9 })], { create: () => balancer }, CONFIG);
    timers[0].ring();
    loads[HOST_LOAD_WORDS + HostLoad.weight] = 40;
    loads[HOST_LOAD_WORDS + HostLoad.updated] = 50_000;
    manager.updateHosts(7, { cluster: 'c', hosts: [hostConfig(1, 80, { weight: 9 }), hostConfig(2, 81, { weight: 9 })] });
    choose();
    expect(balancer.hosts.map(({ weight }) => weight)).toEqual([40, 40]);
    const lists = [balancer.hosts];
    balancer.hosts = [];
    timers[0].ring();
    choose();
    lists.push(balancer.hosts);
    loads[HOST_LOAD_WORDS + HostLoad.weight] = 50;
    timers[0].ring();
    choose();
    lists.push(balancer.hosts);
    expect(lists.map((hosts) => hosts.length)).toEqual([2, 0, 2]);
  });
});

describe('hosts on a worker', () => {
  it.each<[string, Partial<HostConfig>]>([
    ['metadata', { metadata: { 'envoy.lb': { stage: 'canary' } } }],
    ['the weight of its locality', { localityWeight: 3 }],
    ['its zone', { zone: 'b' }],
    ['its weight', { weight: 9 }],
    ['its name', { hostname: 'h' }],
    ['being a canary', { canary: true }],
  ])('are others when %s changes, with the same pools', (_what, change) => {
    const { manager, choose } = setUp([hostConfig(0, 80)]);
    const before = choose() as Host;
    before.attachment = {};
    manager.updateHosts(7, { cluster: 'c', hosts: [hostConfig(0, 80, change)] });
    const after = choose() as Host;
    expect(after.config).toMatchObject(change);
    expect(after.attachment).toBe(before.attachment);
  });

  it('are the same when a message repeats them', () => {
    const { manager, choose } = setUp([hostConfig(0, 80, { metadata: { a: { b: [1] } } })]);
    const before = choose();
    manager.updateHosts(7, { cluster: 'c', hosts: [hostConfig(0, 80, { metadata: { a: { b: [1] } } })] });
    expect(choose()).toBe(before);
  });

  it.each([true, false])('tell the policy of their requests if it wants to know (%s)', (readsJournal) => {
    const config = { choiceCount: 2, activeRequestBias: 1, biasKey: '', isFullScan: true };
    let isTold = false;
    const { manager, choose } = setUp([hostConfig(0, 80), hostConfig(1, 81)], {
      readsJournal,
      create: (random, { environment, journal }) => {
        isTold = journal !== null;
        return new LeastRequestLoadBalancer(config, random, environment, journal);
      },
    });
    const busy = choose() as Host;
    expect([isTold, busy.journal !== null]).toEqual([readsJournal, readsJournal]);
    busy.onRequestStarted();
    const idle = choose() as Host;
    expect(idle).not.toBe(busy);
    for (let i = 0; i < 2; i++) idle.onRequestStarted();
    expect(choose()).toBe(busy);
    // Another object for the same host; the request that runs ends at the old one.
    manager.updateHosts(7, { cluster: 'c', hosts: [hostConfig(0, 80, { canary: true }), hostConfig(1, 81, { canary: true })] });
    expect(choose()?.config.id).toBe(busy.config.id);
    for (let i = 0; i < 2; i++) idle.onRequestEnded();
    expect(choose()?.config.id).toBe(idle.config.id);
  });

  it('are looked at again when the health of their cluster is said to be another, by its id', () => {
    const { manager, health, choose } = setUp([hostConfig(0, 80), hostConfig(1, 81), hostConfig(2, 82)]);
    expect(choose()?.config.id).toBe(0);
    health[0] = HostHealthFlag.failedActiveHc;
    manager.onHealthChanged(8);
    manager.onHealthChanged(99);
    expect(choose()?.config.id).toBe(0);
    manager.onHealthChanged(7);
    expect(choose()?.config.id).toBe(1);
    // Hosts that came since count as well.
    manager.updateHosts(7, { cluster: 'c', hosts: [hostConfig(1, 81), hostConfig(2, 82), hostConfig(3, 83)] });
    health[1] = HostHealthFlag.failedActiveHc;
    manager.onHealthChanged(7);
    expect(choose()?.config.id).toBe(2);
  });
});
