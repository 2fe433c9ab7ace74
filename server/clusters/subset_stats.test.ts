import { describe, expect, it } from 'vitest';
import type { HostConfig } from '../../core/upstream/cluster_config.ts';
import type { SubsetConfig, SubsetSelector } from '../../core/upstream/subset/subset_config.ts';
import { clusterConfig, hostConfig } from '../../test/support/in_process_worker.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { SubsetStatsWriter } from './subset_stats.ts';

const SELECTORS: SubsetSelector[] = [
  { keys: ['a'], fallback: 'not_defined', fallbackKeys: [], isSingleHost: false },
  { keys: ['a', 'b'], fallback: 'not_defined', fallbackKeys: [], isSingleHost: false },
  { keys: ['z'], fallback: 'not_defined', fallbackKeys: [], isSingleHost: true },
];

describe('the numbers of subsets', () => {
  it('are none for other policies', () => {
    expect(SubsetStatsWriter.create(clusterConfig(), createLocalStats().scope, 1)).toBeNull();
  });

  it('count each subset for every worker and main, as Envoy counted these', () => {
    const stats = createLocalStats();
    const subsets = { selectors: SELECTORS, listAsAny: true } as unknown as SubsetConfig;
    const config = clusterConfig({ lbPolicy: { name: 's', typeName: 'envoy.extensions.load_balancing_policies.subset.v3.Subset', config: { subsets } } });
    const writer = SubsetStatsWriter.create(config, stats.scope, 2);
    const host = (id: number, lb: object): HostConfig => hostConfig(id, 80 + id, { metadata: { 'envoy.lb': lb } });
    const read = (): (number | undefined)[] => ['active', 'created', 'removed', 'single_host_per_subset_duplicate'].map((name) => stats.value(`lb_subsets_${name}`));
    writer?.write([host(0, { a: 1, b: 'x', z: 1 }), host(1, { a: [2, 3], z: 1 })]);
    expect(read()).toEqual([15, 15, undefined, 1]);
    writer?.write([host(0, { a: 1, b: 'x', z: 1 })]);
    expect(read()).toEqual([9, 15, 6, 0]);
    writer?.write([host(2, { a: 4 })]);
    expect(read()).toEqual([3, 18, 15, 0]);
  });
});
