/** What a request's metadata criteria come to with a cluster's selectors: worked out once per set of criteria. Thread: worker. */
import type { MetadataCriteria } from '../metadata_criteria.ts';
import type { SubsetConfig, SubsetFallback } from './subset_config.ts';

export interface CriteriaPlan {
  /** The subset that is looked for. */
  readonly criteria: MetadataCriteria;
  /** When there is none. */
  readonly fallback: SubsetFallback;
  /** With `keys_subset`: what is looked for instead. */
  readonly reduced: CriteriaPlan | null;
  /** What is tried when this finds no host; null: nothing. */
  readonly next: CriteriaPlan | null;
}

export function criteriaPlan(config: SubsetConfig, criteria: MetadataCriteria): CriteriaPlan {
  const fallbacks = config.hasFallbackList ? criteria.fallbacks() : null;
  if (fallbacks === null) return planOne(config, criteria, null);
  const own = criteria.withoutFallbacks();
  if (fallbacks.length === 0) return planOne(config, own, null);
  let plan: CriteriaPlan | null = null;
  for (const override of fallbacks.toReversed()) plan = planOne(config, own.merge(override), plan);
  return plan as CriteriaPlan;
}

function planOne(config: SubsetConfig, criteria: MetadataCriteria, next: CriteriaPlan | null): CriteriaPlan {
  const used = config.allowsRedundantKeys ? withoutRedundantKeys(config, criteria) : criteria;
  // Of several selectors with these keys the first counts, as in Envoy.
  const selector = config.selectors.find(({ keys }) => keys.length === used.names.length && keys.every((key, i) => key === used.names[i]));
  const fallback = selector?.fallback ?? 'not_defined';
  const reduced = selector !== undefined && fallback === 'keys_subset' ? planOne(config, used.filter(selector.fallbackKeys), null) : null;
  return { criteria: used, fallback, reduced, next };
}

/** Those of the first selector all of whose keys are there; all of them if there is no such selector. */
function withoutRedundantKeys(config: SubsetConfig, criteria: MetadataCriteria): MetadataCriteria {
  const selector = config.selectors.find(({ keys }) => keys.every((key) => criteria.names.includes(key)));
  return selector === undefined ? criteria : criteria.filter(selector.keys);
}
