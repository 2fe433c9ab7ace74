import { Cidr, parseIp } from '../base/cidr.ts';
import type { HeaderNames } from '../headers/header_names.ts';
import type { RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { compileConsistentHashing, compileValueFraction } from './hash_predicate.ts';
import { HeaderMatcher } from './header_matcher.ts';
import type { MatchInput } from './match_input.ts';
import type { MatchPredicateConfig, MatchTreeConfig, OnMatchConfig, ValuePredicateConfig } from './match_tree_config.ts';
import { compileMatchValue, type MatchValue } from './match_value.ts';
import { StringMatcher } from './string_matcher.ts';
import { compileValueMatcher } from './value_matcher.ts';

/** A compiled xds.type.matcher.v3.Matcher. */
export interface MatchTree<Result> {
  /** What the first leaf reached stands for, or null. A branch that leads nowhere is as if it had not matched. */
  match(input: MatchInput): Result | null;
}

/** What compiling a tree needs. `action` is called once per leaf. */
export interface MatchTreeCompiler<Action, Result> {
  readonly names: HeaderNames;
  readonly runtime: RuntimeSnapshot;
  action(action: Action): Result;
}

/** Compiles a tree. Config time. */
export function compileMatchTree<Action, Result>(config: MatchTreeConfig<Action>, compiler: MatchTreeCompiler<Action, Result>): MatchTree<Result> {
  const onNoMatch = config.onNoMatch === null ? NOTHING : compileOnMatch(config.onNoMatch, compiler);
  switch (config.kind) {
    case 'none':
      return onNoMatch as MatchTree<Result>;
    case 'list': {
      const matchers = config.matchers.map((matcher) => ({ predicate: compilePredicate(matcher.predicate, compiler), onMatch: compileOnMatch(matcher.onMatch, compiler) }));
      return new ListTree(matchers, onNoMatch as MatchTree<Result>);
    }
    case 'exact_map':
    case 'prefix_map': {
      const entries = new Map(config.entries.map(([key, onMatch]) => [Buffer.from(key).toString('latin1'), compileOnMatch(onMatch, compiler)]));
      const lookup: Lookup<Result> = config.kind === 'exact_map' ? new ExactLookup(entries) : new PrefixLookup(entries);
      return new ValueTree(compileMatchValue(config.input, compiler.names), lookup, onNoMatch as MatchTree<Result>);
    }
    case 'domains': {
      const entries = config.entries.flatMap(({ domains, onMatch }) => {
        const tree = compileOnMatch(onMatch, compiler);
        return domains.map((domain) => [domain, tree] as const);
      });
      return new ValueTree(compileMatchValue(config.input, compiler.names), new DomainLookup(new Map(entries)), onNoMatch as MatchTree<Result>);
    }
    case 'ip_ranges': {
      const ranges = config.entries.flatMap(({ ranges: texts, onMatch, exclusive }) => {
        const tree = compileOnMatch(onMatch, compiler);
        return texts.map((text) => ({ range: Cidr.parse(text), length: Number(text.slice(text.indexOf('/') + 1)), tree, exclusive }));
      });
      return new ValueTree(compileMatchValue(config.input, compiler.names), new IpLookup(ranges), onNoMatch as MatchTree<Result>);
    }
  }
}

const NOTHING: MatchTree<never> = { match: () => null };

function compileOnMatch<Action, Result>(config: OnMatchConfig<Action>, compiler: MatchTreeCompiler<Action, Result>): MatchTree<Result> {
  if (config.kind === 'tree') return compileMatchTree(config.tree, compiler);
  const result = compiler.action(config.action);
  return { match: () => result };
}

/** matcher_list: the first predicate that holds and whose branch leads somewhere. */
class ListTree<Result> implements MatchTree<Result> {
  private readonly matchers: readonly { readonly predicate: Predicate; readonly onMatch: MatchTree<Result> }[];
  private readonly onNoMatch: MatchTree<Result>;

  constructor(matchers: readonly { readonly predicate: Predicate; readonly onMatch: MatchTree<Result> }[], onNoMatch: MatchTree<Result>) {
    this.matchers = matchers;
    this.onNoMatch = onNoMatch;
  }

  match(input: MatchInput): Result | null {
    const matchers = this.matchers;
    for (let i = 0; i < matchers.length; i++) {
      if (!matchers[i].predicate.holds(input)) continue;
      const result = matchers[i].onMatch.match(input);
      if (result !== null) return result;
    }
    return this.onNoMatch.match(input);
  }
}

/** Finds branches by a text (Latin-1). */
interface Lookup<Result> {
  find(text: string, input: MatchInput): Result | null;
}

/** matcher_tree: branches by the value of one input. */
class ValueTree<Result> implements MatchTree<Result> {
  private readonly value: MatchValue;
  private readonly lookup: Lookup<Result>;
  private readonly onNoMatch: MatchTree<Result>;

  constructor(value: MatchValue, lookup: Lookup<Result>, onNoMatch: MatchTree<Result>) {
    this.value = value;
    this.lookup = lookup;
    this.onNoMatch = onNoMatch;
  }

  match(input: MatchInput): Result | null {
    const value = this.value.read(input);
    return (typeof value === 'string' ? this.lookup.find(value, input) : null) ?? this.onNoMatch.match(input);
  }
}

class ExactLookup<Result> implements Lookup<Result> {
  private readonly entries: ReadonlyMap<string, MatchTree<Result>>;

  constructor(entries: ReadonlyMap<string, MatchTree<Result>>) {
    this.entries = entries;
  }

  find(text: string, input: MatchInput): Result | null {
    return this.entries.get(text)?.match(input) ?? null;
  }
}

/** The longest key that the text begins with and whose branch leads somewhere. */
class PrefixLookup<Result> implements Lookup<Result> {
  private readonly entries: ReadonlyMap<string, MatchTree<Result>>;
  /** Lengths of keys, longest first. */
  private readonly lengths: readonly number[];

  constructor(entries: ReadonlyMap<string, MatchTree<Result>>) {
    this.entries = entries;
    this.lengths = [...new Set([...entries.keys()].map((key) => key.length))].sort((a, b) => b - a);
  }

  find(text: string, input: MatchInput): Result | null {
    for (const length of this.lengths) {
      const result = length <= text.length ? this.entries.get(text.slice(0, length))?.match(input) ?? null : null;
      if (result !== null) return result;
    }
    return null;
  }
}

/** The domain itself, then `*.` before fewer and fewer labels, then `*`; the first whose branch leads somewhere. Case matters. */
class DomainLookup<Result> implements Lookup<Result> {
  private readonly entries: ReadonlyMap<string, MatchTree<Result>>;

  constructor(entries: ReadonlyMap<string, MatchTree<Result>>) {
    this.entries = entries;
  }

  find(text: string, input: MatchInput): Result | null {
    if (text === '') return null;
    let result = this.entries.get(text)?.match(input) ?? null;
    for (let dot = text.indexOf('.'); result === null && dot >= 0; dot = text.indexOf('.', dot + 1)) {
      result = this.entries.get(`*${text.slice(dot)}`)?.match(input) ?? null;
    }
    return result ?? this.entries.get('*')?.match(input) ?? null;
  }
}

interface IpBranch<Result> {
  readonly range: Cidr;
  readonly length: number;
  readonly tree: MatchTree<Result>;
  readonly exclusive: boolean;
}

/** The narrowest range, then wider ones that are not exclusive; of equal ones the first. */
class IpLookup<Result> implements Lookup<Result> {
  /** Narrowest first; in order of the configuration among equals. */
  private readonly branches: readonly IpBranch<Result>[];

  constructor(branches: readonly IpBranch<Result>[]) {
    this.branches = branches.toSorted((a, b) => b.length - a.length);
  }

  find(text: string, input: MatchInput): Result | null {
    let isFirst = true;
    for (const branch of this.branches) {
      if (!branch.range.contains(text)) continue;
      const result = isFirst || !branch.exclusive ? branch.tree.match(input) : null;
      if (result !== null) return result;
      isFirst = false;
    }
    return null;
  }
}

/** A compiled predicate of a matcher_list. */
interface Predicate {
  holds(input: MatchInput): boolean;
}

/** What compiling a predicate needs. */
type PredicateContext = Pick<MatchTreeCompiler<unknown, unknown>, 'names' | 'runtime'>;

function compilePredicate(config: MatchPredicateConfig, context: PredicateContext): Predicate {
  const { names } = context;
  switch (config.kind) {
    case 'or': {
      const predicates = config.predicates.map((predicate) => compilePredicate(predicate, context));
      return { holds: (input) => predicates.some((predicate) => predicate.holds(input)) };
    }
    case 'and': {
      const predicates = config.predicates.map((predicate) => compilePredicate(predicate, context));
      return { holds: (input) => predicates.every((predicate) => predicate.holds(input)) };
    }
    case 'not': {
      const predicate = compilePredicate(config.predicate, context);
      return { holds: (input) => !predicate.holds(input) };
    }
    case 'single': {
      // The usual case compares the bytes where they lie.
      if (config.input.kind === 'request_header' && config.matcher.kind === 'string') {
        const matcher = new HeaderMatcher({ name: config.input.name, invert: false, treatMissingAsEmpty: false, ...config.matcher }, names);
        return { holds: (input) => matcher.matches(input.headers) };
      }
      // A matcher of metadata takes nothing else.
      if (config.matcher.kind === 'metadata' && config.input.kind !== 'dynamic_metadata') return { holds: () => false };
      const value = compileMatchValue(config.input, names);
      const matches = compileValuePredicate(config.matcher, context.runtime);
      return { holds: (input) => matches(value.read(input)) };
    }
  }
}

function compileValuePredicate(config: ValuePredicateConfig, runtime: RuntimeSnapshot): (value: unknown) => boolean {
  switch (config.kind) {
    case 'string': {
      const matcher = new StringMatcher(config.matcher);
      return (value) => typeof value === 'string' && matcher.matchesText(value);
    }
    case 'ip': {
      const ranges = config.ranges.map((range) => Cidr.parse(range));
      return (value) => typeof value === 'string' && parseIp(value) !== null && ranges.some((range) => range.contains(value));
    }
    case 'consistent_hashing':
      return compileConsistentHashing(config.threshold, config.modulo, config.seed);
    case 'runtime_fraction':
      return compileValueFraction(config.fraction, config.seed, runtime);
    case 'metadata': {
      const matcher = compileValueMatcher(config.value);
      return (value) => matcher.matches(value) !== config.invert;
    }
  }
}
