// Random chunked bodies. node test/fuzz/chunked/fuzz.ts [seconds=10] [seed=1]
import assert from 'node:assert';
import { runChunked } from '../../conformance/parser_runs.ts';
import { cut, fuzz, fuzzArguments, type FuzzResult, readCorpus } from '../mutator.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));

/** Whole and in random pieces: the same events, ranges inside the input (the run checks them), no exception. */
export function run(seconds: number, seed: number): FuzzResult {
  return fuzz(seconds, seed, CORPUS, (input, random) => {
    const whole = runChunked([input]);
    const pieces = runChunked(cut(random, input));
    assert.equal(pieces, whole);
  });
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
