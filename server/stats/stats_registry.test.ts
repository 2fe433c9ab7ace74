import { describe, expect, test } from 'vitest';
import { DEFAULT_BUCKETS } from '../../core/stats/histogram_statistics.ts';
import { SlotHistogram } from '../../core/stats/slot_histogram.ts';
import { StatsStore } from '../../core/stats/store.ts';
import { TagExtractor } from '../../core/stats/tag_extractor.ts';
import { StatsRegistry } from './stats_registry.ts';

function createRegistry() {
  return new StatsRegistry({
    tagExtractor: new TagExtractor({ useAllDefaultTags: true, tags: [] }),
    bucketsFor: (name) => (name.startsWith('custom') ? [1, 2] : DEFAULT_BUCKETS),
  });
}

/** A thread whose announcements cross as a clone, as they do in postMessage. */
function connect(registry: StatsRegistry) {
  const thread = registry.connectThread();
  const store = new StatsStore({ onNewStats: (announcement) => thread.apply(structuredClone(announcement)) });
  return { thread, store, scope: store.rootScope() };
}

describe('counters and gauges', () => {
  test('are summed over threads', () => {
    const registry = createRegistry();
    const threads = [connect(registry), connect(registry)];
    threads.forEach(({ store, scope }, i) => {
      scope.counter('c').add(i + 1);
      scope.gauge('g').set(10 * (i + 1));
      store.announce();
    });
    expect([registry.valueOf('c'), registry.valueOf('g')]).toEqual([3, 30]);
  });

  test('are used once any thread wrote them', () => {
    const registry = createRegistry();
    const { store, scope } = connect(registry);
    const counter = scope.counter('c');
    const gauge = scope.gauge('g');
    store.announce();
    const used = () => [registry.counter('c').isUsed(), registry.gauge('g').isUsed()];
    expect(used()).toEqual([false, false]);
    counter.add(0);
    gauge.inc();
    gauge.dec();
    expect(used()).toEqual([true, true]);
  });

  test('a gauge that threads push below zero shows 0', () => {
    const registry = createRegistry();
    const { store, scope } = connect(registry);
    scope.gauge('g').dec();
    store.announce();
    expect(registry.valueOf('g')).toBe(0);
  });

  test('a dead worker leaves its counts and takes its gauges; its successor counts on', () => {
    const registry = createRegistry();
    const first = connect(registry);
    first.scope.counter('c').add(5);
    first.scope.gauge('g').set(7);
    first.store.announce();
    first.thread.disconnect();
    expect([registry.valueOf('c'), registry.valueOf('g'), registry.gauge('g').isUsed()]).toEqual([5, 0, true]);
    const second = connect(registry);
    second.scope.counter('c').add(2);
    second.scope.gauge('g').set(1);
    second.store.announce();
    expect([registry.valueOf('c'), registry.valueOf('g')]).toEqual([7, 1]);
  });

  test('a stat that only a dead worker knew and never wrote stays unused', () => {
    const registry = createRegistry();
    const { thread, store, scope } = connect(registry);
    scope.counter('c');
    scope.gauge('g');
    store.announce();
    thread.disconnect();
    expect([registry.counter('c').isUsed(), registry.gauge('g').isUsed()]).toEqual([false, false]);
  });

  test('a reset starts counters from 0 without touching the threads words', () => {
    const registry = createRegistry();
    const { thread, store, scope } = connect(registry);
    const counter = scope.counter('c');
    counter.add(5);
    store.announce();
    registry.resetCounters();
    expect([registry.valueOf('c'), counter.value(), registry.counter('c').isUsed()]).toEqual([0, 5, true]);
    counter.inc();
    thread.disconnect();
    expect(registry.valueOf('c')).toBe(1);
  });

  test('latching gives each flush what was added since the one before, resets or not', () => {
    const registry = createRegistry();
    const { store, scope } = connect(registry);
    const counter = scope.counter('c');
    counter.add(5);
    store.announce();
    const entry = registry.counter('c');
    const latched = [entry.latch()];
    counter.add(2);
    registry.resetCounters();
    latched.push(entry.latch(), entry.latch());
    expect(latched).toEqual([5, 2, 0]);
  });
});

