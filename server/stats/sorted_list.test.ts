import { describe, expect, test } from 'vitest';
import { SortedList } from './sorted_list.ts';

const byKey = (a: { key: number }, b: { key: number }) => a.key - b.key;

describe('SortedList', () => {
  test('sorts more items than one slice holds, stably', async () => {
    const list = new SortedList(byKey);
    const items = Array.from({ length: 30000 }, (_, i) => ({ key: (i * 7919) % 5000, order: i }));
    for (const item of items) list.add(item);
    expect(await list.get()).toEqual([...items].sort(byKey));
  });

  test('an array handed out stays as it is while later items go into the next', async () => {
    const list = new SortedList(byKey);
    for (const key of [3, 1]) list.add({ key });
    const before = await list.get();
    list.add({ key: 2 });
    const after = await list.get();
    expect([before.map((item) => item.key), after.map((item) => item.key)]).toEqual([[1, 3], [1, 2, 3]]);
    expect(await list.get()).toBe(after);
  });

  test('readers that come during a sort get complete lists', async () => {
    const list = new SortedList(byKey);
    for (let key = 5000; key > 0; key--) list.add({ key });
    const first = list.get();
    list.add({ key: 0 });
    const second = list.get();
    expect([(await first).length, (await second).length]).toEqual([5000, 5001]);
  });

  test('an empty list is empty', async () => {
    expect(await new SortedList(byKey).get()).toEqual([]);
  });
});
