import { describe, expect, it } from 'vitest';
import { PartChannel } from './part_channel.ts';

describe('a channel for parts', () => {
  it('hands on one part per turn of the loop, in order', async () => {
    const channel = new PartChannel();
    const count = 12;
    for (let i = 0; i < count; i++) channel.sender.postMessage({ i });
    let turns = 0;
    let isDone = false;
    const turn = (): void => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    const parts: { part: unknown; turns: number }[] = [];
    await channel.receiveAll((part) => parts.push({ part, turns }));
    isDone = true;
    expect(parts.map(({ part }) => part)).toEqual(Array.from({ length: count }, (_, i) => ({ i })));
    expect(new Set(parts.map((each) => each.turns)).size).toBe(count);
    channel.close();
  });

  it('ends at once when nothing was posted', async () => {
    const channel = new PartChannel();
    await channel.receiveAll(() => {
      throw new Error('a part out of nowhere');
    });
    channel.close();
  });
});
