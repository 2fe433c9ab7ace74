import { readdirSync, readFileSync } from 'node:fs';

/** Deterministic pseudo-random integers (xorshift32). */
export class FuzzRandom {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0 || 1;
  }

  /** In [0, limit). */
  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

/** The files of a corpus folder. */
export function readCorpus(folder: URL): Buffer[] {
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(new URL(name, folder)));
}

const TOKENS = [
  '\r\n', '\r', '\n', '\r\n\r\n', ' ', '\t', ':', '\0', '\x7f', '\xff', 'HTTP/1.1', 'HTTP/1.0', 'GET ', 'host: a\r\n', 'content-length: ', 'transfer-encoding: chunked\r\n', '0\r\n\r\n',
  '5\r\nhello\r\n', ';', 'ffffffff', '-1', ', ', '100', 'connection: close\r\n', 'x'.repeat(1100), ' b\r\n',
].map((text) => Buffer.from(text, 'latin1'));

/** A few random changes of a random corpus entry. */
export function mutate(random: FuzzRandom, corpus: readonly Buffer[]): Buffer {
  let bytes = Buffer.from(random.pick(corpus));
  for (let i = random.below(5); i > 0; i--) {
    const at = random.below(bytes.length + 1);
    const length = random.below(Math.min(20, bytes.length - at + 1));
    switch (random.below(6)) {
      case 0:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), random.pick(TOKENS), bytes.subarray(at)]);
        break;
      case 2:
        if (at < bytes.length) bytes[at] = random.below(256);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      case 4:
        bytes = bytes.subarray(0, at);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), random.pick(corpus).subarray(length)]);
    }
  }
  return bytes.subarray(0, 8000);
}

/** Random cuts of an input. */
export function cut(random: FuzzRandom, bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const n = 1 + (random.below(3) === 0 ? random.below(bytes.length) : random.below(12));
    pieces.push(bytes.subarray(at, at + n));
    at += n;
  }
  return pieces.length === 0 ? [bytes] : pieces;
}

/** What a target returns: how many inputs it tried. */
export interface FuzzResult {
  readonly runs: number;
}

/** Runs `one` for `seconds`; a failure names the seed and the input. */
export function fuzz(seconds: number, seed: number, corpus: readonly Buffer[], one: (input: Buffer, random: FuzzRandom) => void): FuzzResult {
  const end = Date.now() + seconds * 1000;
  let runs = 0;
  while (Date.now() < end) {
    const random = new FuzzRandom(seed + runs);
    const input = runs < corpus.length ? corpus[runs] : mutate(random, corpus);
    try {
      one(input, random);
    } catch (error) {
      throw new Error(`seed ${seed + runs}, input ${JSON.stringify(input.toString('latin1'))}`, { cause: error });
    }
    runs++;
  }
  return { runs };
}

/** Seconds and seed from the command line of a target run by itself. */
export function fuzzArguments(): { seconds: number; seed: number } {
  return { seconds: Number(process.argv[2] ?? 10), seed: Number(process.argv[3] ?? 1) };
}
