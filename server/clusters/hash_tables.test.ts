import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { HostConfig } from '../../core/upstream/cluster_config.ts';
import type { SharedHashTable } from '../../core/upstream/consistent_hash/hash_table.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';
import { ClusterHashTables, MAGLEV } from './hash_tables.ts';

const COMMON = { usesHostname: false, balanceFactor: 0, isLocalityWeighted: false };

function setUp(tableSize = 65_537, typeName: string = MAGLEV) {
  const told: (readonly SharedHashTable[])[] = [];
  const state = { upToDate: 0 };
  const config = clusterConfig({ lbPolicy: { name: 'lb', typeName, config: { tableSize, ...COMMON } } });
  const tables = ClusterHashTables.create(config, { onHashTables: (made) => told.push(made), onUpToDate: () => state.upToDate++ });
  return { told, state, tables };
}

function hostsOf(count: number, first = 0): HostConfig[] {
  return Array.from({ length: count }, (_, i) => hostConfig(first + i, 1000 + first + i));
}

async function settled(tables: ClusterHashTables): Promise<void> {
  while (tables.isBusy) await nextTurn();
}

const HEALTHY = new Int32Array(2000);
const ids = (table: SharedHashTable): number[] => [...table.hostIds];

describe("a cluster's tables of hashes", () => {
  it('are none for other policies, and none to wait for where they are small', () => {
    expect(setUp(7, 'round_robin').tables).toBeNull();
    const { told, tables } = setUp();
    expect(tables?.update(hostsOf(200), HEALTHY)).toBe(true);
    expect(tables?.update([], HEALTHY)).toBe(true);
    expect(told).toEqual([]);
  });

  it('are told when they are made, once for the same hosts', async () => {
    const { told, state, tables } = setUp();
    if (tables === null) throw new Error('no tables');
    const hosts = hostsOf(1000);
    expect(tables.update(hosts, HEALTHY)).toBe(false);
    expect(told).toEqual([]);
    await settled(tables);
    expect(told.map((made) => made.map(ids))).toEqual([[hosts.map((host) => host.id)]]);
    expect(told[0][0].memory[0].byteLength).toBe(65_537 * 2);
    expect(tables.countsOf(hosts)?.reduce((sum, count) => sum + count, 0)).toBe(65_537);
    expect(tables.update(hosts, HEALTHY)).toBe(true);
    expect([told.length, state.upToDate]).toEqual([1, 1]);
  });

  it('are of the healthy hosts of each priority, or of all in panic', async () => {
    const { told, tables } = setUp(65_539);
    const hosts = [...hostsOf(4), ...hostsOf(4, 4).map((host) => ({ ...host, priority: 1 }))];
    const health = new Int32Array(8);
    // Half of the first priority can do 70 %; of the second a quarter is left, which is too little: 35 %.
    for (const id of [0, 1, 4, 5, 6]) health[id] = 1;
    tables?.update(hosts, health);
    await settled(tables as ClusterHashTables);
    expect(told[0].map(ids)).toEqual([[2, 3], [7]]);
    for (const id of [2, 3]) health[id] = 1;
    tables?.update(hosts, health);
    await settled(tables as ClusterHashTables);
    expect(told[1].map(ids)).toEqual([[0, 1, 2, 3], [4, 5, 6, 7]]);
  });

  it('follow the hosts that come while others are being made', async () => {
    const { told, state, tables } = setUp(1_000_003);
    if (tables === null) throw new Error('no tables');
    expect(tables.update(hostsOf(500), HEALTHY)).toBe(false);
    await nextTurn();
    expect(tables.update(hostsOf(600), HEALTHY)).toBe(false);
    await settled(tables);
    expect(told.map((made) => made.map((table) => table.hostIds.length))).toEqual([[600]]);
    expect(state.upToDate).toBe(1);
  });

  it('leave the loop its turns', async () => {
    const { tables } = setUp(5_000_011);
    if (tables === null) throw new Error('no tables');
    tables.update(hostsOf(1000), HEALTHY);
    let turns = 0;
    while (tables.isBusy) {
      await nextTurn();
      turns++;
    }
    expect(turns).toBeGreaterThan(10);
  });

  it('are not told once the cluster is closed', async () => {
    const { told, tables } = setUp();
    tables?.update(hostsOf(1000), HEALTHY);
    tables?.close();
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect(told).toEqual([]);
  });
});
