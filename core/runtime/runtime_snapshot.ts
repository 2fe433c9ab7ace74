/** A fraction as Envoy writes it: numerator out of 100, 10,000 or 1,000,000. */
export interface FractionalPercent {
  readonly numerator: number;
  readonly denominator: 100 | 10000 | 1000000;
}

/** A fraction that a runtime key may override. */
export interface RuntimeFraction {
  readonly defaultValue: FractionalPercent;
  /** '' = no key. */
  readonly runtimeKey: string;
}

/** Runtime values of one snapshot: flat keys to values, later layers already applied. Plain data, cloneable. */
export type RuntimeValues = Readonly<Record<string, string | number | boolean | FractionalPercent>>;

/** Reads runtime values. Looking a key up costs a map look-up; filters that read a key per request pay only if one is configured. */
export class RuntimeSnapshot {
  private readonly values: Map<string, string | number | boolean | FractionalPercent>;

  constructor(values: RuntimeValues) {
    this.values = new Map(Object.entries(values));
  }

  /** A non-negative integer, or the default when absent or not a number. */
  getInteger(key: string, defaultValue: number): number {
    if (key === '' || this.values.size === 0) return defaultValue;
    const value = this.values.get(key);
    if (typeof value === 'number' && value >= 0) return Math.floor(value);
    if (typeof value === 'string' && /^\d+$/.test(value)) return Number(value);
    return defaultValue;
  }

  /** A number, or the default when absent or not a number. */
  getNumber(key: string, defaultValue: number): number {
    if (key === '' || this.values.size === 0) return defaultValue;
    const value = this.values.get(key);
    if (typeof value === 'number') return value;
    if (typeof value !== 'string' || value === '') return defaultValue;
    const number = Number(value);
    return Number.isNaN(number) ? defaultValue : number;
  }

  getBoolean(key: string, defaultValue: boolean): boolean {
    if (key === '' || this.values.size === 0) return defaultValue;
    const value = this.values.get(key);
    if (typeof value === 'boolean') return value;
    if (value === 'true') return true;
    if (value === 'false') return false;
    return defaultValue;
  }

  /** Whether a feature is on for a stream whose random number (or stable hash) is `random`. */
  featureEnabled(fraction: RuntimeFraction, random: number): boolean {
    let { numerator, denominator } = fraction.defaultValue;
    if (fraction.runtimeKey !== '' && this.values.size > 0) {
      const value = this.values.get(fraction.runtimeKey);
      if (typeof value === 'number' && value >= 0) {
        numerator = Math.floor(value);
        denominator = 100;
      } else if (typeof value === 'object') {
        numerator = value.numerator;
        denominator = value.denominator;
      }
    }
    return random % denominator < numerator;
  }
}
