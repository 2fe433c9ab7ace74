import { describe, expect, it } from 'vitest';
import { createSharedSlabs } from './layout.ts';
import { ProcessCounts } from './process_counts.ts';

describe('counts of the process', () => {
  it('are sums over all workers, by name, whichever worker asks first', () => {
    const slabs = createSharedSlabs(3);
    const workers = [0, 1, 2].map((worker) => new ProcessCounts(slabs.countNames, slabs.counts, worker));
    const names = Array.from({ length: 200 }, (_, i) => `http.manager_${i}.fault.active_faults`);
    for (const name of names) workers[1].get(name);
    names.toReversed().forEach((name) => workers[0].get(name).add(1));
    names.forEach((name, i) => workers[2].get(name).add(i));
    workers[0].get(names[7]).add(-1);
    expect(names.map((name) => workers[1].get(name).total())).toEqual(names.map((_, i) => i + (i === 7 ? 0 : 1)));
  });

  it('are words that the others look for', () => {
    const slabs = createSharedSlabs(3);
    const words = [0, 1, 2].map((worker) => new ProcessCounts(slabs.countNames, slabs.counts, worker).get('word'));
    words[1].set(0x70_05);
    words[2].set(0x60_07);
    words[2].set(0x60_06);
    expect([words[0].find(0xff00, 0x6000), words[2].find(0xff00, 0x7000), words[1].find(0xff00, 0x5000)]).toEqual([0x6006, 0x7005, -1]);
  });

  it("are a worker's own when there are too many names", () => {
    const slabs = createSharedSlabs(2);
    const counts = new ProcessCounts(slabs.countNames, slabs.counts, 0);
    for (let i = 0; i < 4096; i++) counts.get(`${i}`);
    const last = counts.get('one more');
    last.add(2);
    expect([last.total(), counts.get('5').total()]).toEqual([2, 0]);
  });
});
