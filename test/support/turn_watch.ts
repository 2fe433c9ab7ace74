/** Lets a thread stand still until main's loop has turned often enough, which it could not do if main were at work or waiting. */
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';

/** Environment data: a SharedArrayBuffer of int32, see Word. */
const WATCH_KEY = 'watched_thread';
/** turns: main's, counted by `passesDuring`. passes: how often the thread saw enough of them. */
const Word = { turns: 0, passes: 1 } as const;
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

/** How often a `watched` thread saw main's loop turn enough while `work` was under way on main: twice for each that it ran. */
export async function passesDuring(work: () => Promise<void>): Promise<number> {
  const words = new Int32Array(new SharedArrayBuffer(8));
  setEnvironmentData(WATCH_KEY, words.buffer as unknown as Parameters<typeof setEnvironmentData>[1]);
  let isWorking = true;
  const turn = (): void => {
    Atomics.add(words, Word.turns, 1);
    Atomics.notify(words, Word.turns);
    if (isWorking) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    await work();
  } finally {
    isWorking = false;
  }
  return Atomics.load(words, Word.passes);
}

function waitForTurns(words: Int32Array): void {
  const until = Atomics.load(words, Word.turns) + TURNS;
  for (let turns = until - TURNS; turns < until; turns = Atomics.load(words, Word.turns)) {
    if (Atomics.wait(words, Word.turns, turns, GIVE_UP_MS) === 'timed-out') throw new Error("main's loop does not turn");
  }
  Atomics.add(words, Word.passes, 1);
}
