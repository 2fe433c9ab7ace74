/** Lets a thread stand still until main's loop has turned often enough, which it could not do if main were at work or waiting. */
import { getEnvironmentData, isMainThread } from 'node:worker_threads';

/** Environment data: a SharedArrayBuffer of int32, see Word. */
export const WATCH_KEY = 'watched_thread';
/** turns: main's, counted by the test. passes: how often the thread saw enough of them. */
export const Word = { turns: 0, passes: 1 } as const;
/** Turns of main's loop that are waited for each time. */
const TURNS = 20;

const GIVE_UP_MS = 20_000;

/** Runs `work` with a wait before and after it. */
export function watched<Result>(work: () => Result): Result {
  if (isMainThread) throw new Error('this runs on the main thread');
  const words = new Int32Array(getEnvironmentData(WATCH_KEY) as unknown as SharedArrayBuffer);
  waitForTurns(words);
  const result = work();
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
