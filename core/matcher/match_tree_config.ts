/** Match trees (xds.type.matcher.v3.Matcher) as plain data; `Action` is what a leaf stands for, likewise plain data. */
import type { RuntimeFraction } from '../runtime/runtime_snapshot.ts';
import type { HashSeed } from './hash_predicate.ts';
import type { StringMatcherConfig, ValueMatcherConfig } from './matcher_config.ts';

/** Where a value to match comes from. */
export type MatchInputConfig =
  | { readonly kind: 'request_header' | 'query_param' | 'filter_state'; readonly name: string }
  | { readonly kind: 'source_ip' | 'source_port' | 'direct_source_ip' | 'destination_ip' | 'destination_port' | 'source_type' | 'server_name' }
  | { readonly kind: 'dynamic_metadata'; readonly filter: string; readonly path: readonly string[] }
  /** A value known when the configuration is read; null: there is none. */
  | { readonly kind: 'constant'; readonly value: string | null };

export type ValuePredicateConfig =
  | { readonly kind: 'string'; readonly matcher: StringMatcherConfig }
  | { readonly kind: 'ip'; readonly ranges: readonly string[] }
  | { readonly kind: 'consistent_hashing'; readonly threshold: number; readonly modulo: number; readonly seed: HashSeed }
  | { readonly kind: 'runtime_fraction'; readonly fraction: RuntimeFraction; readonly seed: HashSeed }
  | { readonly kind: 'metadata'; readonly value: ValueMatcherConfig; readonly invert: boolean };

export type MatchPredicateConfig =
  | { readonly kind: 'single'; readonly input: MatchInputConfig; readonly matcher: ValuePredicateConfig }
  | { readonly kind: 'or' | 'and'; readonly predicates: readonly MatchPredicateConfig[] }
  | { readonly kind: 'not'; readonly predicate: MatchPredicateConfig };

export type OnMatchConfig<Action> = { readonly kind: 'tree'; readonly tree: MatchTreeConfig<Action> } | { readonly kind: 'action'; readonly action: Action };

export type MatchTreeConfig<Action> = { readonly onNoMatch: OnMatchConfig<Action> | null } & (
  | { readonly kind: 'none' }
  | { readonly kind: 'list'; readonly matchers: readonly { readonly predicate: MatchPredicateConfig; readonly onMatch: OnMatchConfig<Action> }[] }
  | { readonly kind: 'exact_map' | 'prefix_map'; readonly input: MatchInputConfig; readonly entries: readonly (readonly [key: string, onMatch: OnMatchConfig<Action>])[] }
  /** `*` and `*.domain` among the domains. */
  | { readonly kind: 'domains'; readonly input: MatchInputConfig; readonly entries: readonly { readonly domains: readonly string[]; readonly onMatch: OnMatchConfig<Action> }[] }
  | {
    readonly kind: 'ip_ranges'; readonly input: MatchInputConfig;
    readonly entries: readonly { readonly ranges: readonly string[]; readonly onMatch: OnMatchConfig<Action>; readonly exclusive: boolean }[];
  }
);
