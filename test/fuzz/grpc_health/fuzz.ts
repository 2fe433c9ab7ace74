// Random answers to gRPC health checks. node test/fuzz/grpc_health/fuzz.ts [seconds=10] [seed=1]
import assert from 'node:assert';
import { HealthResponseReader } from '../../../server/health_checks/grpc_frames.ts';
import { cut, fuzz, fuzzArguments, type FuzzResult, readCorpus } from '../mutator.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));

function read(chunks: readonly Buffer[]): string {
  const reader = new HealthResponseReader();
  for (const chunk of chunks) reader.add(chunk);
  return reader.answer;
}

/** Whole and in random pieces: the same answer. */
export function run(seconds: number, seed: number): FuzzResult {
  return fuzz(seconds, seed, CORPUS, (input, random) => assert.equal(read(cut(random, input)), read([input])));
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
