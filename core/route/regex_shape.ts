/**
 * What every path that an RE2 pattern fully matches must look like: a conservative outline from which the route index finds
 * candidates. Constructs that are not understood widen the outline, so that it never excludes a path that would match.
 */

/** Outline elements beside literal bytes (0..255): any bytes but '/', and any bytes at all. */
export const WITHIN_SEGMENT = -1;
export const ANYTHING = -2;

/** Literal bytes, WITHIN_SEGMENT and ANYTHING in order. */
export type PathOutline = readonly number[];

/** Alternatives are kept apart up to this many, then merged into one element. */
const ALTERNATIVES_MAX = 16;
const SLASH = 47;
/** Longer lists of flags repeat themselves. */
const FLAGS_MAX = 12;

/** What a pattern says of the paths that it matches. */
export interface RegexShape {
  /** A matching path fits at least one of them. */
  readonly outlines: readonly PathOutline[];
  /**
   * Some of it ignores case: outlines have small letters, and only paths of ASCII fit them, in small letters. (Beyond ASCII there are
   * signs that some pattern takes for `k` and `s`.)
   */
  readonly ignoresCase: boolean;
}

export function regexShape(pattern: string): RegexShape {
  const reader = new OutlineReader(pattern);
  const outlines = reader.readAll();
  return reader.ignoresCase ? { outlines: outlines.map(folded), ignoresCase: true } : { outlines, ignoresCase: false };
}

/** Literals beyond ASCII may stand for something else in a pattern that ignores case. */
function folded(outline: PathOutline): PathOutline {
  return outline.map((element) => (element >= 0x80 ? WITHIN_SEGMENT : lowerByte(element)));
}

