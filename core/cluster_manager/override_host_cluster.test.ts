import { describe, expect, it } from 'vitest';
import { RoundRobinLoadBalancer } from '../../extensions/load_balancing_policies/round_robin/round_robin.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';
import { headerMap } from '../../test/support/header_map.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import type { ChoosingRequest } from '../conn_pool/cluster_lookup.ts';
import { HeaderNames } from '../headers/header_names.ts';
import { FactoryRegistry } from '../registry/factory_registry.ts';
import { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { createSharedSlabs, HostHealthFlag } from '../shared_memory/layout.ts';
import type { HostConfig } from '../upstream/cluster_config.ts';
import { LOAD_BALANCING_CATEGORY } from '../upstream/load_balancer.ts';
import { type ClusterManagerContext, ThreadLocalClusterManager } from './thread_local_cluster_manager.ts';

const METADATA = { headerName: '', metadataFilter: 'places', metadataPath: ['to', 'go'] };
const HEADER = { headerName: 'x-host', metadataFilter: '', metadataPath: [] };

function setUp(sources = [HEADER, METADATA], hosts: HostConfig[] = [hostConfig(0, 80), hostConfig(1, 81), hostConfig(2, 82, { priority: 1, address: '::1' })]) {
  const slabs = createSharedSlabs(1);
  const registry = new FactoryRegistry();
  registry.register({ category: LOAD_BALANCING_CATEGORY, name: 'rr', typeName: 'rr', parse: (message: object) => message, createFactory: () => ({ create: () => new RoundRobinLoadBalancer(() => 0) }) });
  const names = new HeaderNames();
  const health = new Int32Array(slabs.hostHealth);
  const stats = new Float64Array(slabs.hostStats[0]);
  const manager = new ThreadLocalClusterManager({
    dispatcher: { wheel: { nowTick: 0 }, wallMs: 0 }, literals: {}, names, registry, rootScope: createLocalStats().scope, workerIndex: 0, circuits: slabs.circuits.map((slab) => new Int32Array(slab)),
    hostWords: { health, stats, allStats: [stats], since: new Float64Array(slabs.hostSince) }, outliers: {}, random: () => 0, nextConnectionId: () => 1, formatNeeds: { headerBytes: false },
  } as unknown as ClusterManagerContext);
  const config = clusterConfig({ lbPolicy: { name: 'rr', typeName: 'rr', config: {} }, overrideHosts: sources });
  manager.apply({ clusters: [{ id: 7, config, hosts: { cluster: 'c', hosts } }], runtime: new RuntimeSnapshot({}), zone: '' });
  const choose = (request: ChoosingRequest): string | undefined => manager.get('c')?.chooseHost(0, null, null, request)?.address;
  return { manager, health, names, choose };
}

/** A request with these values of x-host and this metadata. */
function request(names: HeaderNames, values: readonly string[], places?: unknown): ChoosingRequest {
  const headers = headerMap(names, values.map((value) => ['x-host', value] as const));
  const dynamicMetadata = places === undefined ? null : new Map([['places', places as Record<string, unknown>]]);
  return { requestHeaders: () => headers, streamInfo: { dynamicMetadata, filterState: null }, connection: { originalDestination: '' } };
}

describe('a request that names hosts', () => {
  it.each<[string, readonly string[], unknown, string]>([
    ['in a header', ['127.0.0.1:81'], undefined, '127.0.0.1:81'],
    ['by IPv6', ['[::1]:82'], undefined, '[::1]:82'],
    ['in a header of which the first value counts', ['127.0.0.1:81', '127.0.0.1:80'], undefined, '127.0.0.1:81'],
    ['in metadata', [], { to: { go: '127.0.0.1:81' } }, '127.0.0.1:81'],
    ['in a list', [], { to: { go: ' , 1.1.1.1:1,\t127.0.0.1:81 ' } }, '127.0.0.1:81'],
    ['in both: first the first source', ['127.0.0.1:81'], { to: { go: '127.0.0.1:80' } }, '127.0.0.1:81'],
    ['that are not here', ['1.1.1.1:1'], undefined, '127.0.0.1:80'],
    ['in metadata that is no text', [], { to: { go: 81 } }, '127.0.0.1:80'],
    ['elsewhere in the metadata', [], { to: '127.0.0.1:81' }, '127.0.0.1:80'],
    ['nowhere', [], undefined, '127.0.0.1:80'],
  ])('%s', (_name, values, places, expected) => {
    const { names, choose } = setUp();
    expect(choose(request(names, values, places))).toBe(expected);
  });

  it('goes to one after the other, then where the policy says', () => {
    const { names, choose } = setUp();
    const one = request(names, ['127.0.0.1:81,127.0.0.1:81'], { to: { go: '[::1]:82' } });
    expect([choose(one), choose(one), choose(one), choose(one), choose(one)]).toEqual(['127.0.0.1:81', '127.0.0.1:81', '[::1]:82', '127.0.0.1:80', '127.0.0.1:81']);
    // Another request begins at the first.
    expect(choose(request(names, ['127.0.0.1:81']))).toBe('127.0.0.1:81');
  });

  it('names them anew after an internal redirect, which takes the filter state along', () => {
    const { names, choose } = setUp();
    const before = request(names, ['127.0.0.1:81']);
    choose(before);
    const after = request(names, ['127.0.0.1:81']);
    after.streamInfo.filterState = before.streamInfo.filterState ?? null;
    expect(choose(after)).toBe('127.0.0.1:81');
  });

  it('finds hosts whatever their health, new ones too, and no longer those that are gone', () => {
    const { manager, health, names, choose } = setUp();
    health[1] = HostHealthFlag.failedActiveHc;
    manager.onHealthChanged(7);
    expect(choose(request(names, ['127.0.0.1:81']))).toBe('127.0.0.1:81');
    manager.updateHosts(7, { cluster: 'c', hosts: [hostConfig(0, 80), hostConfig(5, 85)] });
    expect(choose(request(names, ['127.0.0.1:85']))).toBe('127.0.0.1:85');
    expect(choose(request(names, ['127.0.0.1:81']))).not.toBe('127.0.0.1:81');
  });

  it('may be a copy that nothing can be kept for', () => {
    const { names, choose } = setUp();
    const { requestHeaders, connection } = request(names, ['127.0.0.1:81']);
    const copy = { requestHeaders, connection, streamInfo: Object.freeze({ dynamicMetadata: null }) };
    expect([choose(copy), choose(copy)]).toEqual(['127.0.0.1:81', '127.0.0.1:81']);
  });
});
