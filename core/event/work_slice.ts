/**
 * Goes on with work that comes in pieces for about so many milliseconds, by the clock as it runs: the turn's stands still meanwhile.
 * Answers what the last piece gave. Thread: any.
 */
export function workFor<Result>(pieces: Iterator<undefined, Result, undefined>, ms: number): IteratorResult<undefined, Result> {
  const end = performance.now() + ms;
  let result = pieces.next();
  while (result.done !== true && performance.now() < end) result = pieces.next();
  return result;
}
