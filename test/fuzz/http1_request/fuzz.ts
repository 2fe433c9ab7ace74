// Random request heads. node test/fuzz/http1_request/fuzz.ts [seconds=10] [seed=1]
import assert from 'node:assert';
import { runRequest } from '../../conformance/parser_runs.ts';
import { cut, fuzz, fuzzArguments, type FuzzResult, readCorpus } from '../mutator.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));

/** Whole and in random pieces: the same events, ranges inside the input (the run checks them), no exception. */
export function run(seconds: number, seed: number): FuzzResult {
  return fuzz(seconds, seed, CORPUS, (input, random) => {
    const whole = runRequest([input], 100);
    const pieces = runRequest(cut(random, input), 100);
    // A line over 1 KiB that has not ended yet is looked at when its end is there.
    if (pieces !== 'incomplete\n') assert.equal(pieces, whole);
    else assert.match(whole, /^(incomplete|error)/);
  });
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
