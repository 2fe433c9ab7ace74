/**
 * Decides whether a pattern may run on the JavaScript engine's own regular expressions, which are several times faster than
 * the linear-time engine but backtrack.
 *
 * A pattern qualifies when a full match of it provably takes time proportional to the input and means the same in both
 * dialects. The grammar is deliberately small: ASCII literals, escapes, `.`, character classes, groups, alternation and greedy
 * quantifiers. Everything else goes to the linear-time engine.
 *
 * Why it is linear. A full match is anchored at both ends, so there is one starting point. Then:
 *   - alternation, `?` and `{n,m}` multiply the paths by a constant; their product is at most MAX_CHOICES;
 *   - an unbounded quantifier stands over one character set, outside any quantifier or alternation. If the atom after it
 *     cannot match that set, giving characters back fails at once, so it adds one pass and no branching;
 *   - at most one unbounded quantifier may be followed by something it overlaps with, and then nothing unbounded follows it:
 *     each of its n splits tries a rest of bounded length.
 */

const MAX_CHOICES = 32;
const MAX_REPEAT = 64;

/** Membership of the 128 ASCII characters. */
type CharSet = Uint8Array;

/** One step of the pattern's top level. */
interface Step {
  /** The set it repeats when unbounded. */
  own: CharSet | null;
  /** Characters it must begin with; null: it may be empty, or its beginning is not known. */
  first: CharSet | null;
}

/** A RegExp that fully matches what the RE2 pattern fully matches on ASCII text, in linear time; null if that is not certain. */
export function toNativeRegex(pattern: string): RegExp | null {
  const translator = new Translator(pattern);
  const source = translator.translate();
  return source === null ? null : new RegExp(`^(?:${source})$`);
}

class Translator {
  private readonly pattern: string;
  private at = 0;
  private choices = 1;
  private failed = false;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  translate(): string | null {
    const steps: Step[] = [];
    // Redundant in a full match; elsewhere anchors are refused.
    let end = this.pattern.length;
    if (this.pattern.startsWith('^')) this.at = 1;
    if (this.pattern.endsWith('$') && !this.pattern.endsWith('\\$')) end--;
    // `^a|b$` anchors one branch only; leave such patterns to the other engine.
    const anchored = this.at !== 0 || end !== this.pattern.length;
    const body = this.sequence(end, true, steps);
    if (this.failed) return null;
    if (this.at !== end) {
      if (anchored || this.pattern.charCodeAt(this.at) !== BAR || steps.some((step) => step.own !== null)) return null;
      return this.topLevelAlternatives(body, end);
    }
    return this.choices <= MAX_CHOICES && isLinear(steps) ? body : null;
  }

  /** `a|b|c` without unbounded quantifiers. */
  private topLevelAlternatives(firstBranch: string, end: number): string | null {
    let source = firstBranch;
    let branches = 1;
    while (this.at < end) {
      this.at++;
      const steps: Step[] = [];
      source += `|${this.sequence(end, true, steps)}`;
      branches++;
      if (this.failed || steps.some((step) => step.own !== null)) return null;
    }
    return this.choices * branches <= MAX_CHOICES ? source : null;
  }

  /** A concatenation up to `|`, `)` or `end`. */
  private sequence(end: number, allowUnbounded: boolean, steps: Step[]): string {
    let source = '';
    while (this.at < end && !this.failed) {
      const c = this.pattern.charCodeAt(this.at);
      if (c === BAR || c === CLOSE_PAREN) break;
      source += this.quantified(end, allowUnbounded, steps);
    }
    return source;
  }

