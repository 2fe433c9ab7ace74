/** Which subsets a host belongs to. Thread: any. */
import { LB_METADATA, valueText } from '../metadata_criteria.ts';

/** Key by key in their order, the texts of one subset's values. */
export type SubsetValues = readonly string[];

function balancingMetadata(metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | null {
  const fields = metadata[LB_METADATA];
  return typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : null;
}

/**
 * The values of these keys in a host's metadata, as many times as lists in it give combinations (with `listAsAny`); none when a key
 * is missing.
 */
export function subsetValues(metadata: Readonly<Record<string, unknown>>, keys: readonly string[], listAsAny: boolean): SubsetValues[] {
  const fields = balancingMetadata(metadata);
  let combinations: string[][] = [[]];
  for (const key of keys) {
    if (fields === null || !Object.hasOwn(fields, key)) return [];
    const value = fields[key];
    const texts = listAsAny && Array.isArray(value) ? value.map(valueText) : [valueText(value)];
    combinations = combinations.flatMap((values) => texts.map((text) => [...values, text]));
  }
  return keys.length === 0 ? [] : combinations;
}

/** Whether a host's metadata has all of these values; with `listAsAny`, of lists one item counts. */
export function hasMetadata(metadata: Readonly<Record<string, unknown>>, wanted: Readonly<Record<string, unknown>>, listAsAny: boolean): boolean {
  const fields = balancingMetadata(metadata);
  return Object.entries(wanted).every(([name, value]) => {
    if (fields === null || !Object.hasOwn(fields, name)) return false;
    const own = fields[name];
    const text = valueText(value);
    return listAsAny && Array.isArray(own) ? own.some((item) => valueText(item) === text) : valueText(own) === text;
  });
}
