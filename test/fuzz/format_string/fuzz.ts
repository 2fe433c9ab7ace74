// Random substitution formats. node test/fuzz/format_string/fuzz.ts [seconds=10] [seed=1]
import assert from 'node:assert';
import { compileJson, compileText } from '../../../core/formatter/formatter.ts';
import { testStream } from '../../support/log_context.ts';
import { type FuzzResult, fuzz, fuzzArguments, readCorpus } from '../mutator.ts';

const CORPUS = readCorpus(new URL('./corpus/', import.meta.url));

/** Every format compiles or says why not, formats without exception, alike into any memory, and as JSON into JSON. */
export function run(seconds: number, seed: number): FuzzResult {
  const request = [[':method', 'GET'], [':path', '/a?x=%22%c3&y=1'], ['x', 'caf\xc3\xa9 "\xe9"'], ['x-forwarded-client-cert', 'By=a;URI="b\\"c"']] as const;
  const { environment, context, names } = testStream({ request });
  return fuzz(seconds, seed, CORPUS, (input) => {
    const format = input.toString('utf8');
    const mistakes: string[] = [];
    const text = compileText(format, false, { ...environment, names: { intern: (name: string) => names.find(name) } }, (mistake) => mistakes.push(mistake));
    if (mistakes.length > 0) return;
    const whole = text.formatToBytes(context);
    const memory = new Uint8Array(whole.length >> 1);
    assert.ok(text.formatTo(memory, new DataView(memory.buffer), 0, context) > memory.length || whole.length === 0);
    const json = compileJson({ format }, true, { ...environment, names: { intern: (name: string) => names.find(name) } });
    const line = Buffer.from(json.formatToBytes(context));
    assert.equal(line.at(-1), 10);
    assert.deepEqual(Object.keys(JSON.parse(line.toString('utf8')) as object), ['format']);
  });
}

if (import.meta.main) {
  const { seconds, seed } = fuzzArguments();
  console.log(`${run(seconds, seed).runs} inputs`);
}