describe('histograms', () => {
  test('show nothing before the first merge', () => {
    const registry = createRegistry();
    const { store, scope } = connect(registry);
    scope.histogram('h', 'ms').record(5);
    store.announce();
    expect(registry.histogram({ kind: 2, name: 'h', segment: 0, index: 0, unit: 'ms' }).isUsed()).toBe(false);
  });

  test('a merge ends the interval and adds to the total', async () => {
    const registry = createRegistry();
    const threads = [connect(registry), connect(registry)];
    for (const { store, scope } of threads) {
      scope.histogram('h', 'ms').record(200);
      store.announce();
    }
    await registry.mergeHistograms();
    const [histogram] = (await registry.byName()).histograms;
    const totals = () => [histogram.interval().total, histogram.cumulative().total];
    expect(totals()).toEqual([2, 2]);
    threads[0].scope.histogram('h', 'ms').record(7);
    await registry.mergeHistograms();
    expect(totals()).toEqual([1, 3]);
    await registry.mergeHistograms();
    expect(totals()).toEqual([0, 3]);
  });

  test('what a worker recorded before it died is in the next interval', async () => {
    const registry = createRegistry();
    const { thread, store, scope } = connect(registry);
    const histogram = scope.histogram('h', 'ms');
    histogram.record(1);
    store.announce();
    await registry.mergeHistograms();
    histogram.record(2);
    thread.disconnect();
    await registry.mergeHistograms();
    const [view] = (await registry.byName()).histograms;
    expect([view.interval(), view.cumulative()]).toEqual([
      { total: 1, bins: [2], counts: [1] }, { total: 2, bins: [1, 2], counts: [1, 1] },
    ]);
  });

  test('counts that wrap at 2^32 stay exact', async () => {
    const registry = createRegistry();
    const { store, scope } = connect(registry);
    const histogram = scope.histogram('h', 'ms');
    if (!(histogram instanceof SlotHistogram)) throw new Error('a store makes slot histograms');
    const setCount = (count: number, changes: number) => {
      histogram.words[histogram.base + 5] = count;
      histogram.words[histogram.base + 1000] = changes;
    };
    setCount(0xffff_fff0, 1);
    store.announce();
    await registry.mergeHistograms();
    setCount(0x10, 2);
    await registry.mergeHistograms();
    const [view] = (await registry.byName()).histograms;
    expect([view.interval().total, view.cumulative().total]).toEqual([0x20, 0x1_0000_0010]);
  });

  test('a merge while one is running is refused', async () => {
    const registry = createRegistry();
    const { store, scope } = connect(registry);
    for (let i = 0; i < 600; i++) scope.histogram(`h${i}`, 'ms').record(1);
    store.announce();
    const first = registry.mergeHistograms();
    expect([await registry.mergeHistograms(), await first]).toEqual([false, true]);
    const histograms = [...(await registry.byName()).histograms];
    expect(histograms.every((histogram) => histogram.cumulative().total === 1)).toBe(true);
  });

  test('have the buckets their name asks for', async () => {
    const registry = createRegistry();
    const { store, scope } = connect(registry);
    scope.histogram('custom.h', 'ms');
    scope.histogram('h', 'bytes');
    store.announce();
    const histograms = [...(await registry.byName()).histograms];
    expect(histograms.map((histogram) => [histogram.name, histogram.unit, histogram.buckets])).toEqual([
      ['custom.h', 'ms', [1, 2]], ['h', 'bytes', DEFAULT_BUCKETS],
    ]);
  });
});

describe('listings', () => {
  test('by name: counters and gauges together; by family: neighbours share their tag-extracted name', async () => {
    const registry = createRegistry();
    const { store, scope } = connect(registry);
    for (const name of ['cluster.b.upstream_rq_total', 'cluster_manager.x', 'cluster.a.upstream_rq_total', 'cluster.a.upstream_cx_total']) {
      scope.counter(name);
    }
    scope.gauge('cluster.a.upstream_rq_active');
    store.announce();
    registry.textReadout('control_plane.identifier').set('id');
    const byName = await registry.byName();
    expect([...byName.values].map((stat) => stat.name)).toEqual([
      'cluster.a.upstream_cx_total', 'cluster.a.upstream_rq_active', 'cluster.a.upstream_rq_total', 'cluster.b.upstream_rq_total',
      'cluster_manager.x',
    ]);
    expect([...byName.textReadouts].map((stat) => [stat.name, stat.value(), stat.isUsed()])).toEqual([['control_plane.identifier', 'id', true]]);
    const byFamily = await registry.byFamily();
    expect([...byFamily.counters].map((stat) => stat.name)).toEqual([
      'cluster.a.upstream_cx_total', 'cluster.a.upstream_rq_total', 'cluster.b.upstream_rq_total', 'cluster_manager.x',
    ]);
    expect([...byFamily.gauges].map((stat) => stat.tagExtractedName())).toEqual(['cluster.upstream_rq_active']);
  });

  test('a sum over gauges chosen by name', () => {
    const registry = createRegistry();
    const { store, scope } = connect(registry);
    scope.gauge('listener.a.downstream_cx_active').set(2);
    scope.gauge('listener.b.downstream_cx_active').set(3);
    scope.gauge('other').set(9);
    store.announce();
    expect(registry.sumOfGauges((name) => name.startsWith('listener.'))).toBe(5);
  });
});
