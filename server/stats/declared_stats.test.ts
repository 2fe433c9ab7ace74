import { describe, expect, test } from 'vitest';
import { DEFAULT_BUCKETS } from '../../core/stats/histogram_statistics.ts';
import { StatsStore } from '../../core/stats/store.ts';
import { TagExtractor } from '../../core/stats/tag_extractor.ts';
import { StatTemplate } from './declared_stats.ts';
import { StatsRegistry } from './stats_registry.ts';

const TEMPLATE = new StatTemplate((scope) => {
  scope.counter('upstream_rq_200');
  scope.counter('upstream_rq_total');
  scope.scope('circuit_breakers.default').gauge('rq_open').set(0);
  scope.histogram('upstream_rq_time', 'ms');
});

function createRegistry(prefixes: readonly string[], accepts: (name: string) => boolean = () => true) {
  const registry = new StatsRegistry({
    tagExtractor: new TagExtractor({ useAllDefaultTags: true, tags: [] }), bucketsFor: () => DEFAULT_BUCKETS, accepts,
  });
  for (const prefix of prefixes) registry.declare(prefix, TEMPLATE);
  return registry;
}

/** A thread that announces what `create` makes. */
function announce(registry: StatsRegistry, create: (store: StatsStore) => void): void {
  const thread = registry.connectThread();
  const store = new StatsStore({ onNewStats: (announcement) => thread.apply(announcement) });
  create(store);
  store.announce();
}

const names = (stats: Iterable<{ readonly name: string }>) => [...stats].map((stat) => stat.name);

describe('declared stats', () => {
  test('are shown as 0 in the order of all names, used only where the template says so', async () => {
    const { values, histograms } = await createRegistry(['cluster.b', 'cluster.a']).byName();
    expect([...values].map((stat) => [stat.name, stat.value(), stat.isUsed()])).toEqual([
      ['cluster.a.circuit_breakers.default.rq_open', 0, true], ['cluster.a.upstream_rq_200', 0, false], ['cluster.a.upstream_rq_total', 0, false],
      ['cluster.b.circuit_breakers.default.rq_open', 0, true], ['cluster.b.upstream_rq_200', 0, false], ['cluster.b.upstream_rq_total', 0, false],
    ]);
    expect([...histograms].map((stat) => [stat.name, stat.unit, stat.isUsed(), stat.cumulative().total])).toEqual([
      ['cluster.a.upstream_rq_time', 'ms', false, 0], ['cluster.b.upstream_rq_time', 'ms', false, 0],
    ]);
  });

  test('make room for the real one, once', async () => {
    const registry = createRegistry(['cluster.a']);
    announce(registry, (store) => {
      store.counterNamed('cluster.a.upstream_rq_total').add(3);
      store.counterNamed('cluster.a.upstream_rq_404').inc();
      store.counterNamed('server.x').inc();
    });
    const { values } = await registry.byName();
    expect([...values].map((stat) => [stat.name, stat.value()])).toEqual([
      ['cluster.a.circuit_breakers.default.rq_open', 0], ['cluster.a.upstream_rq_200', 0], ['cluster.a.upstream_rq_404', 1],
      ['cluster.a.upstream_rq_total', 3], ['server.x', 1],
    ]);
    expect(names((await registry.byFamily()).counters)).toEqual([
      'cluster.a.upstream_rq_200', 'cluster.a.upstream_rq_404', 'cluster.a.upstream_rq_total', 'server.x',
    ]);
  });

  test('stay in order when one name of a cluster begins with another', async () => {
    const registry = createRegistry(['cluster.a.v', 'cluster.a', 'cluster.a.b.c', 'cluster.a-b', 'cluster.a.b', 'cluster.a']);
    const { values } = await registry.byName();
    const all = names(values);
    expect(all.length).toBe(15);
    expect(all).toEqual([...all].sort());
    const { counters } = await registry.byFamily();
    const families = [...counters].map((stat) => [stat.tagExtractedName(), stat.name].join(' '));
    expect(families.length).toBe(10);
    expect(families).toEqual([...families].sort());
  });

  test('share families by their tags', async () => {
    const [counter] = (await createRegistry(['cluster.a']).byFamily()).counters;
    expect([counter.tagExtractedName(), counter.tags()]).toEqual([
      'cluster.upstream_rq', [{ name: 'envoy.response_code', value: '200' }, { name: 'envoy.cluster_name', value: 'a' }],
    ]);
  });

  test('are left out where the stats matcher rejects them', async () => {
    const registry = createRegistry(['cluster.a', 'cluster.b'], (name) => name.endsWith('_total'));
    expect(names((await registry.byName()).values)).toEqual(['cluster.a.upstream_rq_total', 'cluster.b.upstream_rq_total']);
    expect(names((await registry.byFamily()).counters)).toEqual(['cluster.a.upstream_rq_total', 'cluster.b.upstream_rq_total']);
  });
});
