import type { MatchInput } from '../matcher/match_input.ts';
import { NO_FAILURE } from './match_failure.ts';
import { GramCounts, type LiteralFactor, LiteralIndex } from './literal_index.ts';
import { pathPattern } from './path_matcher.ts';
import { type CandidateCheck, PathTrie } from './path_trie.ts';
import { ANYTHING, type PathOutline, regexShape, WITHIN_SEGMENT } from './regex_shape.ts';
import type { RouteEntry } from './route_entry.ts';

/** While asking all routes costs no more than this, it is at least as fast (bench/micro/route_match.ts). A plain path costs 1. */
const LINEAR_COST_MAX = 8;
const REGEX_COST = 4;

type Outlined = [route: number, outline: PathOutline];

/**
 * The routes of a virtual host, compiled so that the first match in the order of the configuration is found without asking those
 * whose path cannot fit. Same answer as asking one after the other. No allocation per request, but for regexes.
 */
export class RouteIndex implements CandidateCheck<MatchInput> {
  readonly routes: readonly RouteEntry[];
  private readonly isLinear: boolean;
  /** Exact paths and prefixes by case; then patterns by how they begin or end. */
  private readonly tries: readonly PathTrie<MatchInput>[];
  /** Patterns of which a literal in between says more. */
  private readonly literals: readonly LiteralIndex<MatchInput>[];
  /** The same of patterns that ignore case, and what they are: both are for paths of ASCII only. */
  private readonly foldedTries: readonly PathTrie<MatchInput>[];
  private readonly foldedLiterals: readonly LiteralIndex<MatchInput>[];
  private readonly folded: Int32Array;
  /** Routes of CONNECT requests. */
  private readonly connects: Int32Array;

  constructor(routes: readonly RouteEntry[]) {
    this.routes = routes;
    this.isLinear = routes.length <= LINEAR_COST_MAX && linearCost(routes) <= LINEAR_COST_MAX;
    const tries: PathTrie<MatchInput>[] = [];
    const connects: number[] = [];
    const foldedTries: PathTrie<MatchInput>[] = [];
    const literals: LiteralIndex<MatchInput>[] = [];
    const foldedLiterals: LiteralIndex<MatchInput>[] = [];
    const foldedPatterns: Outlined[] = [];
    if (!this.isLinear) {
      const plain: Outlined[] = [];
      const ignoringCase: Outlined[] = [];
      const patterns: Outlined[] = [];
      for (const [i, route] of routes.entries()) {
        const path = route.config.match.path;
        if (path.kind === 'connect') connects.push(i);
        else if (path.kind === 'regex' || path.kind === 'uri_template') {
          const { outlines, ignoresCase } = regexShape(pathPattern(path) ?? '');
          for (const outline of outlines) (ignoresCase ? foldedPatterns : patterns).push([i, outline]);
        } else addPlain(i, path.kind, path.value, path.caseSensitive ? plain : ignoringCase);
      }
      // Patterns last: the others are cheaper to ask, and what they find spares asking patterns that stand behind.
      if (plain.length > 0) tries.push(new PathTrie(plain, false, false));
      if (ignoringCase.length > 0) tries.push(new PathTrie(ignoringCase, true, false));
      indexPatterns(patterns, false, tries, literals);
      indexPatterns(foldedPatterns, true, foldedTries, foldedLiterals);
    }
    this.literals = literals;
    this.tries = tries;
    this.foldedTries = foldedTries;
    this.foldedLiterals = foldedLiterals;
    this.folded = Int32Array.from(new Set(foldedPatterns.map(([route]) => route)));
    this.connects = Int32Array.from(connects);
  }

  /** The first matching route, or null. */
  find(input: MatchInput): RouteEntry | null {
    return this.isLinear ? this.findLinearly(input) : this.findIndexed(input);
  }

  private findLinearly(input: MatchInput): RouteEntry | null {
    const routes = this.routes;
    for (let i = 0; i < routes.length; i++) if (routes[i].firstFailure(input) === NO_FAILURE) return routes[i];
    return null;
  }

  private findIndexed(input: MatchInput): RouteEntry | null {
    const { routes, tries, literals } = this;
    const headers = input.headers;
    let best = routes.length;
    if (headers.pathLength > 0) {
      for (let i = 0; i < tries.length; i++) best = tries[i].find(headers.bytes, headers.pathOffset, input.pathLength, best, this, input);
      for (let i = 0; i < literals.length; i++) best = literals[i].find(headers.bytes, headers.pathOffset, input.pathLength, best, this, input);
      if (this.folded.length > 0) best = this.findFolded(input, best);
    }
    if (input.isConnect) best = this.firstOf(this.connects, input, best);
    return best === routes.length ? null : routes[best];
  }