  private quantified(end: number, allowUnbounded: boolean, steps: Step[]): string {
    const isGroup = this.pattern.charCodeAt(this.at) === OPEN_PAREN;
    let first: CharSet | null = null;
    let atom: string;
    const choicesBefore = this.choices;
    if (isGroup) {
      atom = this.group(end);
    } else {
      const set = this.atom();
      if (set === null) return this.fail();
      first = set.set;
      atom = set.source;
    }
    if (this.failed) return '';
    const quantifier = this.quantifier(end);
    if (quantifier === null) return this.fail();
    if (quantifier === '') {
      steps.push({ own: null, first });
      return atom;
    }
    const next = this.pattern[this.at];
    if (this.at < end && (next === '?' || next === '+' || next === '*' || next === '{')) return this.fail();
    if (quantifier === '*' || quantifier === '+') {
      if (isGroup || !allowUnbounded || first === null) return this.fail();
      steps.push({ own: first, first: quantifier === '+' ? first : null });
      return atom + quantifier;
    }
    return this.bounded(atom, quantifier, isGroup, choicesBefore, first, steps);
  }

  private bounded(atom: string, quantifier: string, isGroup: boolean, choicesBefore: number, first: CharSet | null, steps: Step[]): string {
    const [min, max] = quantifier === '?' ? [0, 1] : bounds(quantifier);
    if (max > MAX_REPEAT || min > max) return this.fail();
    // A group with choices inside is tried afresh on each repetition.
    if (isGroup && this.choices > choicesBefore && max > 1) return this.fail();
    this.choices *= max - min + 1;
    steps.push({ own: null, first: min > 0 ? first : null });
    return atom + quantifier;
  }

  private group(end: number): string {
    this.at++;
    if (this.pattern.startsWith('?:', this.at)) this.at += 2;
    else if (this.pattern[this.at] === '?') return this.fail();
    let source = '';
    let branches = 1;
    for (;;) {
      source += this.sequence(end, false, []);
      if (this.failed || this.at >= end) return this.fail();
      const c = this.pattern.charCodeAt(this.at++);
      if (c === CLOSE_PAREN) break;
      source += '|';
      branches++;
    }
    this.choices *= branches;
    if (this.choices > MAX_CHOICES) return this.fail();
    return `(?:${source})`;
  }

  /** '' when there is none, null when it is not understood. */
  private quantifier(end: number): string | null {
    if (this.at >= end) return '';
    const c = this.pattern[this.at];
    if (c === '*' || c === '+' || c === '?') {
      this.at++;
      return c;
    }
    if (c !== '{') return '';
    const match = /^\{\d{1,3}(,\d{1,3})?\}/.exec(this.pattern.slice(this.at, end));
    if (match === null) return null;
    this.at += match[0].length;
    return match[0];
  }

  /** One literal, escape, dot or class. */
  private atom(): { set: CharSet; source: string } | null {
    const c = this.pattern.charCodeAt(this.at);
    if (c === DOT) {
      this.at++;
      return { set: complement(single(LF)), source: '[^\\n]' };
    }
    if (c === OPEN_BRACKET) return this.charClass();
    if (c === BACKSLASH) {
      const set = this.escape();
      return set === null ? null : { set, source: classSource(set) };
    }
    if (c > 126 || c < 32 || '^$*+?{}()|]'.includes(String.fromCharCode(c))) return null;
    this.at++;
    return { set: single(c), source: escapeLiteral(c) };
  }

  private escape(): CharSet | null {
    const c = this.pattern.charCodeAt(this.at + 1);
    this.at += 2;
    switch (c) {
      case 0x64: return range(48, 57); // d
      case 0x44: return complement(range(48, 57)); // D
      case 0x77: return wordSet(); // w
      case 0x57: return complement(wordSet()); // W
      case 0x73: return spaceSet(); // s
      case 0x53: return complement(spaceSet()); // S
      default:
        // Escaped punctuation is itself in both dialects; other escapes are not worth the risk.
        return c > 32 && c < 127 && !isWord(c) ? single(c) : null;
    }
  }

