import { describe, expect, it } from 'vitest';
import { createSharedSlabs, HEALTH_GENERATION, HOST_LOAD_WORDS, HostHealthFlag } from '../../core/shared_memory/layout.ts';
import type { EndpointConfig } from '../../core/upstream/cluster_config.ts';
import { HostIds } from './host_ids.ts';
import { type DiscoveredHost, HostSlabs, HostTable } from './host_table.ts';

const ENDPOINT: EndpointConfig = {
  address: 'a.test', port: 80, hostname: '', weight: 1, priority: 0, region: '', zone: '', subZone: '', localityWeight: 0, healthStatus: 'unknown', metadata: {},
};

function found(key: string, endpoint: Partial<EndpointConfig> = {}, address = '10.0.0.1'): DiscoveredHost {
  return { key, address, port: 80, endpoint: { ...ENDPOINT, ...endpoint } };
}

function setUp(...hosts: DiscoveredHost[]) {
  const slabs = new HostSlabs(createSharedSlabs(1));
  const table = new HostTable(new HostIds(), slabs);
  table.replace(hosts);
  return { table, slabs };
}

it('a host that gets the id of another begins without its weight by load', () => {
  const shared = createSharedSlabs(2);
  const slabs = new HostSlabs(shared);
  const words = new Float64Array(shared.hostLoads[1], 5 * HOST_LOAD_WORDS * 8, HOST_LOAD_WORDS).fill(40);
  expect([slabs.weight(5, 7), slabs.weight(4, 7)]).toEqual([40, 7]);
  slabs.birth(5, 0);
  expect([slabs.weight(5, 7), ...words]).toEqual([7, 0, 0, 0, 0]);
});

describe('a host that stays at its address', () => {
  it('is the same when discovery says nothing new', () => {
    const { table } = setUp(found('a'));
    const [before] = table.hosts();
    expect(table.replace([found('a')])).toMatchObject({ added: 0, removed: 0, moved: 0, updated: 0 });
    expect(table.hosts()[0]).toBe(before);
  });

  it.each<[string, Partial<EndpointConfig>]>([
    ['weight', { weight: 7 }], ['metadata', { metadata: { 'envoy.lb': { stage: 'b' } } }], ['hostname', { hostname: 'h' }], ['priority', { priority: 1 }],
    ['zone', { zone: 'z' }], ['localityWeight', { localityWeight: 3 }],
  ])('takes a new %s and keeps its id', (_name, change) => {
    const { table } = setUp(found('a'), found('b', {}, '10.0.0.2'));
    const id = table.idOf('b');
    expect(table.replace([found('a'), found('b', change, '10.0.0.2')])).toMatchObject({ added: 0, removed: 0, moved: 0, updated: 1 });
    expect(table.hosts()[1]).toMatchObject({ id, ...change });
    expect(table.entries()[1].endpoint).toMatchObject(change);
  });

  it('turns a canary with its metadata', () => {
    const { table } = setUp(found('a'));
    table.replace([found('a', { metadata: { 'envoy.lb': { canary: true } } })]);
    expect(table.hosts()[0].canary).toBe(true);
  });

  it('has another check, which those who check it see', () => {
    const { table } = setUp(found('a'));
    const healthCheck = { port: 81, address: '', hostname: '', isDisabled: false };
    expect(table.replace([found('a', { healthCheck })]).updated).toBe(1);
    expect(table.entries()[0].endpoint.healthCheck).toEqual(healthCheck);
  });

  it('has the health that it is said to have now, besides what checks found', () => {
    const { table, slabs } = setUp(found('a', { healthStatus: 'draining' }));
    const id = table.idOf('a');
    slabs.health[id] |= HostHealthFlag.failedActiveHc;
    const generation = slabs.health[HEALTH_GENERATION];
    table.replace([found('a', { healthStatus: 'degraded' })]);
    expect(slabs.health[id]).toBe(HostHealthFlag.failedActiveHc | HostHealthFlag.degradedEdsHealth);
    expect(slabs.health[HEALTH_GENERATION]).not.toBe(generation);
    table.replace([found('a')]);
    expect(slabs.health[id]).toBe(HostHealthFlag.failedActiveHc);
  });
});

describe('other hosts', () => {
  it('come, go and move', () => {
    const { table } = setUp(found('a'), found('b'));
    expect(table.replace([found('a', { weight: 2 }, '10.0.0.9'), found('c')])).toMatchObject({ added: 1, removed: 1, moved: 1, updated: 0 });
    expect(table.hosts().map(({ address, weight }) => [address, weight])).toEqual([['10.0.0.9', 2], ['10.0.0.1', 1]]);
  });

  it('count once when they are found twice: as the first says', () => {
    const { table } = setUp(found('a', { weight: 3 }), found('a', { weight: 4 }));
    expect(table.hosts().map(({ weight }) => weight)).toEqual([3]);
  });
});
