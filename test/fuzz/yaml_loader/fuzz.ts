// Feeds mutated configurations to the loader: it must answer with a message or with clean errors, never throw.
// node test/fuzz/yaml_loader/fuzz.ts [seconds=10] [seed=1]; a failing input is written to crashes/ and the exit code is 1.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadDescriptors } from '../../../server/bootstrap/load_descriptors.ts';
import { BOOTSTRAP_TYPE } from '../../../server/bootstrap/load_bootstrap.ts';
import { renderProblem } from '../../../server/config/config_error.ts';
import { type ConfigFormat, readMessage, validateMessage } from '../../../server/config/config_loader.ts';
import { LoadedConfig } from '../../../server/config/loaded_config.ts';

const CORPUS = fileURLToPath(new URL('./corpus/', import.meta.url));
const CRASHES = fileURLToPath(new URL('./crashes/', import.meta.url));
const INPUT_MAX = 20_000;
const SNIPPETS = [
  '&a ', '*a', '!ignore ', '? ', '<<: ', '- ', ': ', '{', '}', '[', ']', '"', "'", '|', '>', '#', '\t', '\n', '\n  ', '---\n', '%YAML 1.2\n', 'null', '~', 'on', '0x',
  '1e999', '-0', '9223372036854775808', '.nan', '"@type": ', 'type.googleapis.com/', 'type.googleapis.com/google.protobuf.Any', 'type.googleapis.com/google.protobuf.Struct',
  'type.googleapis.com/xds.type.v3.TypedStruct', 'type_url: ', 'value: ', '__proto__: ', 'constructor: ', 'toString', '\u0000', '\ufeff', '\ud800', '5s', '{seconds: 1}',
];

/** Deterministic pseudo-random integers (xorshift32). */
class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed | 0 || 1;
  }
  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }
}

function mutate(random: Random, corpus: readonly string[]): string {
  let text = corpus[random.below(corpus.length)] ?? '';
  for (let i = random.below(6) + 1; i > 0; i--) {
    const at = random.below(text.length + 1);
    const length = random.below(Math.min(40, text.length - at + 1));
    const other = corpus[random.below(corpus.length)] ?? '';
    const from = random.below(other.length + 1);
    switch (random.below(6)) {
      case 0:
        text = text.slice(0, at) + text.slice(at + length);
        break;
      case 1:
        text = text.slice(0, at) + (SNIPPETS[random.below(SNIPPETS.length)] ?? '') + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + String.fromCharCode(random.below(128)) + text.slice(at + 1);
        break;
      case 3:
        text = text.slice(0, at) + text.slice(at, at + length).repeat(random.below(20)) + text.slice(at);
        break;
      case 4:
        text = text.slice(0, at) + other.slice(from, from + random.below(200)) + text.slice(at);
        break;
      default:
        text = text.slice(0, at) + '[{'.charAt(random.below(2)).repeat(random.below(300)) + text.slice(at);
    }
  }
  return text.slice(0, INPUT_MAX);
}

/** Loads one input. Throws when the loader breaks its promise. */
export function check(registry: ReturnType<typeof loadDescriptors>, input: string, format: ConfigFormat): void {
  const config = new LoadedConfig<object>(registry);
  const message = readMessage(config, BOOTSTRAP_TYPE, 'fuzz', input, format, { unknownFields: 'error', skipDeprecated: false });
  if (message === undefined && !config.problems.hasErrors) throw new Error('no message and no error');
  if (message !== undefined) {
    config.setRoot(message);
    validateMessage(config, message);
    config.finish();
  }
  for (const problem of [...config.problems.errors(), ...config.problems.warnings()]) {
    if (problem.text === '' || renderProblem(problem) === '') throw new Error('a problem without text');
  }
}

function main(): void {
  const seconds = Number(process.argv[2] ?? 10);
  const seed = Number(process.argv[3] ?? 1);
  const corpus = readdirSync(CORPUS).sort().map((name) => readFileSync(CORPUS + name, 'utf8'));
  const registry = loadDescriptors();
  const random = new Random(seed);
  const until = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
  let runs = 0;
  while (process.hrtime.bigint() < until) {
    const input = mutate(random, corpus);
    const format = random.below(4) === 0 ? 'json' : random.below(10) === 0 ? 'binary' : 'yaml';
    try {
      check(registry, input, format);
    } catch (error) {
      mkdirSync(CRASHES, { recursive: true });
      const path = `${CRASHES}seed${seed}_run${runs}.${format}`;
      writeFileSync(path, input);
      console.error(`run ${runs} (${format}) broke the loader; input in ${path}`, error);
      process.exitCode = 1;
      return;
    }
    runs++;
  }
  console.log(`yaml_loader: ${runs} inputs, no failure (seed ${seed})`);
}

if (import.meta.main) main();