  private charClass(): { set: CharSet; source: string } | null {
    let at = this.at + 1;
    const negated = this.pattern[at] === '^';
    if (negated) at++;
    const set = new Uint8Array(128);
    const begin = at;
    for (;;) {
      const c = this.pattern.charCodeAt(at);
      if (!(c >= 32 && c < 127) || c === OPEN_BRACKET) return null;
      if (c === CLOSE_BRACKET) {
        if (at === begin) return null;
        break;
      }
      let low = c;
      if (c === BACKSLASH) {
        this.at = at;
        const escaped = this.escape();
        if (escaped === null) return null;
        at = this.at;
        if (count(escaped) > 1) {
          add(set, escaped);
          if (this.pattern.charCodeAt(at) === MINUS && this.pattern.charCodeAt(at + 1) !== CLOSE_BRACKET) return null;
          continue;
        }
        low = escaped.indexOf(1);
      } else at++;
      if (this.pattern.charCodeAt(at) === MINUS && this.pattern.charCodeAt(at + 1) !== CLOSE_BRACKET) {
        const high = this.pattern.charCodeAt(at + 1);
        if (!isWord(high) || high < low) return null;
        add(set, range(low, high));
        at += 2;
      } else set[low] = 1;
    }
    this.at = at + 1;
    const members = negated ? complement(set) : set;
    return { set: members, source: classSource(members) };
  }

  private fail(): string {
    this.failed = true;
    return '';
  }
}

/** Applies the rule of the file comment to the top level. */
function isLinear(steps: readonly Step[]): boolean {
  for (let i = 0; i < steps.length; i++) {
    const own = steps[i].own;
    if (own === null) continue;
    // `x*` at the end takes everything or fails.
    if (i + 1 === steps.length) return true;
    const next = steps[i + 1].first;
    if (next !== null && disjoint(own, next)) continue;
    for (let k = i + 1; k < steps.length; k++) if (steps[k].own !== null) return false;
  }
  return true;
}

const LF = 10;
const DOT = 46;
const BAR = 124;
const MINUS = 45;
const BACKSLASH = 92;
const OPEN_PAREN = 40;
const CLOSE_PAREN = 41;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;

function bounds(quantifier: string): [number, number] {
  const [min, max] = quantifier.slice(1, -1).split(',');
  return [Number(min), Number(max ?? min)];
}

function single(c: number): CharSet {
  return range(c, c);
}

function range(low: number, high: number): CharSet {
  return new Uint8Array(128).fill(1, low, high + 1);
}

function complement(set: CharSet): CharSet {
  return set.map((member) => 1 - member);
}

function add(set: CharSet, other: CharSet): void {
  for (let c = 0; c < 128; c++) set[c] |= other[c];
}

function disjoint(a: CharSet, b: CharSet): boolean {
  return a.every((member, c) => member === 0 || b[c] === 0);
}

function count(set: CharSet): number {
  return set.reduce((sum, member) => sum + member, 0);
}

function isWord(c: number): boolean {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95;
}

function wordSet(): CharSet {
  return new Uint8Array(128).map((_, c) => (isWord(c) ? 1 : 0));
}

/** RE2's \s: tab, LF, FF, CR, space (JavaScript's has more). */
function spaceSet(): CharSet {
  const set = single(32);
  for (const c of [9, 10, 12, 13]) set[c] = 1;
  return set;
}

/** A set as a JavaScript class with every member written by its code. */
function classSource(set: CharSet): string {
  let source = '';
  for (let c = 0; c < 128; c++) {
    if (set[c] === 0) continue;
    let high = c;
    while (high < 127 && set[high + 1] === 1) high++;
    source += high === c ? hex(c) : `${hex(c)}-${hex(high)}`;
    c = high;
  }
  return `[${source}]`;
}

function escapeLiteral(c: number): string {
  return isWord(c) || c === 47 ? String.fromCharCode(c) : hex(c);
}

function hex(c: number): string {
  return `\\x${c.toString(16).padStart(2, '0')}`;
}
