/** Subset load balancing as plain data, and its parsing from the policy's message or the cluster's old field. Thread: main. */
import type { Cluster_LbSubsetConfig } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { Subset } from '../../api/gen/envoy/extensions/load_balancing_policies/subset/v3/subset_pb.d.ts';
import type { ExtensionConfig, ParseContext } from '../../registry/parse_context.ts';

/** Where requests go that no subset fits. Of a selector only: `not_defined` (as the cluster says) and `keys_subset`. */
export type SubsetFallback = 'not_defined' | 'no_fallback' | 'any_endpoint' | 'default_subset' | 'keys_subset';

const FALLBACKS = ['no_fallback', 'any_endpoint', 'default_subset'] as const;
const SELECTOR_FALLBACKS = ['not_defined', 'no_fallback', 'any_endpoint', 'default_subset', 'keys_subset'] as const;

export interface SubsetSelector {
  /** In ascending order, each once; at least one. */
  readonly keys: readonly string[];
  readonly fallback: SubsetFallback;
  /** Of `keys_subset`: the keys of the criteria that count then. */
  readonly fallbackKeys: readonly string[];
  /** Each combination of values stands for one host, whatever its health. */
  readonly isSingleHost: boolean;
}

export interface SubsetConfig {
  readonly fallback: (typeof FALLBACKS)[number];
  /** Metadata of the default subset's hosts. */
  readonly defaultSubset: Readonly<Record<string, unknown>>;
  readonly selectors: readonly SubsetSelector[];
  readonly isLocalityWeightAware: boolean;
  readonly scalesLocalityWeight: boolean;
  readonly panicModeAny: boolean;
  readonly listAsAny: boolean;
  /** Criteria may have keys that no selector has. Selectors are in order of the number of their keys then. */
  readonly allowsRedundantKeys: boolean;
  /** Criteria may have a list of further ones, which are tried in order. */
  readonly hasFallbackList: boolean;
}

/** The policy `subset`: what subsets there are, and how one of a subset's hosts is chosen. */
export interface SubsetPolicyConfig {
  readonly subsets: SubsetConfig;
  /** Category envoy.load_balancing_policies. */
  readonly child: ExtensionConfig;
}

/** Both messages have the same fields but for redundant keys. */
export function parseSubsets(message: Cluster_LbSubsetConfig | Subset, context: ParseContext): SubsetConfig {
  const selectors: SubsetSelector[] = [];
  for (const selector of message.subsetSelectors) {
    const keys = sortedSet(selector.keys);
    const fallback = SELECTOR_FALLBACKS[selector.fallbackPolicy] ?? 'not_defined';
    const fallbackKeys = sortedSet(selector.fallbackKeysSubset);
    const text = whatIsWrong(keys, fallback, fallbackKeys);
    if (keys.length === 0) continue;
    if (text !== undefined) context.error(selector, fallbackKeys.length > 0 ? 'fallback_keys_subset' : undefined, text);
    selectors.push({ keys, fallback, fallbackKeys, isSingleHost: selector.singleHostPerSubset });
  }
  const allowsRedundantKeys = 'allowRedundantKeys' in message && message.allowRedundantKeys;
  if (allowsRedundantKeys) selectors.sort((a, b) => b.keys.length - a.keys.length);
  return {
    fallback: FALLBACKS[message.fallbackPolicy] ?? 'no_fallback',
    defaultSubset: message.defaultSubset === undefined ? {} : (JSON.parse(JSON.stringify(message.defaultSubset)) as Record<string, unknown>),
    selectors,
    isLocalityWeightAware: message.localityWeightAware,
    scalesLocalityWeight: message.scaleLocalityWeight,
    panicModeAny: message.panicModeAny,
    listAsAny: message.listAsAny,
    allowsRedundantKeys,
    hasFallbackList: message.metadataFallbackPolicy === 1,
  };
}

function whatIsWrong(keys: readonly string[], fallback: SubsetFallback, fallbackKeys: readonly string[]): string | undefined {
  if (fallback !== 'keys_subset') return fallbackKeys.length > 0 ? 'fallback_keys_subset can be set only for KEYS_SUBSET fallback_policy' : undefined;
  if (fallbackKeys.length === 0) return 'fallback_keys_subset cannot be empty';
  if (!fallbackKeys.every((key) => keys.includes(key))) return 'fallback_keys_subset must be a subset of selector keys';
  return keys.length === fallbackKeys.length ? 'fallback_keys_subset cannot be equal to keys' : undefined;
}

function sortedSet(keys: readonly string[]): string[] {
  return [...new Set(keys)].sort();
}

/** The policy over subsets, from its parts. Localities do not count in subsets unless they are to. */
export function subsetPolicy(subsets: SubsetConfig, child: ExtensionConfig): SubsetPolicyConfig {
  return Object.freeze({ subsets, child: subsets.isLocalityWeightAware ? child : { ...child, config: withoutLocalityWeights(child.config) } });
}

interface LocalityParts {
  readonly isLocalityWeighted?: boolean;
  readonly locality?: { readonly isWeighted: boolean };
}

function withoutLocalityWeights(config: unknown): unknown {
  const parts = config as LocalityParts;
  const next: LocalityParts = {
    ...parts,
    ...(parts.isLocalityWeighted === undefined ? {} : { isLocalityWeighted: false }),
    ...(parts.locality === undefined ? {} : { locality: { ...parts.locality, isWeighted: false } }),
  };
  return Object.freeze(next);
}
