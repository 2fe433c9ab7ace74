/** What a route or a request wants of its host's metadata. Thread: any. */

/** The namespace of metadata that balancers look at. */
export const LB_METADATA = 'envoy.lb';
/** The criterion that holds further sets of criteria, in the order in which they are tried. */
const FALLBACK_LIST = 'fallback_list';

/** Values with the same text are the same value. */
export function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${valueText(field)}`).join(',')}}`;
}

/** Names with values, by name in ascending order. Immutable; made when configuration is read wherever possible. */
export class MetadataCriteria {
  readonly names: readonly string[];
  /** valueText of each. */
  readonly values: readonly string[];
  private readonly struct: Readonly<Record<string, unknown>>;

  /** `struct`: JSON values by name. */
  constructor(struct: Readonly<Record<string, unknown>>) {
    this.struct = struct;
    this.names = Object.keys(struct).sort();
    this.values = this.names.map((name) => valueText(struct[name]));
  }

  /** The criteria of `metadata` (by namespace), with those of `parent` that it does not replace; `parent` itself where there are none. */
  static of(metadata: Readonly<Record<string, unknown>> | undefined, parent: MetadataCriteria | null): MetadataCriteria | null {
    const struct = metadata?.[LB_METADATA];
    if (typeof struct !== 'object' || struct === null) return parent;
    return new MetadataCriteria({ ...parent?.struct, ...(struct as Record<string, unknown>) });
  }

  /** With some replaced or added. */
  merge(struct: Readonly<Record<string, unknown>>): MetadataCriteria {
    return new MetadataCriteria({ ...this.struct, ...struct });
  }

  /** Those of these names. */
  filter(names: readonly string[]): MetadataCriteria {
    return new MetadataCriteria(Object.fromEntries(this.names.filter((name) => names.includes(name)).map((name) => [name, this.struct[name]])));
  }

  /** What the criterion `fallback_list` holds; null: there is none. */
  fallbacks(): readonly Readonly<Record<string, unknown>>[] | null {
    if (!this.names.includes(FALLBACK_LIST)) return null;
    const list = this.struct[FALLBACK_LIST];
    if (!Array.isArray(list)) return [];
    return list.map((item: unknown) => (typeof item === 'object' && item !== null && !Array.isArray(item) ? (item as Record<string, unknown>) : {}));
  }

  withoutFallbacks(): MetadataCriteria {
    return this.filter(this.names.filter((name) => name !== FALLBACK_LIST));
  }
}
