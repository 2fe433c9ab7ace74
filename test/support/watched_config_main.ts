/**
 * The configuration pool's entry, seen from outside: before and after the work it stands still until main's loop has turned often
 * enough, which it could not do if main itself were at work or waiting for this thread.
 */
import { getEnvironmentData, isMainThread } from 'node:worker_threads';
import { run as runTask } from '../../bin/config_main.ts';
import type { ConfigTask } from '../../server/config/config_task.ts';
import type { DumpTexts } from '../../server/config_dump.ts';

/** Environment data: a SharedArrayBuffer of int32, see Word. */
export const WATCH_KEY = 'watched_config_main';
/** turns: main's, counted by the test. passes: how often the thread saw enough of them. */
export const Word = { turns: 0, passes: 1 } as const;
/** Turns of main's loop that are waited for each time. */
export const TURNS = 20;

const GIVE_UP_MS = 20_000;

export function run(task: ConfigTask): DumpTexts | undefined {
  if (isMainThread) throw new Error('the configuration is read on the main thread');
  const words = new Int32Array(getEnvironmentData(WATCH_KEY) as unknown as SharedArrayBuffer);
  waitForTurns(words);
  const result = runTask(task);
  waitForTurns(words);
  return result;
}

function waitForTurns(words: Int32Array): void {
  const until = Atomics.load(words, Word.turns) + TURNS;
  for (let turns = until - TURNS; turns < until; turns = Atomics.load(words, Word.turns)) {
    if (Atomics.wait(words, Word.turns, turns, GIVE_UP_MS) === 'timed-out') throw new Error("main's loop does not turn");
  }
  Atomics.add(words, Word.passes, 1);
}
