import { describe, expect, it } from 'vitest';
import { IoCommand } from './io.ts';
import { decodeCommands } from './portable_commands.ts';

/** What the decoder called, as text. */
function decode(words: number[], count = words.length): string[] {
  const calls: string[] = [];
  const commands = new Int32Array(32);
  commands.set(words);
  decodeCommands(commands, count, 8, {
    execute: (connection, op, argument, pairs) => calls.push(`${op}(${connection}) ${argument} @${pairs}`),
    bad: (what, connection) => calls.push(`bad ${connection}: ${what}`),
  });
  return calls;
}

describe('decodeCommands', () => {
  it('walks commands of different lengths', () => {
    const send = [IoCommand.send | (2 << 8), 3, 10, 20, 30, 40];
    expect(decode([...send, IoCommand.close | (1 << 8), 3, IoCommand.pause, 4])).toEqual(['1(3) 2 @2', '2(3) 1 @8', '3(4) 0 @10']);
  });

  it.each([
    ['more words than there are', [], 33, ['bad -1: more words than the array holds']],
    ['a negative count', [], -1, ['bad -1: more words than the array holds']],
    ['half a record', [IoCommand.pause], 1, ['bad -1: cut short']],
    ['ranges that are missing', [IoCommand.send | (3 << 8), 1, 0, 1, 2, 3], 6, ['bad 1: more ranges than words']],
    ['a huge range count', [IoCommand.send | (0xffffff << 8), 1], 2, ['bad 1: more ranges than words']],
    ['an unknown command, after which nothing can be trusted', [99, 1, IoCommand.pause, 1], 4, ['bad 1: unknown command']],
    ['command 0', [0, 1], 2, ['bad 1: unknown command']],
    ['a number out of range, and goes on', [IoCommand.pause, 8, IoCommand.pause, 7], 4, ['bad 8: no such connection', '3(7) 0 @4']],
  ])('reports %s', (_name, words, count, calls) => {
    expect(decode(words, count)).toEqual(calls);
  });
});
