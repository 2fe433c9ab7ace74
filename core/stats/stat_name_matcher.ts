/**
 * Which stats exist at all: `bootstrap.stats_config.stats_matcher` as plain data, and its compiled form.
 * Thread: any; every thread compiles its own.
 */
import { RE2JS } from 're2js';

/** One pattern over a full stat name. Regexes match the whole name (RE2, linear time). */
export interface StatNamePattern {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex';
  readonly value: string;
  /** Not for `regex`. */
  readonly ignoreCase: boolean;
}

/** `rejectAll: true` keeps nothing; `include` keeps what any pattern matches; `exclude` keeps the rest. */
export type StatsMatcherConfig =
  | { readonly kind: 'rejectAll' }
  | { readonly kind: 'include'; readonly patterns: readonly StatNamePattern[] }
  | { readonly kind: 'exclude'; readonly patterns: readonly StatNamePattern[] };

/** Compiles one pattern. Throws (re2js) on a bad regex: validate when the configuration is read. */
export function compileStatNamePattern(pattern: StatNamePattern): (name: string) => boolean {
  if (pattern.kind === 'regex') {
    const regex = RE2JS.compile(pattern.value);
    return (name) => regex.matches(name);
  }
  const fold = pattern.ignoreCase ? (text: string) => text.toLowerCase() : (text: string) => text;
  const value = fold(pattern.value);
  switch (pattern.kind) {
    case 'exact':
      return (name) => fold(name) === value;
    case 'prefix':
      return (name) => fold(name).startsWith(value);
    case 'suffix':
      return (name) => fold(name).endsWith(value);
    case 'contains':
      return (name) => fold(name).includes(value);
  }
}

/** The compiled matcher: true = the stat exists. Undefined config: everything exists. */
export function compileStatsMatcher(config: StatsMatcherConfig | undefined): (name: string) => boolean {
  if (config === undefined) return () => true;
  if (config.kind === 'rejectAll') return () => false;
  const tests = config.patterns.map(compileStatNamePattern);
  const include = config.kind === 'include';
  return (name) => {
    for (const test of tests) {
      if (test(name)) return include;
    }
    return !include;
  };
}
