import { XxHash64 } from '../base/xxhash64.ts';
import { MAX_PROCESS_COUNTS } from './layout.ts';

/** One number of the process: every worker adds to its own word, whoever asks sums all words. */
export class ProcessCount {
  private readonly own: Int32Array;
  private readonly all: readonly Int32Array[];
  private readonly word: number;

  constructor(all: readonly Int32Array[], worker: number, word: number) {
    this.own = all[worker];
    this.all = all;
    this.word = word;
  }

  add(difference: number): void {
    this.own[this.word] += difference;
  }

  /** For words that are no numbers to add up: this worker's is `value` now. */
  set(value: number): void {
    this.own[this.word] = value;
  }

  /** The word of the first worker whose bits under `mask` are `bits`; -1 = nobody's. For words that are not negative. */
  find(mask: number, bits: number): number {
    const { all, word } = this;
    for (let i = 0; i < all.length; i++) if ((all[i][word] & mask) === bits) return all[i][word];
    return -1;
  }

  /** Of all workers. One load per worker. */
  total(): number {
    const { all, word } = this;
    let sum = 0;
    for (let i = 0; i < all.length; i++) sum += all[i][word];
    return sum;
  }
}

/** The process's counts by name, as one worker sees them. A name gets its word when it is first asked for, the same on all workers. */
export class ProcessCounts {
  private readonly names: BigInt64Array;
  private readonly all: readonly Int32Array[];
  private readonly worker: number;

  constructor(names: SharedArrayBuffer, counts: readonly SharedArrayBuffer[], worker: number) {
    this.names = new BigInt64Array(names);
    this.all = counts.map((buffer) => new Int32Array(buffer));
    this.worker = worker;
  }

  /** At configuration time only. Of more than MAX_PROCESS_COUNTS names the last count this worker alone. */
  get(name: string): ProcessCount {
    const key = keyOf(name);
    const start = Number(BigInt.asUintN(32, key)) % MAX_PROCESS_COUNTS;
    for (let i = 0; i < MAX_PROCESS_COUNTS; i++) {
      const word = (start + i) % MAX_PROCESS_COUNTS;
      const taken = Atomics.compareExchange(this.names, word, 0n, key);
      if (taken === 0n || taken === key) return new ProcessCount(this.all, this.worker, word);
    }
    return new ProcessCount([new Int32Array(1)], 0, 0);
  }
}

/** Never 0, which stands for a free word. */
function keyOf(name: string): bigint {
  const hash = new XxHash64();
  const bytes = new TextEncoder().encode(name);
  hash.hash(bytes, 0, bytes.length);
  return (BigInt(hash.high) << 32n) | (BigInt(hash.low | 1) & 0xffffffffn);
}
