// Random changes of header maps. node test/fuzz/header_map/fuzz.ts [seconds=10] [seed=1]; a corpus file is bytes read as operations.
import { type FuzzResult, fuzz, fuzzArguments, readCorpus } from '../mutator.ts';
import { checkHeaderMap, type HeaderOperation, MODEL_NAMES } from './model.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));

/** Three bytes an operation: kind, name, value. */
function decode(input: Buffer): HeaderOperation[] {
  const operations: HeaderOperation[] = [];
  for (let i = 0; i + 2 < Math.min(input.length, 240); i += 3) {
    const name = MODEL_NAMES[input[i + 1] % MODEL_NAMES.length];
    const value = String.fromCharCode(33 + (input[i + 2] % 90)).repeat(input[i + 2] * (i % 5));
    switch (input[i] % 13) {
      case 0:
        operations.push({ kind: 'set', name, value });
        break;
      case 1:
      case 2:
        operations.push({ kind: 'add', name, value });
        break;
      case 3:
        operations.push({ kind: 'append', name, value });
        break;
      case 4:
        operations.push({ kind: 'remove', name });
        break;
      case 5:
        operations.push({ kind: 'removeFirst', name });
        break;
      case 6:
        operations.push({ kind: 'removeByName', name });
        break;
      case 7:
        operations.push({ kind: 'setInteger', name, number: input[i + 2] ** (i % 6) });
        break;
      case 8:
        operations.push({ kind: 'setBytes', name, value });
        break;
      case 9:
        operations.push({ kind: 'setByName', name, value });
        break;
      case 10:
        operations.push({ kind: 'setPath', value: `/${value}` });
        break;
      case 11:
        operations.push({ kind: 'retain' });
        break;
      default:
        operations.push({ kind: input[i + 2] > 230 ? 'clear' : 'copy' });
    }
  }
  return operations;
}

/** The map says at every step what a plain list of pairs says. */
export function run(seconds: number, seed: number): FuzzResult {
  return fuzz(seconds, seed, CORPUS, (input) => checkHeaderMap(decode(input)));
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
