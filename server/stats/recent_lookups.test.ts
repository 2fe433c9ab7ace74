import { describe, expect, it } from 'vitest';
import { RecentLookups } from './recent_lookups.ts';

describe('RecentLookups', () => {
  it('counts always, and keeps names only while it is on', () => {
    const lookups = new RecentLookups();
    lookups.note('a');
    expect([lookups.total, lookups.entries()]).toEqual([1, []]);
    lookups.enable(true);
    for (const name of ['b', 'a', 'c', 'c']) lookups.note(name);
    expect([lookups.total, lookups.entries()]).toEqual([5, [['c', 2], ['a', 1], ['b', 1]]]);
    lookups.clear();
    expect([lookups.total, lookups.entries(), lookups.isEnabled]).toEqual([0, [], true]);
    lookups.note('d');
    lookups.enable(false);
    expect([lookups.total, lookups.entries()]).toEqual([1, []]);
  });

  it('forgets the name that was not looked up for longest beyond 100', () => {
    const lookups = new RecentLookups();
    lookups.enable(true);
    for (let i = 0; i < 100; i++) lookups.note(`n${i}`);
    lookups.note('n0');
    lookups.note('new');
    const names = lookups.entries().map(([name]) => name);
    expect(names).toHaveLength(100);
    expect([names.includes('n0'), names.includes('n1'), names.includes('new')]).toEqual([true, false, true]);
  });
});