  private findFolded(input: MatchInput, best: number): number {
    const { bytes, pathOffset } = input.headers;
    const { pathLength } = input;
    for (let p = pathOffset, end = pathOffset + pathLength; p < end; p++) if (bytes[p] >= 0x80) return this.firstOf(this.folded, input, best);
    const { foldedTries, foldedLiterals } = this;
    for (let i = 0; i < foldedTries.length; i++) best = foldedTries[i].find(bytes, pathOffset, pathLength, best, this, input);
    for (let i = 0; i < foldedLiterals.length; i++) best = foldedLiterals[i].find(bytes, pathOffset, pathLength, best, this, input);
    return best;
  }

  /** Asks the routes of these numbers one after the other. */
  private firstOf(numbers: Int32Array, input: MatchInput, best: number): number {
    for (let i = 0; i < numbers.length; i++) {
      if (numbers[i] >= best) break;
      if (this.routes[numbers[i]].firstFailure(input) === NO_FAILURE) return numbers[i];
    }
    return best;
  }

  /** See CandidateCheck. */
  accepts(route: number, input: MatchInput): boolean {
    return this.routes[route].candidateFailure(input) === NO_FAILURE;
  }
}

function linearCost(routes: readonly RouteEntry[]): number {
  return routes.reduce((cost, route) => cost + (pathPattern(route.config.match.path) === null ? 1 : REGEX_COST), 0);
}

function addPlain(route: number, kind: 'prefix' | 'path' | 'path_separated_prefix', value: string, to: Outlined[]): void {
  const bytes = [...Buffer.from(value)];
  if (kind !== 'prefix') to.push([route, bytes]);
  if (kind === 'prefix') to.push([route, [...bytes, ANYTHING]]);
  if (kind === 'path_separated_prefix') to.push([route, [...bytes, SLASH, ANYTHING]]);
}

/** Adds what finds these patterns to the tries and to the literals, one index for each number of bytes that a literal is found by. */
function indexPatterns(patterns: readonly Outlined[], ignoreCase: boolean, tries: PathTrie<MatchInput>[], literals: LiteralIndex<MatchInput>[]): void {
  const { forward, backward, within } = divide(patterns);
  if (forward.length > 0) tries.push(new PathTrie(forward, ignoreCase, false));
  if (backward.length > 0) tries.push(new PathTrie(backward, ignoreCase, true));
  for (const [size, found] of Map.groupBy(within, ([, factor]) => factor.size)) literals.push(new LiteralIndex(found, size, ignoreCase));
}

/** Each outline by what the fewest others share: its literal beginning, its literal end, or a literal anywhere in it. */
function divide(patterns: readonly Outlined[]): { forward: Outlined[]; backward: Outlined[]; within: [route: number, factor: LiteralFactor][] } {
  const beginnings = new Map<string, number>();
  const ends = new Map<string, number>();
  const grams = new GramCounts();
  for (const [, outline] of patterns) {
    count(beginnings, literalBeginning(outline));
    count(ends, literalBeginning(outline.toReversed()));
    grams.add(outline);
  }
  const forward: Outlined[] = [];
  const backward: Outlined[] = [];
  const within: [number, LiteralFactor][] = [];
  for (const [route, outline] of patterns) {
    const beginning = beginnings.get(literalBeginning(outline)) ?? 0;
    const end = ends.get(literalBeginning(outline.toReversed())) ?? 0;
    const rarest = grams.rarest(outline);
    if (rarest !== undefined && rarest.count < beginning && rarest.count < end) within.push([route, rarest.factor]);
    else if (end < beginning) backward.push([route, outline]);
    else forward.push([route, outline]);
  }
  return { forward, backward, within };
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** What a trie compares of an outline: outlines with the same text lead to the same node. */
function literalBeginning(outline: PathOutline): string {
  const free = outline.indexOf(ANYTHING);
  const known = free < 0 ? outline : outline.slice(0, free);
  let text = free < 0 ? '$' : '';
  let isSkipping = false;
  for (const element of known) {
    if (element === SLASH) isSkipping = false;
    if (!isSkipping) text += String.fromCharCode(element === WITHIN_SEGMENT ? ANY_BYTES : element);
    if (element === WITHIN_SEGMENT) isSkipping = true;
  }
  return text;
}

const SLASH = 47;
/** Stands for WITHIN_SEGMENT: beyond all bytes. */
const ANY_BYTES = 0x100;
