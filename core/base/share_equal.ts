/**
 * Lets equal parts of frozen plain data be one object: of a thousand clusters most have the same thresholds, policies and empty
 * maps, and a structured clone keeps what is shared. Objects that are not plain (typed arrays, maps) stay as they are.
 */
export class EqualParts {
  private readonly byKey = new Map<string, object>();
  /** Numbers of the parts kept, by which the keys of larger ones name them. */
  private readonly numbers = new Map<object, number>();

  /** The value with every part replaced by the first equal one that was seen. Returns frozen data. */
  share<T>(value: T): T {
    if (typeof value !== 'object' || value === null) return value;
    return this.shareObject(value) as T;
  }

  /** The same for what the value holds; itself it is taken for the only one of its kind, which saves looking. Returns a frozen object. */
  shareMembers<T extends object>(value: T): T {
    const shared = Object.fromEntries(Object.entries(value).map(([name, member]: [string, unknown]) => [name, this.share(member)]));
    return Object.freeze(shared) as T;
  }

  private shareObject(value: object): object {
    if (this.numbers.has(value)) return value;
    const isList = Array.isArray(value);
    if (!isList && Object.getPrototypeOf(value) !== Object.prototype) return value;
    let key = isList ? '[' : '{';
    let changed = false;
    const parts: [string, unknown][] = [];
    for (const [name, part] of Object.entries(value)) {
      const shared = this.share(part as unknown);
      changed ||= shared !== part;
      parts.push([name, shared]);
      key += isList ? `${this.keyOf(shared)},` : `${JSON.stringify(name)}:${this.keyOf(shared)},`;
    }
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const kept = !changed ? value : Object.freeze(isList ? parts.map(([, part]) => part) : Object.fromEntries(parts));
    this.byKey.set(key, kept);
    this.number(kept);
    return kept;
  }

  private keyOf(value: unknown): string {
    if (typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'object' && value !== null) return `#${this.number(value)}`;
    // -0 and 0 are not the same to whoever divides by them.
    return Object.is(value, -0) ? '-0' : `${typeof value}${String(value)}`;
  }

  private number(value: object): number {
    let number = this.numbers.get(value);
    if (number === undefined) {
      number = this.numbers.size;
      this.numbers.set(value, number);
    }
    return number;
  }
}
