import { IoCommand } from './io.ts';

/** Who executes decoded commands. */
export interface CommandTarget {
  /** `pairs` is the index of the first range of a send. */
  execute(connection: number, op: number, argument: number, pairs: number): void;
  /** A command that cannot be right. */
  bad(what: string, connection: number): void;
}

/** Walks the first `words` command words with the checks of the ring: the same bad commands are found, in the same order. */
export function decodeCommands(commands: Int32Array, words: number, maxConnections: number, target: CommandTarget): void {
  if (words < 0 || words > commands.length) {
    target.bad('more words than the array holds', -1);
    return;
  }
  let at = 0;
  while (at < words) {
    if (words - at < 2) {
      target.bad('cut short', -1);
      return;
    }
    const op = commands[at] & 0xff;
    const argument = commands[at] >>> 8;
    const connection = commands[at + 1];
    at += 2;
    const pairs = at;
    if (op === IoCommand.send) {
      if (argument * 2 > words - at) {
        target.bad('more ranges than words', connection);
        return;
      }
      at += argument * 2;
    }
    if (op < IoCommand.send || op > IoCommand.shutdownWrite) {
      target.bad('unknown command', connection);
      return;
    }
    if (connection < 0 || connection >= maxConnections) target.bad('no such connection', connection);
    else target.execute(connection, op, argument, pairs);
  }
}