/** ASCII letters in small; everything else as it is. */
export function lowerByte(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

class OutlineReader {
  private readonly text: readonly string[];
  private at = 0;
  /** Of anything read so far. */
  ignoresCase = false;

  constructor(pattern: string) {
    this.text = Array.from(pattern);
  }

  readAll(): number[][] {
    const outlines = this.alternation();
    // Not all was understood: what came before need not even be at the beginning.
    return outlines === null || this.at !== this.text.length ? [[ANYTHING]] : outlines;
  }

  /** `a|b`, up to ')' or the end; null: not understood. */
  private alternation(): number[][] | null {
    const all: number[][] = [];
    for (;;) {
      const branch = this.sequence();
      if (branch === null) return null;
      all.push(...branch);
      if (this.text[this.at] !== '|') break;
      this.at++;
    }
    return all.length <= ALTERNATIVES_MAX ? all : [[widest(all)]];
  }

  private sequence(): number[][] | null {
    let outlines: number[][] = [[]];
    while (this.at < this.text.length && this.text[this.at] !== '|' && this.text[this.at] !== ')') {
      const atom = this.atom();
      if (atom === null) return null;
      const repeated = this.quantified(atom);
      if (repeated === null) return null;
      if (outlines.length * repeated.length <= ALTERNATIVES_MAX) outlines = outlines.flatMap((head) => repeated.map((tail) => [...head, ...tail]));
      else for (const head of outlines) head.push(widest(repeated));
    }
    return outlines;
  }

  private quantified(atom: number[][]): number[][] | null {
    const c = this.text[this.at];
    if (c !== '*' && c !== '+' && c !== '?' && c !== '{') return atom;
    if (c === '{' && !this.skipBounds()) return null;
    if (c !== '{') this.at++;
    // Lazy quantifiers match the same texts in full; anything more is not read here.
    if (this.text[this.at] === '?') this.at++;
    const next = this.text[this.at];
    if (next === '*' || next === '+' || next === '?' || next === '{') return null;
    const any = [widest(atom)];
    if (c === '?') return atom.length < ALTERNATIVES_MAX ? [[], ...atom] : [any];
    return c === '+' ? atom.map((once) => [...once, ...any]) : [any];
  }

  /** `{2}`, `{2,}`, `{2,3}`; anything else is a literal brace in RE2 and not read here. */
  private skipBounds(): boolean {
    const close = this.text.indexOf('}', this.at);
    if (close < 0 || !/^\{\d+(,\d*)?$/.test(this.text.slice(this.at, close).join(''))) return false;
    this.at = close + 1;
    return true;
  }

  private atom(): number[][] | null {
    const c = this.text[this.at++];
    switch (c) {
      case '(':
        return this.group();
      case '[':
        return this.charClass();
      case '\\':
        return this.escape();
      case '.':
        return [[ANYTHING]];
      case '^':
      case '$':
        // Anchors only narrow what matches.
        return [[]];
      case '*':
      case '+':
      case '?':
      case '{':
        return null;
      default:
        return [[...Buffer.from(c)]];
    }
  }

  private group(): number[][] | null {
    if (this.text[this.at] === '?' && !this.skipGroupName()) {
      const flags = this.flags();
      if (flags === null) return null;
      // `(?i)` holds for what follows, and is nothing itself: a quantifier would be about what stands before it.
      if (this.text[this.at++] === ')') return '*+?{'.includes(this.text[this.at] ?? '|') ? null : [[]];
    }
    const inner = this.alternation();
    if (inner === null || this.text[this.at] !== ')') return null;
    this.at++;
    return inner;
  }

  /** Those of `(?i)` or `(?i-s:`, up to what ends them; all but `i` are about what outlines do not tell apart. */
  private flags(): string | null {
    const flags = /^\?([imsU]*)(?:-[imsU]+)?(?=[:)])/.exec(this.text.slice(this.at, this.at + FLAGS_MAX).join(''));
    if (flags === null) return null;
    this.at += flags[0].length;
    if (flags[1].includes('i')) this.ignoresCase = true;
    return flags[1];
  }

  private skipGroupName(): boolean {
    const p = this.at + (this.text[this.at + 1] === 'P' ? 2 : 1);
    const close = this.text.indexOf('>', p);
    if (this.text[p] !== '<' || close < 0) return false;
    this.at = close + 1;
    return true;
  }

  private escape(): number[][] | null {
    const c = this.text[this.at++];
    if (c === undefined) return null;
    if (/[dws]/.test(c)) return [[WITHIN_SEGMENT]];
    if (/[DWS]/.test(c)) return [[ANYTHING]];
    return /[^A-Za-z0-9\x80-\u{10ffff}]/u.test(c) ? [[c.charCodeAt(0)]] : null;
  }

  /** A class becomes one element: whether it has '/' is all that matters. */
  private charClass(): number[][] | null {
    const negated = this.text[this.at] === '^';
    if (negated) this.at++;
    let hasSlash = false;
    let isFirst = true;
    for (;;) {
      let c = this.text[this.at++];
      if (c === undefined || c === '[') return null;
      if (c === ']' && !isFirst) break;
      isFirst = false;
      if (c === '\\') {
        const escaped = this.text[this.at++];
        if (escaped === undefined) return null;
        if (/[dws]/.test(escaped)) continue;
        if (/[A-Za-z0-9]/.test(escaped)) return null;
        c = escaped;
      }
      let high = c;
      if (this.text[this.at] === '-' && this.text[this.at + 1] !== ']') {
        high = this.text[this.at + 1];
        if (high === undefined || high === '\\' || high === '[') return null;
        this.at += 2;
      }
      if ((c.codePointAt(0) ?? 0) <= SLASH && (high.codePointAt(0) ?? 0) >= SLASH) hasSlash = true;
    }
    return [[hasSlash !== negated ? ANYTHING : WITHIN_SEGMENT]];
  }
}

/** The element that stands for any sequence of what the outlines allow. */
function widest(outlines: readonly PathOutline[]): number {
  return outlines.some((outline) => outline.includes(SLASH) || outline.includes(ANYTHING)) ? ANYTHING : WITHIN_SEGMENT;
}
