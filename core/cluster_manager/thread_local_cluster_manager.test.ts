import { describe, expect, it } from 'vitest';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';
import { createFormatNeeds } from '../formatter/format_environment.ts';
import { FactoryRegistry } from '../registry/factory_registry.ts';
import { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { createSharedSlabs, HostHealthFlag } from '../shared_memory/layout.ts';
import type { HostConfig } from '../upstream/cluster_config.ts';
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

function setUp(hosts: HostConfig[], more: Partial<LoadBalancerFactory> = {}) {
  const slabs = createSharedSlabs(1);
  const registry = new FactoryRegistry();
  registry.register({ category: LOAD_BALANCING_CATEGORY, name: 'first', typeName: 'first', parse: (message: object) => message, createFactory: () => ({ create: () => new First(), ...more }) });
  const stats = new Float64Array(slabs.hostStats[0]);
  const health = new Int32Array(slabs.hostHealth);
  const context = {
    dispatcher: { wheel: { nowTick: 0 }, wallMs: 0 }, literals: {}, registry, rootScope: createLocalStats().scope, workerIndex: 0, circuits: slabs.circuits.map((slab) => new Int32Array(slab)),
    hostWords: { health, stats, allStats: [stats], since: new Float64Array(slabs.hostSince) }, outliers: {}, random: () => 0, nextConnectionId: () => 1, formatNeeds: createFormatNeeds(),
  } as unknown as ClusterManagerContext;
  const manager = new ThreadLocalClusterManager(context);
  const config = clusterConfig({ lbPolicy: { name: 'first', typeName: 'first', config: {} } });
  const clusters = [{ id: 7, config, hosts: { cluster: 'c', hosts } }, { id: 8, config: { ...config, name: 'd' }, hosts: { cluster: 'd', hosts: [] } }];
  manager.apply({ clusters, runtime: new RuntimeSnapshot({}), zone: '' });
  const choose = (): Host | null => manager.get('c')?.chooseHost(0, null, null, NO_REQUEST) ?? null;
  return { manager, health, choose };
}

const NO_REQUEST = { requestHeaders: () => null, streamInfo: { dynamicMetadata: null }, connection: { originalDestination: '' } };

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
