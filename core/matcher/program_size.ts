/**
 * How large RE2's program of a pattern is: the number that Envoy compares with its limit. RE2 works on bytes, with the
 * alternatives of a place in one list; the program at hand works on characters, so that it is translated and counted.
 * Config time.
 */
import { compileRe2 } from './regex.ts';

/** An instruction of the compiled pattern; its code of operation is one of `Op`. */
interface Instruction {
  readonly op: number;
  readonly out: number;
  /** Alternatives: the other way. Empty widths: which. Single characters: flags. */
  readonly arg: number;
  readonly runes: ArrayLike<number>;
}

interface Program {
  readonly inst: readonly Instruction[];
  readonly start: number;
}

const Op = { alt: 1, altMatch: 2, capture: 3, emptyWidth: 4, fail: 5, match: 6, nop: 7, rune: 8, rune1: 9, runeAny: 10, runeAnyNotNewline: 11 } as const;
const BEGIN_TEXT = 4;
const END_TEXT = 8;
const FOLD_CASE = 1;
const RUNE_MAX = 0x10ffff;
const ASCII_MAX = 0x7f;

/** Size of RE2's program of a valid pattern. */
export function programSize(pattern: string): number {
  const compiled = compileRe2(pattern);
  const program = (compiled as unknown as { readonly re2Input?: { readonly prog?: Program } }).re2Input?.prog;
  return program === undefined ? compiled.programSize() : new ByteProgram(program).flatSize();
}

const Node = { step: 0, alt: 1, nop: 2, end: 3 } as const;

/** The program over bytes. Steps are what remains of it when it is flattened: a byte range, a capture, an empty width. */
class ByteProgram {
  private readonly kinds: number[] = [Node.end];
  private readonly outs: number[][] = [[]];
  private readonly source: Program;
  private readonly made = new Map<number, number>();
  /** Shared endings of characters of several bytes, by first and last byte and what follows. */
  private suffixes = new Map<string, number>();

  constructor(source: Program) {
    this.source = source;
  }

  flatSize(): number {
    const { start: first, isAnchored } = this.begin();
    const start = this.past(first);
    const entry = isAnchored ? start : this.searchLoop(start);
    const roots = this.roots(entry, start);
    let size = 0;
    for (const root of roots) size += this.listSize(root, roots);
    return size;
  }

  /** Without the anchors at both ends, and without a literal beginning behind the first: RE2 compares that by itself. */
  private begin(): { start: number; isAnchored: boolean } {
    const { inst } = this.source;
    const incoming = new Array<number>(inst.length).fill(0);
    for (const each of inst) {
      incoming[each.out]++;
      if (each.op === Op.alt || each.op === Op.altMatch) incoming[each.arg]++;
    }
    let at = this.source.start;
    if (inst[at].op !== Op.emptyWidth || inst[at].arg !== BEGIN_TEXT || incoming[at] > 0) return { start: this.node(at, incoming), isAnchored: false };
    at = inst[at].out;
    const flags = inst[at].arg;
    let hasLiteral = false;
    while (inst[at].op === Op.rune1 && inst[at].arg === flags && incoming[at] === 1) {
      hasLiteral = true;
      at = inst[at].out;
    }
    return { start: this.node(at, incoming), isAnchored: !hasLiteral };
  }

  /** `.*?` over bytes in front of what is not anchored. */
  private searchLoop(start: number): number {
    const loop = this.add(Node.alt, []);
    this.outs[loop].push(start, this.add(Node.step, [loop]));
    return loop;
  }

  private add(kind: number, outs: number[]): number {
    this.kinds.push(kind);
    this.outs.push(outs);
    return this.kinds.length - 1;
  }

  /** The translation of an instruction. Loops are why nodes are made before what they lead to. */
  private node(index: number, incoming: readonly number[]): number {
    const known = this.made.get(index);
    if (known !== undefined) return known;
    const each = this.source.inst[index];
    const below = (next: number): number => this.node(next, incoming);
    switch (each.op) {
      case Op.alt:
      case Op.altMatch: {
        const made = this.add(Node.alt, []);
        this.made.set(index, made);
        this.outs[made].push(below(each.out), below(each.arg));
        return made;
      }
      case Op.match:
      case Op.fail: {
        const made = this.add(Node.end, []);
        this.made.set(index, made);
        return made;
      }
      case Op.nop:
      case Op.capture:
      case Op.emptyWidth: {
        const next = this.source.inst[each.out];
        const isEnd = each.op === Op.emptyWidth && each.arg === END_TEXT && next.op === Op.match && incoming[each.out] === 1;
        const made = this.add(each.op === Op.nop || isEnd ? Node.nop : Node.step, []);
        this.made.set(index, made);
        this.outs[made].push(below(each.out));
        return made;
      }
      default: {
        const made = this.add(Node.nop, []);
        this.made.set(index, made);
        const next = below(each.out);
        this.suffixes = new Map();
        this.outs[made].push(this.oneOf(rangesOf(each).flatMap(([low, high]) => this.characters(low, high, next))));
        return made;
      }
    }
  }

  private oneOf(nodes: readonly number[]): number {
    return nodes.length === 0 ? 0 : nodes.reduce((all, next) => this.add(Node.alt, [all, next]));
  }

