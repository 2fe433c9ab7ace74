import { describe, expect, it } from 'vitest';
import { FakeIo } from '../../test/support/fake_io.ts';
import { IoDispatcher } from './io_dispatcher.ts';

describe('a turn that writes more than its buffer has room for', () => {
  it('flushes between timers: each sends all of its bytes', () => {
    const io = new FakeIo();
    const escaped: unknown[] = [];
    const dispatcher = new IoDispatcher(io, (error) => escaped.push(error));
    dispatcher.start();
    const text = 'x'.repeat(100_000);
    const turns: number[] = [];
    const connections = Array.from({ length: 50 }, () => io.open());
    for (const connection of connections) {
      const timer = dispatcher.createTimer({
        onTimeout: () => {
          turns.push(dispatcher.turnNumber);
          dispatcher.commands.send(connection, dispatcher.turn.writeLatin1(text), text.length);
        },
      });
      timer.enable(20);
    }
    // One wake-up for all of them.
    io.advance(1000, 1000);
    expect(escaped).toEqual([]);
    for (const connection of connections) expect(io.socket(connection).sent.length).toBe(text.length);
    // What was borrowed before a flush does not count as valid after it.
    expect(new Set(turns).size).toBeGreaterThan(50 / 6 - 1);
  });
});
