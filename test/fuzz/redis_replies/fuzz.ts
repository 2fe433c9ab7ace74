// Random replies to Redis health checks. node test/fuzz/redis_replies/fuzz.ts [seconds=10] [seed=1]
import assert from 'node:assert';
import { RespReader } from '../../../extensions/health_checkers/redis/resp.ts';
import { cut, fuzz, fuzzArguments, type FuzzResult, readCorpus } from '../mutator.ts';
import { answersOf } from '../peer_answers.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));

/** Whole and in random pieces: the same replies, and then the same complaint. */
export function run(seconds: number, seed: number): FuzzResult {
  return fuzz(seconds, seed, CORPUS, (input, random) => {
    assert.deepEqual(answersOf(new RespReader(), cut(random, input)), answersOf(new RespReader(), [...input].map((byte) => Buffer.from([byte]))));
  });
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