  /** The first bytes of all characters of a range, those that follow behind them. */
  private characters(low: number, high: number, next: number): number[] {
    if (high <= ASCII_MAX) return [this.add(Node.step, [next])];
    if (low <= ASCII_MAX) return [...this.characters(low, ASCII_MAX, next), ...this.characters(ASCII_MAX + 1, high, next)];
    if (low === ASCII_MAX + 1 && high === RUNE_MAX) return this.allBeyondAscii(next);
    for (const largest of [0x7ff, 0xffff]) {
      if (low <= largest && high > largest) return [...this.characters(low, largest, next), ...this.characters(largest + 1, high, next)];
    }
    for (let bits = 6; bits < 24; bits += 6) {
      const mask = (1 << bits) - 1;
      if ((low & ~mask) === (high & ~mask)) continue;
      if ((low & mask) !== 0) return [...this.characters(low, low | mask, next), ...this.characters((low | mask) + 1, high, next)];
      if ((high & mask) !== mask) return [...this.characters(low, (high & ~mask) - 1, next), ...this.characters(high & ~mask, high, next)];
    }
    const first = encode(low);
    const last = encode(high);
    let id = next;
    for (let i = first.length - 1; i >= 0; i--) {
      const key = `${first[i]} ${last[i]} ${id}`;
      const known = i > 0 || first.length === 1 ? this.suffixes.get(key) : undefined;
      id = known ?? this.add(Node.step, [id]);
      this.suffixes.set(key, id);
    }
    return [id];
  }

  /** Everything beyond ASCII, endings shared. */
  private allBeyondAscii(next: number): number[] {
    const one = this.add(Node.step, [next]);
    const two = this.add(Node.step, [one]);
    const three = this.add(Node.step, [two]);
    return [one, two, three].map((rest) => this.add(Node.step, [rest]));
  }

  /** Where lists begin: behind every step, and wherever the lists of several roots meet. */
  private roots(entry: number, start: number): Set<number> {
    const roots = new Set([0, entry, start]);
    const predecessors = new Map<number, number[]>();
    const seen = new Set<number>();
    const stack = [entry];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      for (const out of this.outs[id]) {
        if (this.kinds[id] === Node.step) roots.add(this.past(out));
        if (this.kinds[id] === Node.alt) predecessors.set(this.past(out), [...(predecessors.get(this.past(out)) ?? []), id]);
        stack.push(this.past(out));
      }
    }
    for (const root of [...roots].sort((a, b) => b - a)) {
      if (root === entry || root === start || root === 0) continue;
      const reachable = this.reachable(root, roots);
      for (const id of reachable) if (predecessors.get(id)?.some((before) => !reachable.has(before)) === true) roots.add(id);
    }
    return roots;
  }

  /** What a node that is nothing by itself leads to. */
  private past(id: number): number {
    while (this.kinds[id] === Node.nop) id = this.outs[id][0];
    return id;
  }

  /** A root and all that is reached from it without a step, other roots included but nothing behind them. */
  private reachable(root: number, roots: ReadonlySet<number>): Set<number> {
    const reachable = new Set<number>();
    const stack = [this.past(root)];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (reachable.has(id)) continue;
      reachable.add(id);
      if (id !== root && roots.has(id)) continue;
      if (this.kinds[id] === Node.alt) stack.push(...this.outs[id].map((out) => this.past(out)));
    }
    return reachable;
  }

  /** Instructions of one list: its steps, and one jump per other list it leads to. */
  private listSize(root: number, roots: ReadonlySet<number>): number {
    let size = 0;
    for (const id of this.reachable(root, roots)) if ((id !== root && roots.has(id)) || this.kinds[id] !== Node.alt) size++;
    return size;
  }
}

/** Character ranges of an instruction; letters of both cases count once, as RE2 compares them. */
function rangesOf(each: Instruction): [low: number, high: number][] {
  if (each.op === Op.runeAny) return [[0, RUNE_MAX]];
  if (each.op === Op.runeAnyNotNewline) return [[0, 9], [11, RUNE_MAX]];
  const { runes } = each;
  if (runes.length === 1) return single(runes[0], (each.arg & FOLD_CASE) !== 0);
  const ranges: [number, number][] = [];
  for (let i = 0; i + 1 < runes.length; i += 2) ranges.push([runes[i], runes[i + 1]]);
  return foldsAscii(ranges) ? ranges.filter(([low, high]) => low < 65 || high > 90) : ranges;
}

function single(rune: number, foldsCase: boolean): [number, number][] {
  const lower = rune | 32;
  // The two letters with relatives beyond ASCII: the Kelvin sign and the long s.
  if (foldsCase && lower === 107) return [[107, 107], [0x212a, 0x212a]];
  if (foldsCase && lower === 115) return [[115, 115], [0x17f, 0x17f]];
  return [[rune, rune]];
}

function foldsAscii(ranges: readonly (readonly [number, number])[]): boolean {
  const has = (rune: number): boolean => ranges.some(([low, high]) => low <= rune && rune <= high);
  let hasLetters = false;
  for (let upper = 65; upper <= 90; upper++) {
    if (has(upper) !== has(upper + 32)) return false;
    hasLetters ||= has(upper);
  }
  return hasLetters;
}

function encode(rune: number): readonly number[] {
  return [...Buffer.from(String.fromCodePoint(rune))];
}
