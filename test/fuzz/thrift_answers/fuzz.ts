// Random answers to Thrift health checks. node test/fuzz/thrift_answers/fuzz.ts [seconds=10] [seed=1]
import assert from 'node:assert';
import { ThriftAnswers } from '../../../extensions/health_checkers/thrift/thrift_answers.ts';
import { cut, fuzz, fuzzArguments, type FuzzResult, readCorpus } from '../mutator.ts';
import { answersOf } from '../peer_answers.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));

/** Whole and in random pieces: the same answers, and then the same complaint. */
export function run(seconds: number, seed: number): FuzzResult {
  return fuzz(seconds, seed, CORPUS, (input, random) => {
    const transport = random.pick(['framed', 'unframed', 'header'] as const);
    const protocol = random.pick(['binary', 'lax_binary', 'compact'] as const);
    const bytewise = answersOf(new ThriftAnswers(transport, protocol), [...input].map((byte) => Buffer.from([byte])));
    assert.deepEqual(answersOf(new ThriftAnswers(transport, protocol), cut(random, input)), bytewise);
  });
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
