import { describe, expect, test } from 'vitest';
import { FIRST_SLOT_SEGMENT } from '../shared_memory/stats_layout.ts';
import { StatKind, type StatsAnnouncement, StatsStore } from './store.ts';

function createStore(accepts?: (name: string) => boolean) {
  const announcements: StatsAnnouncement[] = [];
  const onNewStats = (announcement: StatsAnnouncement) => void announcements.push(announcement);
  const store = new StatsStore(accepts === undefined ? { onNewStats } : { onNewStats, accepts });
  return { store, announcements, scope: store.rootScope() };
}

describe('StatsStore', () => {
  test('the same full name gives the same slot however the scope was made', () => {
    const { scope } = createStore();
    const direct = scope.counter('cluster.up.rq_total');
    expect(scope.scope('cluster').scope('up').counter('rq_total')).toBe(direct);
    expect(scope.scope('cluster.up.').counter('rq_total')).toBe(direct);
  });

  test('a scope sanitises the parts it is made of', () => {
    const { scope } = createStore();
    expect(scope.scope('listener').scope('[::1]:80').prefix).toBe('listener.[__1]_80');
  });

  test('counters and gauges of one name are two stats', () => {
    const { scope } = createStore();
    scope.counter('x').inc();
    expect(scope.gauge('x').value()).toBe(-0);
  });

  test('a slot is -0 until it is written, even with 0', () => {
    const { scope } = createStore();
    const counter = scope.counter('c');
    const gauge = scope.gauge('g');
    expect([Object.is(counter.value(), -0), Object.is(gauge.value(), -0)]).toEqual([true, true]);
    counter.add(0);
    gauge.set(0);
    expect([Object.is(counter.value(), 0), Object.is(gauge.value(), 0)]).toEqual([true, true]);
  });

  test('new names are announced once, in one batch at the end of the turn, with their segments', async () => {
    const { scope, announcements } = createStore();
    scope.counter('a');
    scope.gauge('b');
    scope.histogram('h', 'ms');
    scope.counter('a');
    expect(announcements).toEqual([]);
    await Promise.resolve();
    expect(announcements).toHaveLength(1);
    expect(announcements[0].segments.map((segment) => segment.id)).toEqual([0, 1]);
    expect(announcements[0].stats).toEqual([
      { kind: StatKind.counter, name: 'a', segment: 0, index: 0, unit: 'unspecified' },
      { kind: StatKind.gauge, name: 'b', segment: 0, index: 1, unit: 'unspecified' },
      { kind: StatKind.histogram, name: 'h', segment: 1, index: 0, unit: 'ms' },
    ]);
    scope.counter('later');
    await Promise.resolve();
    expect(announcements[1]).toEqual({
      segments: [], stats: [{ kind: StatKind.counter, name: 'later', segment: 0, index: 2, unit: 'unspecified' }],
    });
  });

  test('announce() does not wait for the end of the turn and does not repeat itself', async () => {
    const { store, scope, announcements } = createStore();
    scope.counter('a');
    store.announce();
    store.announce();
    await Promise.resolve();
    expect(announcements).toHaveLength(1);
  });

  test('a full segment is followed by another; earlier slots stay where they are', () => {
    const { store, scope, announcements } = createStore();
    const first = scope.counter('c0');
    for (let i = 1; i <= FIRST_SLOT_SEGMENT; i++) scope.counter(`c${i}`).add(i);
    first.inc();
    store.announce();
    expect(announcements[0].segments).toHaveLength(2);
    expect(announcements[0].stats.at(-1)).toMatchObject({ segment: 1, index: 0 });
    expect([first.value(), scope.counter(`c${FIRST_SLOT_SEGMENT}`).value()]).toEqual([1, FIRST_SLOT_SEGMENT]);
  });

  test('a rejected name is never announced, and writing to it harms nothing', () => {
    const { store, scope, announcements } = createStore((name) => !name.startsWith('no.'));
    const no = scope.scope('no');
    no.counter('c').inc();
    no.gauge('g').set(5);
    no.histogram('h', 'ms').record(5);
    scope.counter('yes').inc();
    store.announce();
    expect(announcements.flatMap((announcement) => announcement.stats).map((stat) => stat.name)).toEqual(['yes']);
  });
});
