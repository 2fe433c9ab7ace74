/** The order of hosts by their keys, in pieces. Thread: any. */

const SURROGATE = /[\ud800-\udfff]/;
/** Keys sorted between two pauses: about 0.5 ms. */
const RUN = 1024;
/** Keys merged between two pauses: less than 1 ms. */
const MERGES_PER_STEP = 4096;

type Compare = (a: number, b: number) => number;

/** Indexes of the keys in the order of their UTF-8 bytes, equal ones in order of appearance: sorted runs, merged two by two. */
export function* orderInPieces(keys: readonly string[]): Generator<undefined, Uint32Array, undefined> {
  const compare = comparisonOf(keys);
  let order = Uint32Array.from(keys, (_, i) => i);
  for (let from = 0; from < order.length; from += RUN) {
    if (from > 0) yield;
    order.subarray(from, from + RUN).sort(compare);
  }
  let merged = new Uint32Array(order.length);
  for (let width = RUN; width < order.length; width *= 2) {
    yield* mergeRuns(order, merged, width, compare);
    [order, merged] = [merged, order];
  }
  return order;
}

/** The same in one go. */
export function orderByKey(keys: readonly string[]): Uint32Array {
  const pieces = orderInPieces(keys);
  for (;;) {
    const result = pieces.next();
    if (result.done === true) return result.value;
  }
}

function comparisonOf(keys: readonly string[]): Compare {
  // Strings compare by UTF-16 units, which is the same order but for surrogates.
  if (!keys.some((key) => SURROGATE.test(key))) return (a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b);
  const bytes = keys.map((key) => Buffer.from(key));
  return (a, b) => Buffer.compare(bytes[a], bytes[b]) || a - b;
}

function* mergeRuns(from: Uint32Array, into: Uint32Array, width: number, compare: Compare): Generator<undefined, void, undefined> {
  for (let start = 0; start < from.length; start += 2 * width) {
    const middle = Math.min(from.length, start + width);
    const end = Math.min(from.length, start + 2 * width);
    let left = start;
    let right = middle;
    for (let i = start; i < end; i++) {
      if ((i + 1) % MERGES_PER_STEP === 0) yield;
      const isLeft = left < middle && (right === end || compare(from[left], from[right]) < 0);
      into[i] = isLeft ? from[left++] : from[right++];
    }
  }
}
