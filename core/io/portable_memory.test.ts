import { describe, expect, it } from 'vitest';
import { IoEvent } from './io.ts';
import { EVENT_CAPACITY, PortableMemory } from './portable_memory.ts';

function create(): PortableMemory {
  return new PortableMemory({ maxConnections: 4, arenaSize: 1024, staticSize: 100, outSize: 100, recvSize: 256 });
}

describe('PortableMemory', () => {
  it('leaves a gap behind each range and keeps ranges aligned', () => {
    const memory = create();
    memory.beginTurn();
    const first = memory.take(64);
    const second = memory.take(1);
    expect(first).toBe(0);
    expect(second).toBeGreaterThanOrEqual(64 + 8);
    expect(second % 64).toBe(0);
  });

  it('says when the arena or the events are full, and starts afresh each turn', () => {
    const memory = create();
    memory.beginTurn();
    expect(memory.hasRoom(900)).toBe(true);
    memory.take(900);
    expect(memory.hasRoom(100)).toBe(false);
    memory.beginTurn();
    expect(memory.hasRoom(900)).toBe(true);
    while (memory.hasRoom(0)) memory.push(1, IoEvent.eof, 0, 0);
    expect(memory.eventCount).toBeLessThan(EVENT_CAPACITY);
    expect(EVENT_CAPACITY - memory.eventCount).toBeLessThan(8);
  });

  it('tells what can never fit', () => {
    expect(create().fitsArena(900)).toBe(true);
    expect(create().fitsArena(1024)).toBe(false);
  });

  it('accepts ranges inside the slab only', () => {
    const memory = create();
    const size = memory.slab.length;
    expect(memory.isRange(0, size)).toBe(true);
    expect(memory.isRange(size, 0)).toBe(true);
    expect(memory.isRange(size - 1, 2)).toBe(false);
    expect(memory.isRange(-1, 1)).toBe(false);
    expect(memory.isRange(1, -1)).toBe(false);
  });
});
