// Random response heads. node test/fuzz/http1_response/fuzz.ts [seconds=10] [seed=1]
import assert from 'node:assert';
import { runResponse } from '../../conformance/parser_runs.ts';
import { cut, fuzz, fuzzArguments, type FuzzResult, readCorpus } from '../mutator.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));

/** Whole and in random pieces: the same events, ranges inside the input (the run checks them), no exception. */
export function run(seconds: number, seed: number): FuzzResult {
  return fuzz(seconds, seed, CORPUS, (input, random) => {
    const whole = runResponse([input], 100);
    const pieces = runResponse(cut(random, input), 100);
    assert.equal(pieces, whole);
  });
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
