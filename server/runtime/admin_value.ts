import { parse } from 'yaml';
import type { FractionalPercent, RuntimeValue } from '../../core/runtime/runtime_snapshot.ts';

const DENOMINATORS: ReadonlyMap<unknown, FractionalPercent['denominator']> = new Map<unknown, FractionalPercent['denominator']>([
  [undefined, 100], ['HUNDRED', 100], ['TEN_THOUSAND', 10_000], ['MILLION', 1_000_000], [0, 100], [1, 10_000], [2, 1_000_000],
]);

/** A value that came through the admin interface: a fraction if it is YAML of one, else the text (see RuntimeSnapshot). */
export function parseAdminValue(text: string): RuntimeValue {
  return (/numerator|denominator/.test(text) ? parseFraction(text) : undefined) ?? text;
}

function parseFraction(text: string): FractionalPercent | undefined {
  let value: unknown;
  try {
    value = parse(text, { logLevel: 'error' });
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { numerator = 0, denominator: name, ...others } = value as { numerator?: unknown; denominator?: unknown };
  const denominator = DENOMINATORS.get(name);
  if (denominator === undefined || Object.keys(others).length > 0 || !Number.isInteger(numerator)) return undefined;
  return { numerator: numerator as number, denominator };
}
