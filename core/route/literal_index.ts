import type { CandidateCheck } from './path_trie.ts';
import { lowerByte, type PathOutline } from './regex_shape.ts';

/** Bytes by which a literal is found: at most as many as one integer holds. A single one would stand in too many paths. */
const SIZES = [4, 3, 2];
const EMPTY = -1;
/** Golden ratio: spreads similar keys. */
const HASH = 0x9e3779b1 | 0;

/** A literal that must stand somewhere in the path, and the place in it of the bytes it is found by. */
export interface LiteralFactor {
  readonly literal: readonly number[];
  readonly at: number;
  /** How many bytes these are. */
  readonly size: number;
}

/** How many outlines hold each run of bytes: the rarest says most. */
export class GramCounts {
  private readonly counts = new Map<number, number>();

  add(outline: PathOutline): void {
    const seen = new Set<number>();
    forEachGram(outline, (key) => {
      if (!seen.has(key)) this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
      seen.add(key);
    });
  }

  /**
   * The literal with the rarest gram of an outline, and how many outlines share that; of several the longest gram, which the fewest paths
   * have. undefined: no literal is long enough.
   */
  rarest(outline: PathOutline): { readonly factor: LiteralFactor; readonly count: number } | undefined {
    let count = Infinity;
    let factor: LiteralFactor | undefined;
    forEachGram(outline, (key, run, at, size) => {
      const shared = this.counts.get(key) ?? 0;
      if (shared >= count) return;
      count = shared;
      factor = { literal: run, at, size };
    });
    return factor === undefined ? undefined : { factor, count };
  }
}

/** The longest first. Keys of grams of different sizes differ. */
function forEachGram(outline: PathOutline, visit: (key: number, run: readonly number[], at: number, size: number) => void): void {
  const runs: (readonly number[])[] = [];
  let start = 0;
  for (let i = 0; i <= outline.length; i++) {
    if (i < outline.length && outline[i] >= 0) continue;
    if (i > start) runs.push(outline.slice(start, i));
    start = i + 1;
  }
  for (const size of SIZES) {
    for (const run of runs) for (let at = 0; at + size <= run.length; at++) visit(size * 2 ** 32 + (gramOf(run, at, size) >>> 0), run, at, size);
  }
}

function gramOf(bytes: readonly number[], at: number, size: number): number {
  let gram = 0;
  for (let i = at; i < at + size; i++) gram = (gram << 8) | bytes[i];
  return gram;
}

/**
 * Finds the first route, in the order of the configuration, among those whose literal stands anywhere in the path: for patterns
 * whose ends say nothing, such as `.+/users/.+`. One step per byte of the path; a route is asked only if its whole literal is there.
 */
export class LiteralIndex<Input> {
  private readonly size: number;
  /** The bits of `size` bytes. */
  private readonly gramMask: number;
  /** What a byte of a path is compared as. */
  private readonly fold: Uint8Array;
  /** Open addressing by gram: key, and where its routes begin and end in `items`. */
  private readonly table: Int32Array;
  private readonly shift: number;
  private readonly mask: number;
  /** Four words per route: number, literal's offset and length in `literals`, place of the gram in it. */
  private readonly items: Int32Array;
  private readonly literals: Uint8Array;

  /** `routes` are pairs of a route's number and a literal, ascending by number, found by `size` bytes; in small letters to ignore case. */
  constructor(routes: readonly (readonly [route: number, factor: LiteralFactor])[], size: number, ignoreCase: boolean) {
    this.size = size;
    this.gramMask = size === 4 ? -1 : (1 << (size * 8)) - 1;
    this.fold = Uint8Array.from({ length: 256 }, (_, byte) => (ignoreCase ? lowerByte(byte) : byte));
    const byGram = new Map<number, (readonly [number, LiteralFactor])[]>();
    for (const entry of routes) {
      const { literal, at } = entry[1];
      const gram = gramOf(literal, at, size);
      const list = byGram.get(gram);
      if (list === undefined) byGram.set(gram, [entry]);
      else list.push(entry);
    }
    let bits = 3;
    while (1 << bits < byGram.size * 2) bits++;
    this.shift = 32 - bits;
    this.mask = (1 << bits) - 1;
    this.table = new Int32Array(3 << bits).fill(EMPTY);
    const items: number[] = [];
    const literals: number[] = [];
    for (const [gram, entries] of byGram) {
      let slot = Math.imul(gram, HASH) >>> this.shift;
      while (this.table[slot * 3 + 1] !== EMPTY) slot = (slot + 1) & this.mask;
      this.table[slot * 3] = gram;
      this.table[slot * 3 + 1] = items.length;
      for (const [route, { literal, at }] of entries) {
        items.push(route, literals.length, literal.length, at);
        for (const byte of literal) literals.push(byte);
      }
      this.table[slot * 3 + 2] = items.length;
    }
    this.items = Int32Array.from(items);
    this.literals = Uint8Array.from(literals);
  }

  /** As PathTrie.find. */
  find(bytes: Uint8Array, offset: number, length: number, best: number, check: CandidateCheck<Input>, input: Input): number {
    const { table, shift, mask, size, gramMask, fold } = this;
    const end = offset + length;
    if (length < size) return best;
    const before = size - 1;
    const first = offset + before;
    let gram = 0;
    for (let p = offset; p < first; p++) gram = (gram << 8) | fold[bytes[p]];
    for (let p = first; p < end; p++) {
      gram = ((gram << 8) | fold[bytes[p]]) & gramMask;
      let slot = Math.imul(gram, HASH) >>> shift;
      for (;;) {
        const from = table[slot * 3 + 1];
        if (from === EMPTY) break;
        if (table[slot * 3] === gram) {
          best = this.first(from, table[slot * 3 + 2], bytes, p - before, offset, end, best, check, input);
          break;
        }
        slot = (slot + 1) & mask;
      }
    }
    return best;
  }

  private first(
    from: number, to: number, bytes: Uint8Array, gramAt: number, offset: number, end: number, best: number, check: CandidateCheck<Input>, input: Input,
  ): number {
    const items = this.items;
    for (let i = from; i < to; i += 4) {
      const route = items[i];
      if (route >= best) break;
      const start = gramAt - items[i + 3];
      const length = items[i + 2];
      if (start < offset || start + length > end || !this.standsAt(items[i + 1], length, bytes, start)) continue;
      if (check.accepts(route, input)) return route;
    }
    return best;
  }

  private standsAt(literal: number, length: number, bytes: Uint8Array, start: number): boolean {
    const { literals, fold } = this;
    // From the end: the literals of one table tend to begin alike.
    for (let i = length - 1; i >= 0; i--) if (fold[bytes[start + i]] !== literals[literal + i]) return false;
    return true;
  }
}
