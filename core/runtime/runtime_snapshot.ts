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
export type RuntimeValues = Readonly<Record<string, RuntimeValue>>;

/** Text that spells a number or a boolean is one. */
export type RuntimeValue = string | number | boolean | FractionalPercent;

/**
 * The runtime values that hold now on this thread. Everything that a key decides keeps this object and asks it each time, so that
 * a change counts from the next question on, also for listeners, routes and filters that were built long before. Looking a key up
 * costs a map look-up; filters that read a key per request pay only if one is configured.
 */
export class RuntimeSnapshot {
  private values: Map<string, RuntimeValue>;

  constructor(values: RuntimeValues) {
    this.values = readValues(values);
  }

  /** From now on these are the values. */
  replace(values: RuntimeValues): void {
    this.values = readValues(values);
  }

  /** A non-negative integer, or the default when absent or not a number. */
  getInteger(key: string, defaultValue: number): number {
    if (key === '' || this.values.size === 0) return defaultValue;
    const value = this.values.get(key);
    return typeof value === 'number' && value >= 0 ? Math.floor(value) : defaultValue;
  }

  /** A number, or the default when absent or not a number. */
  getNumber<Default extends number | undefined>(key: string, defaultValue: Default): number | Default {
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
    return typeof value === 'boolean' ? value : defaultValue;
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

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const BOOLEAN = /^(true|false)$/i;

function readValues(values: RuntimeValues): Map<string, RuntimeValue> {
  return new Map(Object.entries(values).map(([key, value]) => [key, typeof value === 'string' ? readText(value.trim()) : value]));
}

function readText(text: string): RuntimeValue {
  if (NUMBER.test(text)) return Number(text);
  return BOOLEAN.test(text) ? text.toLowerCase() === 'true' : text;
}
